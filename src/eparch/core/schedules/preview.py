"""In charge of showing what a schedule will do: its next events, and what daylight-saving changes do to them.

Not in charge of the events themselves (`events`), nor of words for people in other languages than English.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from enum import StrEnum
from itertools import islice

from eparch.core.schedules.clock import CANDIDATES_MAX, Clock
from eparch.core.schedules.events import next_ticks
from eparch.core.schedules.schedule import Schedule
from eparch.core.schedules.zones import (
    DaylightRule,
    WallKind,
    instant_of_wall,
    instants_of_wall,
    kind_of_wall,
    zone_name,
)


class NoteKind(StrEnum):
    """What a daylight-saving change does to an event."""

    MOVED = "moved"
    """The wall clock skips the wanted time; the event comes later by the length of the gap."""

    SKIPPED = "skipped"
    """The wall clock skips the wanted time; there is no event."""

    REPEATED = "repeated"
    """The wall clock shows the wanted time twice."""


@dataclass(frozen=True, slots=True)
class DaylightNote:
    """What happens to one wall-clock time that a clock aims at.

    Attributes:
        wall: the wanted time, naive.
        zone: in which it is wanted.
        instants: when the events of it are, UTC; none where it is skipped.
        clock: index of the clock.
        text: one sentence for people.
    """

    kind: NoteKind
    wall: datetime
    zone: tzinfo
    instants: tuple[datetime, ...]
    clock: int
    text: str


@dataclass(frozen=True, slots=True)
class PreviewEvent:
    """An event as it will be.

    Attributes:
        start_time: aware, UTC.
        local_time: the same in the zone of its clock.
        timezone: the name of that zone.
        clock: index of the clock that it comes from.
        note: what a daylight-saving change has done to it; None for nearly all.
    """

    start_time: datetime
    local_time: datetime
    timezone: str
    clock: int
    parameter_defaults: Mapping[str, object]
    labels: tuple[str, ...] | None
    note: DaylightNote | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The next events of a schedule.

    Attributes:
        notes: of all wanted times up to the last event, ascending; those that lead to no event are here alone.
        has_more: whether events follow the last one.
    """

    events: list[PreviewEvent]
    notes: list[DaylightNote]
    has_more: bool


def preview(schedule: Schedule, after: datetime, events_max: int, rule: DaylightRule) -> Preview:
    """Return the next events of a schedule, strictly after an aware instant, with what happens to them.

    Raises:
        ValueError: `after` is naive.
    """
    ticks = next_ticks(schedule, after, events_max + 1, rule)
    shown, has_more = ticks[:events_max], len(ticks) > events_max
    if not shown:
        return Preview([], [], has_more)
    last = max(instant for instant, _, _ in shown)
    notes: list[DaylightNote] = []
    for index, clock in enumerate(schedule.clocks):
        notes += _notes(index, clock, after, last, rule)
    starts = {(instant, index) for instant, _, index in shown}
    # A wanted time whose event the filters refuse, or which is not shown, is of no interest.
    notes = [note for note in notes if not note.instants or any((at, note.clock) in starts for at in note.instants)]
    notes.sort(key=lambda note: (instant_of_wall(note.wall, note.zone), note.clock))
    by_event = {(instant, note.clock): note for note in notes for instant in note.instants}
    return Preview(
        [
            PreviewEvent(
                instant,
                instant.astimezone(zone),
                zone_name(zone),
                index,
                schedule.clocks[index].parameter_defaults,
                schedule.clocks[index].labels,
                by_event.get((instant, index)),
            )
            for instant, zone, index in shown
        ],
        notes,
        has_more,
    )


def _notes(index: int, clock: Clock, after: datetime, last: datetime, rule: DaylightRule) -> Iterator[DaylightNote]:
    try:
        for wall, zone in islice(clock.walls(after), CANDIDATES_MAX):
            if isinstance(zone, timezone) or instant_of_wall(wall, zone) > last:
                return
            note = _note(index, wall, zone, rule if clock.follows_daylight_rule else DaylightRule.COMPATIBLE)
            if note is not None and instant_of_wall(wall, zone) > after:
                yield note
    except OverflowError:
        return  # The calendar ends with the year 9999.


def _note(index: int, wall: datetime, zone: tzinfo, rule: DaylightRule) -> DaylightNote | None:
    kind = kind_of_wall(wall, zone)
    if kind is WallKind.ORDINARY:
        return None
    is_strict = rule is DaylightRule.STRICT
    at, place = _clock_time(wall), f"on {wall:%Y-%m-%d} in {zone_name(zone)}"
    if kind is WallKind.SKIPPED:
        if is_strict:
            text = f"{at} does not exist {place}, as the clocks go forward; there is no run."
            return DaylightNote(NoteKind.SKIPPED, wall, zone, (), index, text)
        instant = instant_of_wall(wall, zone)
        later = _clock_time(instant.astimezone(zone))
        text = f"{at} does not exist {place}, as the clocks go forward; it runs at {later}."
        return DaylightNote(NoteKind.MOVED, wall, zone, (instant,), index, text)
    both = instants_of_wall(wall, zone)
    outcome = "there are two runs" if is_strict else "it runs once, at the second passing"
    text = f"{at} comes twice {place}, as the clocks go back; {outcome}."
    return DaylightNote(NoteKind.REPEATED, wall, zone, both if is_strict else both[1:], index, text)


def _clock_time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
