"""In charge of how far ahead the runs of a schedule are made, and of which instants were missed.

Not in charge of the events themselves (`events`) nor of what is done about missed ones (`core.schedule_policies`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from eparch.core.schedules.events import Event, events_between, next_events
from eparch.core.schedules.schedule import Schedule
from eparch.core.schedules.zones import DaylightRule

AHEAD_MAX: Final = 1000
"""How many runs of one flow are kept at the most, however short its interval."""

_LOOK_AGAIN: Final = timedelta(hours=1)
_WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Span:
    """How far the runs of a schedule are kept ahead of time.

    Attributes:
        events_min: how many at least, where the schedule has as many.
        length: how far at least, AHEAD_MAX events at the most.
    """

    events_min: int = 10
    length: timedelta = timedelta(minutes=5)


def events_ahead(schedule: Schedule, now: datetime, span: Span, rule: DaylightRule) -> list[Event]:
    """Return the events after `now` that must have their runs."""
    events = next_events(schedule, now, span.events_min, rule)
    end = now + span.length
    if len(events) == span.events_min and max(event.start_time for event in events) < end:
        events = next_events(schedule, now, max(AHEAD_MAX, span.events_min), rule)
        events = [event for index, event in enumerate(events) if index < span.events_min or event.start_time < end]
    return events


def next_look(events: list[Event], now: datetime, span: Span) -> datetime:
    """Return when a schedule must be looked at again, if the runs of `events` have been made at `now`.

    That is when fewer than `events_min` are left, or half of the span is used up. A schedule that has given fewer may
    have ended; or its filters have refused all that a look ahead examines, so it is looked at from time to time.
    """
    starts = sorted(event.start_time for event in events)
    if len(starts) < span.events_min:
        return min([now + _LOOK_AGAIN, *starts[:1]])
    made_until = starts[-1] if len(starts) >= AHEAD_MAX else max(starts[-1], now + span.length)
    return min(starts[len(starts) - span.events_min], max(made_until - span.length / 2, now))


def last_events(
    schedule: Schedule, after: datetime, until: datetime, events_max: int, rule: DaylightRule
) -> list[Event]:
    """Return the last `events_max` events after one instant and not after another, ascending.

    What it costs does not grow with the distance between the two.
    """
    window = _WINDOW
    while True:
        start = max(after, until - window)
        found = events_between(schedule, start, until, rule)
        if len(found) >= events_max or start == after:
            return found[-events_max:]
        window *= 4
