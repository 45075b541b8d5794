"""In charge of schedule adjustments: changes to the time of an event that passed the filters.

Not in charge of the order and number of events after the change (see `events`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final, TypeAlias

from eparch.core.schedules.arguments import Arguments, read_function
from eparch.core.schedules.moments import read_tagged_duration
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.zones import instant_of_wall

Adjustment: TypeAlias = Callable[[datetime, tzinfo], datetime]
"""From an aware UTC instant and the zone of its clock to the new aware UTC instant."""


def read_adjustment(node: Node) -> Adjustment:
    """Return the adjustment that a function reference stands for.

    Raises:
        ScheduleError: the function is unknown, or its arguments do not fit.
    """
    return read_function(node, "prefect.schedules.adjustments.", _ADJUSTMENTS)


def _add(arguments: Arguments) -> Adjustment:
    """Add elapsed time: a day is 24 hours, also when the clocks change."""
    interval = read_tagged_duration(arguments["interval"])
    return lambda instant, _: instant + interval


def _next_weekday(_: Arguments) -> Adjustment:
    """Move events of Saturdays and Sundays to the same wall-clock time on Monday."""
    return _to_weekday


def _to_weekday(instant: datetime, zone: tzinfo) -> datetime:
    local = instant.astimezone(zone)
    if local.weekday() < 5:
        return instant
    return instant_of_wall(local.replace(tzinfo=None) + timedelta(days=7 - local.weekday()), zone)


_ADJUSTMENTS: Final[Mapping[str, Callable[[Arguments], Adjustment]]] = {"add": _add, "next_weekday": _next_weekday}
