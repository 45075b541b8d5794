"""In charge of clocks that are a list of dates; not in charge of recurrence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from eparch.core.schedules.clock import Clock, Occurrence, read_shared_fields
from eparch.core.schedules.moments import ZonedInstant, read_zoned_instant
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.zones import DaylightRule


@dataclass(frozen=True, slots=True, kw_only=True)
class DatesClock(Clock):
    """Ticks at given dates, kept ascending and without duplicates; its start and end are the first and last of them."""

    dates: tuple[ZonedInstant, ...]

    def occurrences(self, earliest: datetime, rule: DaylightRule) -> Iterator[Occurrence]:
        """Yield the dates at or after `earliest`; see `Clock.occurrences`."""
        return ((date.instant, date.zone) for date in self.dates if date.instant >= earliest)


def read_dates_clock(node: Node) -> DatesClock:
    """Read a DatesClock document.

    Raises:
        ScheduleError: a date is malformed, or there is none.
    """
    dates_node = node.key("dates")
    dates = {date.instant: date for date in map(read_zoned_instant, dates_node.items())}
    if not dates:
        raise dates_node.error("there is no date", "give at least one {dt, tz}")
    ordered = tuple(dates[instant] for instant in sorted(dates))
    shared = read_shared_fields(node)
    return DatesClock(
        parameter_defaults=shared.parameter_defaults,
        labels=shared.labels,
        start_date=ordered[0],
        end_date=ordered[-1],
        dates=ordered,
    )
