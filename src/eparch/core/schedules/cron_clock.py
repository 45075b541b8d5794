"""In charge of clocks that follow a cron expression in a time zone.

Not in charge of what the expression means; `cron_pattern` is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import repeat
from typing import ClassVar

from eparch.core.schedules.clock import Clock, Occurrence, read_shared_fields
from eparch.core.schedules.cron_pattern import CronPattern, read_cron_pattern
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.zones import DaylightRule, earliest_wall, instants_of_walls


@dataclass(frozen=True, slots=True, kw_only=True)
class CronClock(Clock):
    """Ticks when the wall clock in the zone of the start date (UTC without one) matches a cron expression."""

    follows_daylight_rule: ClassVar[bool] = True

    pattern: CronPattern

    @property
    def zone(self) -> tzinfo:
        """The zone in which the expression is read."""
        return self.start_date.zone if self.start_date else UTC

    def occurrences(self, earliest: datetime, rule: DaylightRule) -> Iterator[Occurrence]:
        """Yield the ticks at or after `earliest` and the start date; see `Clock.occurrences`."""
        return zip(self._ticks(earliest, rule), repeat(self.zone), strict=False)

    def walls(self, earliest: datetime) -> Iterator[tuple[datetime, tzinfo]]:
        """Yield the wall-clock times that match the expression; see `Clock.walls`."""
        if self.start_date:
            earliest = max(earliest, self.start_date.instant)
        return zip(self.pattern.walls(earliest_wall(earliest, self.zone)), repeat(self.zone), strict=False)

    def _ticks(self, earliest: datetime, rule: DaylightRule) -> Iterator[datetime]:
        if self.start_date:
            earliest = max(earliest, self.start_date.instant)
        end = self.end_date.instant if self.end_date else None
        walls = self.pattern.walls(earliest_wall(earliest, self.zone))
        for tick in instants_of_walls(walls, self.zone, rule):
            if end is not None and tick > end:
                return
            if tick >= earliest:
                yield tick


def read_cron_clock(node: Node) -> CronClock:
    """Read a CronClock document.

    Raises:
        ScheduleError: a field is malformed, or the expression is.
    """
    shared = read_shared_fields(node)
    return CronClock(
        parameter_defaults=shared.parameter_defaults,
        labels=shared.labels,
        start_date=shared.start_date,
        end_date=shared.end_date,
        pattern=read_cron_pattern(node.key("cron"), is_day_or=node.key("day_or").boolean(default=True)),
    )
