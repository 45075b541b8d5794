"""In charge of turning a schedule into its next events; not in charge of when to ask, nor of creating runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from heapq import merge
from itertools import islice, takewhile
from typing import Final, TypeAlias

from msgspec import Struct

from eparch.core.schedules.clock import CANDIDATES_MAX, Clock, Occurrence
from eparch.core.schedules.run_identity import canonical_payload
from eparch.core.schedules.schedule import Schedule
from eparch.core.schedules.zones import DaylightRule

_RESOLUTION: Final = timedelta(microseconds=1)
Tick: TypeAlias = tuple[datetime, tzinfo, int]
"""An aware UTC instant, the zone of its clock, and the index of the clock."""


class Event(Struct, frozen=True):
    """A run to be created.

    Attributes:
        start_time: aware, UTC.
        parameter_defaults: parameters of the run; may be empty. Shared between events: do not change it.
        labels: labels of the run; None leaves them to the flow, () means none.
    """

    start_time: datetime
    parameter_defaults: Mapping[str, object]
    labels: tuple[str, ...] | None


def next_events(
    schedule: Schedule, after: datetime, events_max: int, rule: DaylightRule = DaylightRule.COMPATIBLE
) -> list[Event]:
    """Return the next events of a schedule.

    Args:
        schedule: the parsed schedule.
        after: aware; all events are strictly later.
        events_max: how many to return at most; there may be fewer, if the schedule ends, if it comes near the year
            9999, or if the filters accept fewer of the next CANDIDATES_MAX events of the clocks.
        rule: what cron clocks do around daylight-saving changes.

    Returns:
        Events without repetition, ascending before the adjustments, which may mix the order.

    Raises:
        ValueError: `after` is naive.
    """
    clocks = schedule.clocks
    return [
        Event(instant, clocks[index].parameter_defaults, clocks[index].labels)
        for instant, _, index in next_ticks(schedule, after, events_max, rule)
    ]


def next_ticks(schedule: Schedule, after: datetime, events_max: int, rule: DaylightRule) -> list[Tick]:
    """Return the same as `next_events`, with the zone and the clock that each event comes from.

    Raises:
        ValueError: `after` is naive.
    """
    return list(islice(_ticks(schedule, after, rule), max(events_max, 0)))


def events_between(
    schedule: Schedule, after: datetime, until: datetime, rule: DaylightRule = DaylightRule.COMPATIBLE
) -> list[Event]:
    """Return the events that are later than `after` and not later than `until`, ascending; see `next_events`.

    Raises:
        ValueError: `after` is naive.
    """
    ticks = _ticks(schedule, after, rule)
    if not schedule.adjustments:
        # Adjusted events may stand in any order; others end with the first that is too late.
        ticks = takewhile(lambda tick: tick[0] <= until, ticks)
    clocks = schedule.clocks
    events = [
        Event(at, clocks[index].parameter_defaults, clocks[index].labels) for at, _, index in ticks if at <= until
    ]
    return sorted(events, key=lambda event: event.start_time)


def has_more_ticks(
    schedule: Schedule, after: datetime, until: datetime, ticks_max: int, rule: DaylightRule = DaylightRule.COMPATIBLE
) -> bool:
    """Return whether the clocks alone, without filters and adjustments, tick `ticks_max` times or more in a span."""
    ticks = takewhile(
        lambda tick: tick[0] <= until, _merged(schedule.clocks, after + _RESOLUTION, rule, _Payloads(schedule.clocks))
    )
    return sum(1 for _ in islice(ticks, ticks_max)) == ticks_max


def _ticks(schedule: Schedule, after: datetime, rule: DaylightRule) -> Iterator[Tick]:
    if after.tzinfo is None:
        raise ValueError(f"after={after.isoformat()} must be an aware datetime")
    try:
        earliest = after.astimezone(UTC) + _RESOLUTION
    except OverflowError:
        return iter(())
    clocks = schedule.clocks
    payloads = _Payloads(clocks)
    ticks: Iterator[Tick] = islice(_merged(clocks, earliest, rule, payloads), CANDIDATES_MAX)
    if schedule.filters or schedule.or_filters or schedule.not_filters:
        ticks = _accepted(schedule, ticks)
    if schedule.adjustments:
        ticks = _without_repetition(_adjusted(schedule, ticks, earliest), payloads)
    return ticks


def _occurrences(clock: Clock, earliest: datetime, rule: DaylightRule) -> Iterator[Occurrence]:
    try:
        yield from clock.occurrences(earliest, rule)
    except OverflowError:
        return  # The calendar ends with the year 9999.


def _merged(clocks: tuple[Clock, ...], earliest: datetime, rule: DaylightRule, payloads: _Payloads) -> Iterator[Tick]:
    """Yield the ticks of all clocks, ascending; simultaneous ones in the order of the clocks."""

    def numbered(index: int, clock: Clock) -> Iterator[Tick]:
        return ((instant, zone, index) for instant, zone in _occurrences(clock, earliest, rule))

    streams = [numbered(index, clock) for index, clock in enumerate(clocks)]
    if len(streams) == 1:
        return streams[0]
    return _without_repetition(merge(*streams, key=lambda tick: tick[0]), payloads)


class _Payloads:
    """Canonical parameters and labels by clock, made when two clocks meet, which is rare."""

    def __init__(self, clocks: tuple[Clock, ...]) -> None:
        self._clocks = clocks
        self._payloads: dict[int, str] = {}

    def __getitem__(self, index: int) -> str:
        payload = self._payloads.get(index)
        if payload is None:
            clock = self._clocks[index]
            payload = self._payloads[index] = canonical_payload(clock.parameter_defaults, clock.labels)
        return payload


def _without_repetition(ticks: Iterator[Tick], payloads: _Payloads) -> Iterator[Tick]:
    """Yield the ticks but those that mean the same run as one before them, at any distance."""
    indexes: dict[datetime, list[int]] = {}
    for tick in ticks:
        instant, _, index = tick
        others = indexes.setdefault(instant, [])
        if any(other == index or payloads[other] == payloads[index] for other in others):
            continue
        others.append(index)
        yield tick


def _accepted(schedule: Schedule, ticks: Iterator[Tick]) -> Iterator[Tick]:
    filters, or_filters, not_filters = schedule.filters, schedule.or_filters, schedule.not_filters
    for tick in ticks:
        local = tick[0].astimezone(tick[1])
        if filters and not all(accepts(local) for accepts in filters):
            continue
        if or_filters and not any(accepts(local) for accepts in or_filters):
            continue
        if not_filters and any(refuses(local) for refuses in not_filters):
            continue
        yield tick


def _adjusted(schedule: Schedule, ticks: Iterator[Tick], earliest: datetime) -> Iterator[Tick]:
    """Yield the ticks at their adjusted times; those that an adjustment moved into the past are left out."""
    for instant, zone, index in ticks:
        adjusted = instant
        try:
            for adjust in schedule.adjustments:
                adjusted = adjust(adjusted, zone)
        except OverflowError:
            continue  # Adjusted to beyond the calendar.
        if adjusted >= earliest:
            yield adjusted, zone, index
