"""In charge of reading a whole schedule document; not in charge of the events it leads to (`events`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from eparch.core.schedules.adjustments import Adjustment, read_adjustment
from eparch.core.schedules.clock import Clock
from eparch.core.schedules.cron_clock import read_cron_clock
from eparch.core.schedules.dates_clock import read_dates_clock
from eparch.core.schedules.filters import Filter, read_filter
from eparch.core.schedules.interval_clock import read_interval_clock
from eparch.core.schedules.moments import ZonedInstant
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.rrule_clock import read_rrule_clock

_CLOCKS: Final[Mapping[str, Callable[[Node], Clock]]] = {
    "IntervalClock": read_interval_clock,
    "CronClock": read_cron_clock,
    "DatesClock": read_dates_clock,
    "RRuleClock": read_rrule_clock,
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule: clocks, the filters that their events must pass, and what then changes their times.

    Attributes:
        clocks: at least one, in the order of the document, which decides the order of simultaneous events.
        filters: all must accept an event.
        or_filters: if there are any, at least one must.
        not_filters: none may.
        adjustments: applied in order.
    """

    clocks: tuple[Clock, ...]
    filters: tuple[Filter, ...]
    or_filters: tuple[Filter, ...]
    not_filters: tuple[Filter, ...]
    adjustments: tuple[Adjustment, ...]

    @property
    def start_date(self) -> ZonedInstant | None:
        """The earliest start of the clocks; None when one of them has no start."""
        starts = [clock.start_date for clock in self.clocks]
        known = [start for start in starts if start is not None]
        return min(known, key=lambda start: start.instant) if len(known) == len(starts) else None

    @property
    def end_date(self) -> ZonedInstant | None:
        """The latest end of the clocks; None when one of them has no end."""
        ends = [clock.end_date for clock in self.clocks]
        known = [end for end in ends if end is not None]
        return max(known, key=lambda end: end.instant) if len(known) == len(ends) else None


def parse_schedule(document: Mapping[str, object]) -> Schedule:
    """Read a serialized schedule `{clocks, filters, or_filters, not_filters, adjustments}`; other keys are ignored.

    Raises:
        ScheduleError: anything in it cannot be carried out; the message names the part and what is allowed.
    """
    node = Node(document, "")
    kind = node.key("type")
    if kind.value not in (None, "Schedule"):
        raise kind.error(f"{kind.value!r} is not a kind of schedule", "give 'Schedule'")
    clocks = node.key("clocks")
    clock_nodes = clocks.items()
    if not clock_nodes:
        raise clocks.error("there is no clock", "give at least one")
    return Schedule(
        clocks=tuple(map(_read_clock, clock_nodes)),
        filters=tuple(map(read_filter, node.key("filters").items())),
        or_filters=tuple(map(read_filter, node.key("or_filters").items())),
        not_filters=tuple(map(read_filter, node.key("not_filters").items())),
        adjustments=tuple(map(read_adjustment, node.key("adjustments").items())),
    )


def _read_clock(node: Node) -> Clock:
    kind = node.key("type")
    read = _CLOCKS.get(kind.value) if isinstance(kind.value, str) else None
    if read is None:
        raise kind.error(f"{kind.value!r} is not a kind of clock", f"give {', '.join(_CLOCKS)}")
    return read(node)
