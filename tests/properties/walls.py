"""In charge of what clocks on the wall show: oracles for schedules that know nothing of how events are computed.

They look at the minutes of UTC around a daylight-saving change, one by one.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ZONES = [
    "America/New_York",
    "America/Santiago",  # changes at midnight
    "Europe/London",
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kathmandu",  # +05:45, never changes
    "America/St_Johns",  # changed at one minute past midnight
    "Africa/Casablanca",  # goes back for Ramadan
    "Pacific/Apia",  # left out 30 December 2011
    "Asia/Beirut",  # changes at midnight
    "UTC",
]


@cache
def changes(zone: str) -> list[datetime]:
    """Return the instants from 2010 to 2013 at which the offset of a zone changes, to the minute."""
    info, found = ZoneInfo(zone), []
    days = [datetime(2010, 1, 1, tzinfo=UTC) + n * DAY for n in range(4 * 365)]
    for day, next_day in pairwise(days):
        if day.astimezone(info).utcoffset() != next_day.astimezone(info).utcoffset():
            minutes = [day + n * MINUTE for n in range(24 * 60 + 1)]
            found += [
                later
                for earlier, later in pairwise(minutes)
                if earlier.astimezone(info).utcoffset() != later.astimezone(info).utcoffset()
            ]
    return found or days[::365]


class Walls:
    """What clocks on the wall show at every minute around a change."""

    def __init__(self, zone: str, change: datetime) -> None:
        info = ZoneInfo(zone)
        minutes = (change + n * MINUTE for n in range(-60 * 60, 70 * 60))
        self._shown = [(minute, minute.astimezone(info).replace(tzinfo=None)) for minute in minutes]
        self._instants = {wall: instant for instant, wall in self._shown}  # Of two passings the second stays.
        for (_, before), (instant, after) in pairwise(self._shown):
            skipped = before + MINUTE
            while skipped < after:
                self._instants[skipped] = instant + (skipped - before - MINUTE)
                skipped += MINUTE

    def compatible(self, matches: Callable[[datetime], bool]) -> list[datetime]:
        return sorted({instant for wall, instant in self._instants.items() if matches(wall)})

    def strict(self, matches: Callable[[datetime], bool]) -> list[datetime]:
        return [instant for instant, wall in self._shown if matches(wall)]


walls_around = lru_cache(maxsize=8)(Walls)


@lru_cache(maxsize=1000)
def instant_of(wall: datetime, zone: str) -> datetime:
    """Return the last instant that shows a wall-clock time; of a skipped one, as far after the gap as into it."""
    info, about = ZoneInfo(zone), wall.replace(tzinfo=UTC)
    offsets = {(about + n * HOUR).astimezone(info).utcoffset() for n in range(-27, 28)}
    for minutes_back in range(48 * 60):
        shown = about - minutes_back * MINUTE
        instants = [shown - offset for offset in offsets if offset is not None]
        showing = [instant for instant in instants if instant.astimezone(info).replace(tzinfo=UTC) == shown]
        if showing:
            return max(showing) + minutes_back * MINUTE
    raise AssertionError(f"{zone} leaves out two days before {wall}")


def is_skipped(wall: datetime, zone: str) -> bool:
    return instant_of(wall, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall
