"""Adjustments of a schedule: what its instants become after the filters."""

from datetime import timedelta
from typing import Final

from eparch.sdk.schedules.functions import ScheduleAdjustment, adjustment_named

next_weekday: Final = adjustment_named("next_weekday")
"""From Saturday and Sunday to the same time on Monday."""


def add(interval: timedelta) -> ScheduleAdjustment:
    """Return an adjustment that moves every instant by the same time.

    Example:
        >>> from datetime import UTC, datetime
        >>> add(timedelta(hours=2))(datetime(2026, 1, 1, tzinfo=UTC)).hour
        2
    """
    return adjustment_named("add", interval=interval)
