"""Filters and adjustments: what may change the instants of clocks.

In charge of their names and arguments; not in charge of what they do (`eparch.core.schedules`), because the server does
the same by name: a function of your own it could not call.
"""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from eparch.core.schedules.adjustments import Adjustment, read_adjustment
from eparch.core.schedules.filters import Filter, read_filter
from eparch.core.schedules.nodes import Node
from eparch.sdk.format import ADJUSTMENTS, FILTERS
from eparch.sdk.schedules.instants import tagged


class ScheduleFunction:
    """A filter or an adjustment by name, with its arguments.

    Example:
        >>> from eparch.schedules import filters
        >>> filters.is_weekday.document()
        {'fn': 'prefect.schedules.filters.is_weekday', 'kwargs': {}}
    """

    def __init__(self, name: str, **arguments: Any) -> None:
        self.name = name
        self.arguments = {key: tagged(value) for key, value in arguments.items()}

    def document(self) -> dict[str, Any]:
        """Return the function as JSON."""
        return {"fn": self.name, "kwargs": self.arguments}

    def _node(self) -> Node:
        return Node(self.document(), self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScheduleFunction) and self.document() == other.document()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self.name.rpartition('.')[2]}: {self.arguments}>"


class ScheduleFilter(ScheduleFunction):
    """Whether an instant counts; call it with an aware datetime to see."""

    @cached_property
    def _accepts(self) -> Filter:
        return read_filter(self._node())

    def __call__(self, instant: datetime) -> bool:
        """Return whether the instant passes."""
        return self._accepts(instant)


class ScheduleAdjustment(ScheduleFunction):
    """What an instant becomes; call it with an aware datetime to see."""

    @cached_property
    def _adjusts(self) -> Adjustment:
        return read_adjustment(self._node())

    def __call__(self, instant: datetime) -> datetime:
        """Return the adjusted instant, in the zone of the given one."""
        zone = instant.tzinfo or UTC
        return self._adjusts(instant.astimezone(UTC), zone).astimezone(zone)


def filter_named(name: str, **arguments: Any) -> ScheduleFilter:
    """Return a filter of the format by its name."""
    return ScheduleFilter(f"{FILTERS}.{name}", **arguments)


def adjustment_named(name: str, **arguments: Any) -> ScheduleAdjustment:
    """Return an adjustment of the format by its name."""
    return ScheduleAdjustment(f"{ADJUSTMENTS}.{name}", **arguments)
