"""The rules of backfills: which runs a part of a schedule's time needs, and in which order.

In charge of the list of instants and of its bound; not in charge of making runs (`operations.backfills`).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from eparch.core.errors import BadInput
from eparch.core.schedules import CANDIDATES_MAX, DaylightRule, Event, Schedule, events_between, has_more_ticks

INSTANTS_MAX: Final = CANDIDATES_MAX
"""How many instants the clocks may give within the range of one backfill."""

CONCURRENCY_MAX: Final = 1000
_RESOLUTION: Final = timedelta(microseconds=1)


class Direction(StrEnum):
    """In which order a backfill makes its runs."""

    FORWARD = "forward"
    BACKWARD = "backward"


class BackfillState(StrEnum):
    """What a backfill is doing."""

    RUNNING = "Running"
    FINISHED = "Finished"
    CANCELLED = "Cancelled"
    FAILED = "Failed"


def backfill_events(
    schedule: Schedule, start: datetime, end: datetime, direction: str, rule: DaylightRule, now: datetime
) -> list[Event]:
    """Return the events from `start` to `end`, both included, in the order in which their runs are made.

    Raises:
        BadInput: the range is empty, reaches into the future, or has too many instants.
    """
    if end < start:
        raise BadInput(f"The range ends at {end.isoformat()}, before it begins at {start.isoformat()}.")
    if end > now:
        raise BadInput(
            f"The range ends at {end.isoformat()}, which is in the future.",
            hint="a backfill is about the past; switch the schedule on for what is to come",
        )
    try:
        after = start - _RESOLUTION
    except OverflowError:
        raise BadInput(f"The range begins at {start.isoformat()}, before the calendar does.") from None
    if has_more_ticks(schedule, after, end, INSTANTS_MAX, rule):
        raise BadInput(
            f"The clocks of the schedule give more than {INSTANTS_MAX} instants from {start.isoformat()} "
            f"to {end.isoformat()}.",
            hint="make several backfills of shorter ranges",
        )
    events = events_between(schedule, after, end, rule)
    return events[::-1] if direction == Direction.BACKWARD else events
