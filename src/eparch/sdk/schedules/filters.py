"""Filters of a schedule: which of its clocks' instants count. Each sees an instant in the zone of its clock.

Schedule(Interval(timedelta(hours=1)), filters=[filters.is_weekday, filters.between_times(time(9), time(17))])
"""

from datetime import datetime, time
from typing import Final

from eparch.sdk.schedules.functions import ScheduleFilter, filter_named

is_weekday: Final = filter_named("is_weekday")
"""Monday to Friday."""

is_weekend: Final = filter_named("is_weekend")
"""Saturday and Sunday."""

is_month_end: Final = filter_named("is_month_end")
"""The last day of a month."""

is_month_start: Final = filter_named("is_month_start")
"""The first day of a month."""


def is_day_of_week(day_of_week: int) -> ScheduleFilter:
    """Return a filter for one day of the week; Monday is 0.

    Example:
        >>> from datetime import UTC
        >>> is_day_of_week(0)(datetime(2026, 1, 5, tzinfo=UTC))
        True
    """
    return filter_named("is_day_of_week", day_of_week=day_of_week)


def on_datetime(dt: datetime) -> ScheduleFilter:
    """Return a filter for one instant."""
    return filter_named("on_datetime", dt=dt)


def on_date(month: int, day: int) -> ScheduleFilter:
    """Return a filter for one day of the year.

    Example:
        >>> from datetime import UTC
        >>> on_date(month=1, day=5)(datetime(2026, 1, 5, 12, tzinfo=UTC))
        True
    """
    return filter_named("on_date", month=month, day=day)


def at_time(t: time) -> ScheduleFilter:
    """Return a filter for one time of the day."""
    return filter_named("at_time", t=t)


def between_datetimes(start: datetime, end: datetime) -> ScheduleFilter:
    """Return a filter for a span of time, both ends counting."""
    return filter_named("between_datetimes", start=start, end=end)


def between_dates(start_month: int, start_day: int, end_month: int, end_day: int) -> ScheduleFilter:
    """Return a filter for a part of the year, both ends counting; it may span the turn of the year.

    Example:
        >>> from datetime import UTC
        >>> winter = between_dates(12, 21, 3, 20)
        >>> winter(datetime(2026, 1, 1, tzinfo=UTC)), winter(datetime(2026, 6, 1, tzinfo=UTC))
        (True, False)
    """
    return filter_named(
        "between_dates", start_month=start_month, start_day=start_day, end_month=end_month, end_day=end_day
    )


def between_times(start: time, end: time) -> ScheduleFilter:
    """Return a filter for a part of the day, both ends counting; it may span midnight.

    Example:
        >>> from datetime import UTC
        >>> between_times(time(22), time(6))(datetime(2026, 1, 1, 23, tzinfo=UTC))
        True
    """
    return filter_named("between_times", start=start, end=end)
