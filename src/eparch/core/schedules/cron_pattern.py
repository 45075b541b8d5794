"""In charge of cron expressions: what they mean, and which wall-clock times match; not in charge of time zones.

croniter reads the expressions, so that they mean here what they mean to the clients. It does not compute the times:
its answers around daylight-saving changes differ between its versions, and a croniter object per event is slow.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from eparch.core.schedules.nodes import Node

_YEARS_MAX: Final = 50  # Between two matches; as croniter. A Monday 29 February comes at least every 40 years.
_YEAR_LAST: Final = 9998  # Leaves room for time zone arithmetic below datetime.max.
_LAST: Final = -1  # The last one of its weekday in the month, among the numbers 1 to 5 of `nth_weekdays`.

_HASHED: Final = re.compile(r"[hr](\(|/|$)", re.ASCII)
_ZERO_DAY: Final = re.compile(r"(?<![\d/])0+(?!\d)", re.ASCII)
_EQUAL_RANGE: Final = re.compile(r"^(\w+)-\1(/0*[1-9]\d*)?$", re.ASCII | re.IGNORECASE)
_ALLOWED: Final = (
    "give 5 fields (minute hour day month weekday), a sixth for seconds at the end, or an alias such as '@daily'"
)


@dataclass(frozen=True, slots=True)
class CronPattern:
    """A parsed expression. A field that is None matches everything.

    Attributes:
        days: days of the month; `has_last_day` adds the last one, whichever it is.
        nearest_weekdays: days N of `NW`, the working day nearest to N; where given, `days` is not asked.
        weekdays: 0 is Sunday.
        nth_weekdays: pairs of `weekday#n`, n from 1 to 5 or -1 for the last; where given, `weekdays` is not asked.
        is_day_or: when both day of month and weekday are restricted, one of them is enough.
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None
    has_last_day: bool
    nearest_weekdays: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int] | None
    nth_weekdays: frozenset[tuple[int, int]]
    is_day_or: bool

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Yield the naive wall-clock times from `start` on that match, ascending; end after 50 years without one."""
        year, month = start.year, start.month
        year_last = year + _YEARS_MAX
        while year <= min(year_last, _YEAR_LAST):
            if month in self.months:
                is_first_month = (year, month) == (start.year, start.month)
                for day in self.days_of_month(year, month):
                    if is_first_month and day <= start.day:
                        if day == start.day:
                            yield from self._walls_of_day_from(start)
                        continue
                    year_last = year + _YEARS_MAX
                    for hour in self.hours:
                        for minute in self.minutes:
                            for second in self.seconds:
                                yield datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a wall clock
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def days_of_month(self, year: int, month: int) -> Collection[int]:
        """Return the days of one month that match, ascending; whether the month itself matches is not asked."""
        first_weekday, days_count = monthrange(year, month)  # Monday is 0.
        by_day = self._by_day_of_month(first_weekday, days_count)
        by_weekday = self._by_weekday((first_weekday + 1) % 7, days_count)
        if by_day is None:
            return range(1, days_count + 1) if by_weekday is None else sorted(by_weekday)
        if by_weekday is None:
            return sorted(by_day)
        both = by_day & by_weekday
        if not self.is_day_or:
            return sorted(both)
        # croniter never drops `#` or `W` from either side of the OR, which narrows the other side to the AND.
        return sorted((both if self.nth_weekdays else by_day) | (both if self.nearest_weekdays else by_weekday))

    def _by_day_of_month(self, first_weekday: int, days_count: int) -> set[int] | None:
        if self.nearest_weekdays:
            return {_nearest_working_day(day, first_weekday, days_count) for day in self.nearest_weekdays}
        if self.days is None:
            return None
        days = {day for day in self.days if day <= days_count}
        if self.has_last_day:
            days.add(days_count)
        return days

    def _by_weekday(self, first_weekday: int, days_count: int) -> set[int] | None:
        if self.nth_weekdays:
            days: set[int] = set()
            for weekday, nth in self.nth_weekdays:
                days_of_weekday = range(1 + (weekday - first_weekday) % 7, days_count + 1, 7)
                if nth == _LAST:
                    days.add(days_of_weekday[-1])
                elif nth <= len(days_of_weekday):
                    days.add(days_of_weekday[nth - 1])
            return days
        if self.weekdays is None:
            return None
        return {day for weekday in self.weekdays for day in range(1 + (weekday - first_weekday) % 7, days_count + 1, 7)}

    def _walls_of_day_from(self, start: datetime) -> Iterator[datetime]:
        for hour in self.hours:
            if hour < start.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (start.hour, start.minute):
                    continue
                for second in self.seconds:
                    wall = start.replace(hour=hour, minute=minute, second=second, microsecond=0)
                    if wall >= start:
                        yield wall


def read_cron_pattern(node: Node, is_day_or: bool) -> CronPattern:
    """Read a cron expression of 5 fields, of 6 with the seconds last, or an alias such as `@daily`.

    Raises:
        ScheduleError: the expression is malformed, hashed (H) or random (R), has a year field, or never matches.
    """
    try:
        return _parse(node.text(), is_day_or)
    except _UnusableExpressionError as error:
        raise node.error(f"{node.value!r} {error.problem}", error.hint) from error.__cause__


class _UnusableExpressionError(Exception):
    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem, hint)
        self.problem = problem
        self.hint = hint


@lru_cache(maxsize=4096)
def _parse(expression: str, is_day_or: bool) -> CronPattern:
    from croniter import croniter  # Imported late: it takes 50 ms, and nothing else in the server needs it.

    fields = expression.split()
    if any(_HASHED.match(field.lower()) for field in fields):
        raise _UnusableExpressionError("has a hashed (H) or random (R) field", "give the numbers themselves")
    try:
        parsed = croniter(_settled(fields), start_time=0.0)
    except ValueError as error:
        raise _UnusableExpressionError(f"is not a cron expression ({error})", _ALLOWED) from error
    if len(parsed.expanded) not in (5, 6):
        raise _UnusableExpressionError(f"has {len(parsed.expanded)} fields", _ALLOWED)

    minutes, hours, days, months, weekdays, seconds = [*parsed.expanded, [0]][:6]
    is_any_day = "*" in days
    pattern = CronPattern(
        seconds=_numbers(seconds, range(60)),
        minutes=_numbers(minutes, range(60)),
        hours=_numbers(hours, range(24)),
        days=None if is_any_day else frozenset(day for day in days if day != "l"),
        has_last_day="l" in days and not is_any_day,
        nearest_weekdays=frozenset(getattr(parsed, "nearest_weekday", ())),  # Only newer versions know `W`.
        months=frozenset(_numbers(months, range(1, 13))),
        weekdays=None if "*" in weekdays else frozenset(weekdays),
        nth_weekdays=_nth_weekdays(parsed.nth_weekday_of_month),
        is_day_or=is_day_or,
    )
    if next(pattern.walls(datetime(2000, 1, 1)), None) is None:  # noqa: DTZ001 - a wall clock
        raise _UnusableExpressionError("never matches any date", "give a day that one of its months has")
    return pattern


def _settled(fields: list[str]) -> str:
    """Return the expression with those spellings replaced that versions of croniter read differently.

    As in the versions that the clients were released with (1.x), a range from a value to itself is that value, where
    newer ones take it for the whole cycle, and `9-9` for every hour. And day 0 of a six-field expression is day 1,
    where newer ones refuse it; it is what a sixth field written first by mistake leads to.
    """
    fields = [",".join(_EQUAL_RANGE.sub(r"\1", part) for part in field.split(",")) for field in fields]
    if len(fields) == 6:
        fields[2] = _ZERO_DAY.sub("1", fields[2])
    return " ".join(fields)


def _numbers(field: list[int | str], whole: range) -> tuple[int, ...]:
    return tuple(whole) if "*" in field else tuple(sorted(number for number in field if isinstance(number, int)))


def _nth_weekdays(by_weekday: dict[int | str, set[int | str]]) -> frozenset[tuple[int, int]]:
    pairs: set[tuple[int, int]] = set()
    for weekday, numbers in by_weekday.items():
        for number in numbers:
            nth = number if isinstance(number, int) else _LAST
            pairs.update((day, nth) for day in ([weekday] if isinstance(weekday, int) else range(7)))
    return frozenset(pairs)


def _nearest_working_day(day: int, first_weekday: int, days_count: int) -> int:
    """Return the Monday to Friday nearest to a day without leaving the month."""
    day = min(day, days_count)
    weekday = (first_weekday + day - 1) % 7  # Monday is 0.
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < days_count else day - 2
    return day
