"""In charge of clocks that tick at a fixed interval; not in charge of calendars (see `cron_clock`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import repeat, takewhile
from typing import Final

from eparch.core.schedules.clock import Clock, Occurrence, read_shared_fields
from eparch.core.schedules.moments import ZonedInstant
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.zones import DaylightRule, instant_of_wall

INTERVAL_MIN_S: Final = 60
DEFAULT_ANCHOR: Final = ZonedInstant(datetime(2019, 1, 1, tzinfo=UTC), UTC)
"""Where intervals are counted from when the document names no start date; the clients count from there too."""

_DAY: Final = timedelta(days=1)
_MARGIN: Final = 2
"""How many steps before the estimated one to begin: no zone is ever off from elapsed time by more than 26 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalClock(Clock):
    """Ticks at `anchor + k * interval` for k = 0, 1, 2, ..., where a day is a calendar day in the anchor's zone.

    The whole days in `k * interval` lead from the anchor to a *day mark*, its wall-clock time on another day; the rest
    is elapsed time. So a daily clock keeps its wall-clock time, and a clock of twelve hours both of its times.

    When a day between two marks is longer or shorter than 24 hours, clocks below a day tick on at their interval as
    long as a whole one fits before the next day's first tick, and leave out what would come behind that: an hourly
    clock runs every 3,600 seconds all year, twice in the hour that is repeated, and never at one that is skipped.

    Both daylight rules mean the same here.
    """

    interval: timedelta

    @property
    def anchor(self) -> ZonedInstant:
        """The instant of tick 0."""
        return self.start_date or DEFAULT_ANCHOR

    def occurrences(self, earliest: datetime, rule: DaylightRule) -> Iterator[Occurrence]:
        """Yield the ticks at or after `earliest`; see `Clock.occurrences`."""
        ticks: Iterator[datetime]
        if self.interval >= _DAY:
            ticks = self._ticks_over_days(earliest)
        elif isinstance(self.anchor.zone, timezone):
            ticks = self._ticks_in_elapsed_time(earliest)
        else:
            ticks = self._ticks_within_days(earliest)
        if self.end_date is not None:
            end = self.end_date.instant
            ticks = takewhile(lambda tick: tick <= end, ticks)
        return zip(ticks, repeat(self.anchor.zone), strict=False)

    def walls(self, earliest: datetime) -> Iterator[tuple[datetime, tzinfo]]:
        """Yield the wall-clock times of a clock of whole days; see `Clock.walls`."""
        if self.interval % _DAY:
            return
        wall = self.anchor.wall
        wall += max((earliest - self.anchor.instant) // self.interval - _MARGIN, 0) * self.interval
        while True:
            yield wall, self.anchor.zone
            wall += self.interval

    def _ticks_in_elapsed_time(self, earliest: datetime) -> Iterator[datetime]:
        # Division rounded up: the first tick that is not before `earliest`.
        index = max(-((self.anchor.instant - earliest) // self.interval), 0)
        tick = self.anchor.instant + index * self.interval
        while True:
            yield tick
            tick += self.interval

    def _ticks_within_days(self, earliest: datetime) -> Iterator[datetime]:
        interval = self.interval
        day = max((earliest - self.anchor.instant) // _DAY - _MARGIN, 0)
        index, first = self._first_tick_of(day)
        while True:
            next_index, next_first = self._first_tick_of(day + 1)
            last = first + (next_index - index - 1) * interval
            tick = first + max((earliest - first) // interval, 0) * interval
            while tick < next_first and (tick <= last or tick + interval <= next_first):
                if tick >= earliest:
                    yield tick
                tick += interval
            day, index, first = day + 1, next_index, next_first

    def _first_tick_of(self, day: int) -> tuple[int, datetime]:
        """Return k and the instant of the first tick at or after the mark of a day, counted from the anchor's."""
        distance = day * _DAY
        index = -(-distance // self.interval)
        mark = instant_of_wall(self.anchor.wall + distance, self.anchor.zone)
        return index, mark + (index * self.interval - distance)

    def _ticks_over_days(self, earliest: datetime) -> Iterator[datetime]:
        anchor, zone = self.anchor.wall, self.anchor.zone
        distance = max((earliest - self.anchor.instant) // self.interval - _MARGIN, 0) * self.interval
        last: datetime | None = None
        while True:
            whole_days = timedelta(days=distance.days)
            tick = instant_of_wall(anchor + whole_days, zone) + (distance - whole_days)
            # Two ticks fall together where a zone left out a whole day.
            if tick >= earliest and (last is None or tick > last):
                yield tick
                last = tick
            distance += self.interval


def read_interval_clock(node: Node) -> IntervalClock:
    """Read an IntervalClock document; `interval` is in microseconds.

    Raises:
        ScheduleError: a field is malformed, or the interval is below a minute.
    """
    shared = read_shared_fields(node)
    interval_node = node.key("interval")
    interval_us = interval_node.integer()
    if interval_us < INTERVAL_MIN_S * 1_000_000:
        raise interval_node.error(
            f"{interval_us / 1_000_000:g} s is too short an interval",
            f"give at least {INTERVAL_MIN_S} s (documents count in microseconds)",
        )
    try:
        interval = timedelta(microseconds=interval_us)
    except OverflowError:
        raise interval_node.error(f"{interval_us} us is too long an interval", "give less than 10,000 years") from None
    return IntervalClock(
        parameter_defaults=shared.parameter_defaults,
        labels=shared.labels,
        start_date=shared.start_date,
        end_date=shared.end_date,
        interval=interval,
    )
