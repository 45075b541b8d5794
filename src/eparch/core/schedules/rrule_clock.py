"""In charge of clocks made of recurrence rules; not in charge of a single rule (`recurrence`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from heapq import merge
from itertools import islice, repeat
from typing import ClassVar, Final

from eparch.core.schedules.clock import CANDIDATES_MAX, Clock, Occurrence, read_shared_fields
from eparch.core.schedules.moments import ZonedInstant, read_iso_datetime
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.recurrence import RecurrenceRule, read_recurrence_rule
from eparch.core.schedules.zones import DaylightRule

_STEPS_MAX: Final = 100  # Entering dateutil's rule anew costs about as much as so many steps.


@dataclass(frozen=True, slots=True, kw_only=True)
class RRuleClock(Clock):
    """Ticks where a rule or date of a set says so and no excluded rule or date says the same instant.

    Rules keep the fixed offset in which clients wrote them, so neither daylight rule concerns them, unless their
    document names a zone. Bounds of a naive set are compared by their wall-clock time, as if they were UTC like it.
    """

    follows_daylight_rule: ClassVar[bool] = True

    rules: tuple[RecurrenceRule, ...]
    dates: tuple[ZonedInstant, ...]
    excluded_rules: tuple[RecurrenceRule, ...]
    excluded_dates: frozenset[datetime]

    def occurrences(self, earliest: datetime, rule: DaylightRule) -> Iterator[Occurrence]:
        """Yield the ticks at or after `earliest` and the start date; see `Clock.occurrences`."""
        start, end = self._bound(self.start_date), self._bound(self.end_date)
        if start is not None:
            earliest = max(earliest, start)
        exclusions = [_Exclusion(excluded, earliest, rule) for excluded in self.excluded_rules]
        last: datetime | None = None
        # Rules that exclude everything would otherwise be followed for ever.
        for instant, zone in islice(self._included(earliest, rule), CANDIDATES_MAX):
            if end is not None and instant > end:
                return
            is_excluded = instant in self.excluded_dates or any(exclusion.has(instant) for exclusion in exclusions)
            if instant != last and not is_excluded:
                yield instant, zone
            last = instant

    def walls(self, earliest: datetime) -> Iterator[tuple[datetime, tzinfo]]:
        """Yield the wall-clock times of a single rule; see `Clock.walls`."""
        if len(self.rules) != 1:
            return iter(())
        start = self._bound(self.start_date)
        (rule,) = self.rules
        return zip(rule.walls(earliest if start is None else max(earliest, start)), repeat(rule.zone), strict=False)

    def _included(self, earliest: datetime, daylight_rule: DaylightRule) -> Iterator[Occurrence]:
        dates = ((date.instant, date.zone) for date in self.dates if date.instant >= earliest)
        rules = (zip(rule.instants(earliest, daylight_rule), repeat(rule.zone), strict=False) for rule in self.rules)
        return merge(dates, *rules, key=lambda occurrence: occurrence[0])

    def _bound(self, bound: ZonedInstant | None) -> datetime | None:
        if bound is None:
            return None
        is_naive = self.rules[0].is_naive if self.rules else False
        return bound.wall.replace(tzinfo=UTC) if is_naive else bound.instant


class _Exclusion:
    """Whether a rule has an instant, asked in ascending order."""

    def __init__(self, rule: RecurrenceRule, earliest: datetime, daylight_rule: DaylightRule) -> None:
        self._rule = rule
        self._daylight_rule = daylight_rule
        self._instants = rule.instants(earliest, daylight_rule)
        self._next = next(self._instants, None)

    def has(self, instant: datetime) -> bool:
        period = self._rule.period
        if self._next is not None and period is not None and instant - self._next > _STEPS_MAX * period:
            # A rule of minutes that excludes from a rule of months would step through them all.
            self._instants = self._rule.instants(instant, self._daylight_rule)
            self._next = next(self._instants, None)
        while self._next is not None and self._next < instant:
            self._next = next(self._instants, None)
        return self._next == instant


def read_rrule_clock(node: Node) -> RRuleClock:
    """Read an RRuleClock document.

    Raises:
        ScheduleError: a field is malformed, the kind of rule is unknown, or a set has neither rules nor dates.
    """
    shared = read_shared_fields(node)
    source = node.key("rrule_obj")
    kind = source.key("type")
    rules: tuple[RecurrenceRule, ...]
    excluded_rules: tuple[RecurrenceRule, ...] = ()
    dates: tuple[ZonedInstant, ...] = ()
    excluded_dates: frozenset[datetime] = frozenset()
    if kind.value == "rrule":
        rules = (read_recurrence_rule(source),)
    elif kind.value == "rruleset":
        rules = tuple(map(read_recurrence_rule, source.key("_rrule").items()))
        excluded_rules = tuple(map(read_recurrence_rule, source.key("_exrule").items()))
        dates = tuple(sorted(map(_read_date, source.key("_rdate").items()), key=lambda date: date.instant))
        excluded_dates = frozenset(_read_date(date).instant for date in source.key("_exdate").items())
        if not rules and not dates:
            raise source.error("the set has neither rules nor dates", "give at least one in _rrule or _rdate")
    else:
        raise kind.error(f"{kind.value!r} is not a kind of rule", "give 'rrule' or 'rruleset'")
    return RRuleClock(
        parameter_defaults=shared.parameter_defaults,
        labels=shared.labels,
        start_date=shared.start_date,
        end_date=shared.end_date,
        rules=rules,
        dates=dates,
        excluded_rules=excluded_rules,
        excluded_dates=excluded_dates,
    )


def _read_date(node: Node) -> ZonedInstant:
    """Read an ISO date as an instant in its own offset; without an offset it is UTC."""
    moment = read_iso_datetime(node)
    zone: tzinfo = UTC if moment.tzinfo is None else timezone(moment.utcoffset() or timedelta())
    try:
        return ZonedInstant(moment.replace(tzinfo=zone).astimezone(UTC), zone)
    except OverflowError:
        raise node.error(f"{node.value!r} is out of range", "give a date in the years 1 to 9999") from None
