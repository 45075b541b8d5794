"""In charge of schedule filters: tests that an event must pass; not in charge of combining them (see `events`).

A filter sees an event as an aware datetime in the zone of its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from eparch.core.schedules.arguments import Arguments, read_function
from eparch.core.schedules.moments import read_tagged_instant, read_tagged_time
from eparch.core.schedules.nodes import Node

Filter: TypeAlias = Callable[[datetime], bool]


def read_filter(node: Node) -> Filter:
    """Return the filter that a function reference stands for.

    Raises:
        ScheduleError: the function is unknown, or its arguments do not fit.
    """
    return read_function(node, "prefect.schedules.filters.", _FILTERS)


def _on_datetime(arguments: Arguments) -> Filter:
    wanted = read_tagged_instant(arguments["dt"])
    # In UTC, because Python holds that a repeated wall-clock time equals nothing in another zone (PEP 495).
    return lambda local: local.astimezone(UTC) == wanted


def _on_date(arguments: Arguments) -> Filter:
    wanted = _month_and_day(arguments, "month", "day")
    return lambda local: (local.month, local.day) == wanted


def _at_time(arguments: Arguments) -> Filter:
    wanted = read_tagged_time(arguments["t"])
    return lambda local: local.time() == wanted


def _between_datetimes(arguments: Arguments) -> Filter:
    start, end = read_tagged_instant(arguments["start"]), read_tagged_instant(arguments["end"])
    return lambda local: start <= local <= end


def _between_dates(arguments: Arguments) -> Filter:
    """Both ends count; from a later to an earlier month it spans the turn of the year."""
    start = _month_and_day(arguments, "start_month", "start_day")
    end = _month_and_day(arguments, "end_month", "end_day")
    if start[0] > end[0]:
        return lambda local: (local.month, local.day) >= start or (local.month, local.day) <= end
    return lambda local: start <= (local.month, local.day) <= end


def _between_times(arguments: Arguments) -> Filter:
    """Both ends count; from a later to an earlier time it spans midnight."""
    start, end = read_tagged_time(arguments["start"]), read_tagged_time(arguments["end"])
    if start > end:
        return lambda local: local.time() >= start or local.time() <= end
    return lambda local: start <= local.time() <= end


def _is_weekday(_: Arguments) -> Filter:
    return lambda local: local.weekday() < 5


def _is_weekend(_: Arguments) -> Filter:
    return lambda local: local.weekday() >= 5


def _is_month_end(_: Arguments) -> Filter:
    return lambda local: (local.date() + timedelta(days=1)).day == 1


def _is_month_start(_: Arguments) -> Filter:
    return lambda local: local.day == 1


def _is_day_of_week(arguments: Arguments) -> Filter:
    """Monday is 0, as in Python; the clients' documentation counts otherwise, their code does not."""
    wanted = arguments["day_of_week"].integer(0, 6)
    return lambda local: local.weekday() == wanted


def _month_and_day(arguments: Arguments, month: str, day: str) -> tuple[int, int]:
    return arguments[month].integer(1, 12), arguments[day].integer(1, 31)


_FILTERS: Final[Mapping[str, Callable[[Arguments], Filter]]] = {
    "on_datetime": _on_datetime,
    "on_date": _on_date,
    "at_time": _at_time,
    "between_datetimes": _between_datetimes,
    "between_dates": _between_dates,
    "between_times": _between_times,
    "is_weekday": _is_weekday,
    "is_weekend": _is_weekend,
    "is_month_end": _is_month_end,
    "is_month_start": _is_month_start,
    "is_day_of_week": _is_day_of_week,
}
