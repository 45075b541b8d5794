"""In charge of telling whether a recurrence rule has any day at all; not in charge of which instants it has.

dateutil looks for the next day of a rule up to the year 9999, day by day. A rule that never occurs, such as every
seventh day from a Tuesday on, if it is a Monday, would keep it busy for half a minute at every pass of the scheduler.
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from math import prod
from typing import Final, TypeAlias

_DayTest: TypeAlias = Callable[[date], bool]

_YEARS_MAX: Final = 50  # As for cron expressions; the calendar repeats after 28 years, 40 around 2100.
_EXPANDING_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "WEEKLY": ("BYHOUR", "BYMINUTE", "BYSECOND"),
    "DAILY": ("BYHOUR", "BYMINUTE", "BYSECOND"),
    "HOURLY": ("BYMINUTE", "BYSECOND"),
    "MINUTELY": ("BYSECOND",),
    "SECONDLY": (),
}
"""The parts that multiply the events of one day or shorter period; the other parts only leave days or periods out."""

_DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def has_a_day(fields: Mapping[str, str], start: datetime, period: timedelta | None) -> bool:
    """Tell whether any day in the 50 years from the start on passes the BY parts of a rule.

    Args:
        fields: the parts of a valid RRULE line, in upper case.
        start: naive wall-clock time of the start.
        period: FREQ times INTERVAL; None for MONTHLY and YEARLY, which have so few periods that they need no test.
    """
    if period is None:
        return True
    if not _has_a_position(fields):
        return False
    tests = _day_tests(fields)
    if not tests:
        return True
    # Weekly rules may tick on any day of their weeks, and shorter periods than a day reach every day.
    step = period if period % _DAY == timedelta() and fields["FREQ"] != "WEEKLY" else _DAY
    day = start.date()
    day_last = date(min(day.year + _YEARS_MAX, 9999), 12, 31)
    while not all(test(day) for test in tests):
        if day_last - day < step:
            return False
        day += step
    return True


def _has_a_position(fields: Mapping[str, str]) -> bool:
    """Tell whether a period can have as many events as the smallest BYSETPOS asks for."""
    positions = _numbers(fields, "BYSETPOS")
    if not positions:
        return True
    days_max = 1
    if fields["FREQ"] == "WEEKLY":
        other_tests = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYEASTER"} & fields.keys()
        days_max = len(_weekday_names(fields)) or (7 if other_tests else 1)
    times_count = prod(len(_numbers(fields, name)) or 1 for name in _EXPANDING_PARTS[fields["FREQ"]])
    return min(map(abs, positions)) <= days_max * times_count


def _day_tests(fields: Mapping[str, str]) -> list[_DayTest]:
    tests: list[_DayTest] = []
    months, month_days = _numbers(fields, "BYMONTH"), _numbers(fields, "BYMONTHDAY")
    year_days, weeks, easters = (_numbers(fields, name) for name in ("BYYEARDAY", "BYWEEKNO", "BYEASTER"))
    weekday_names = _weekday_names(fields)
    if months:
        tests.append(lambda day: day.month in months)
    if month_days:
        tests.append(lambda day: not month_days.isdisjoint({day.day, day.day - 1 - _month_length(day)}))
    if year_days:
        tests.append(
            lambda day: not year_days.isdisjoint({_year_day(day), _year_day(day) - 1 - _year_length(day.year)})
        )
    if weekday_names:
        tests.append(lambda day: _WEEKDAYS[day.weekday()] in weekday_names)
    if weeks:
        first_weekday = _WEEKDAYS.index(fields.get("WKST", "MO"))
        tests.append(lambda day: not weeks.isdisjoint(_week_numbers(day, first_weekday)))
    if easters:
        from dateutil.easter import easter  # Imported late, like dateutil everywhere.

        tests.append(lambda day: (day - easter(day.year)).days in easters)
    return tests


def _weekday_names(fields: Mapping[str, str]) -> set[str]:
    return set(re.findall("[A-Z]{2}", fields.get("BYDAY", "") + fields.get("BYWEEKDAY", "")))


def _numbers(fields: Mapping[str, str], name: str) -> frozenset[int]:
    return frozenset(int(number) for number in fields.get(name, "").split(",") if number)


def _month_length(day: date) -> int:
    return (
        29 if day.month == 2 and isleap(day.year) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[day.month - 1]
    )


def _year_day(day: date) -> int:
    return day.timetuple().tm_yday


def _year_length(year: int) -> int:
    return 366 if isleap(year) else 365


def _week_numbers(day: date, first_weekday: int) -> set[int]:
    """Return the number of the day's week, counted from the start of the year and, negative, from its end.

    A week belongs to the year that has most of its days, which is the year of its fourth day.
    """
    fourth = day + timedelta(days=3 - (day.weekday() - first_weekday) % 7)
    number = (_year_day(fourth) - 1) // 7 + 1
    weeks_after = (_year_length(fourth.year) - _year_day(fourth)) // 7
    return {number, -1 - weeks_after}
