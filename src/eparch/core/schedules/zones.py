"""In charge of the daylight-saving rules: which instants a wall-clock time stands for in a time zone.

Not in charge of which wall-clock times are wanted; clocks say that.

When clocks go forward some wall-clock times do not exist (a *gap*), when they go back some exist twice (a *repeat*).
Everything that this package knows about either is in this module.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eparch.core.schedules.nodes import Node

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})(?::?(\d{2}))?", re.ASCII)
_NAMES_OF_UTC = frozenset({"UTC", "utc", "Etc/UTC", "Z"})
# Files that lie beside the zones on some machines and mean something else on each.
_NOT_ZONES = ("localtime", "posixrules", "posix/", "right/", "Factory")

# The largest known transition is the 24 hours that Pacific/Apia left out in December 2011.
_TRANSITION_MAX = timedelta(hours=26)


class DaylightRule(StrEnum):
    """What a cron clock does with wall-clock times that a daylight-saving change skips or repeats."""

    COMPATIBLE = "compatible"
    """A skipped time runs later by the length of the gap; a repeated time runs once, at its second passing.

    This is what the previews of Prefect 1.x clients show, croniter's artefact of a two-hour pause of hourly
    schedules in autumn included.
    """

    STRICT = "strict"
    """An event at exactly the instants at which the wall clock shows a wanted time: none in a gap, both in a repeat."""


def parse_zone(node: Node) -> tzinfo:
    """Return the time zone that an IANA name or an offset such as `+02:00` stands for.

    Raises:
        ScheduleError: there is no such zone.
    """
    name = node.text()
    if name in _NAMES_OF_UTC:
        return UTC
    if offset := _OFFSET.fullmatch(name):
        sign, hours, minutes, seconds = offset.groups(default="0")
        size = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
        if size < timedelta(hours=24):
            return timezone(-size if sign == "-" else size)
    elif not name.startswith(_NOT_ZONES):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass  # Said below, in the same words for a bad name and a bad offset.
    raise node.error(
        f"{name!r} is not a time zone", "give an IANA name such as 'Europe/Paris' or an offset such as '+02:00'"
    )


def instant_of_wall(wall: datetime, zone: tzinfo) -> datetime:
    """Return the one UTC instant that a naive wall-clock time stands for, by the rule `compatible`.

    Of the two offsets around a transition the smaller one always gives the wanted instant: in a repeat it belongs to
    the second passing, in a gap it is the offset before the jump, which puts the time behind the gap.

    Raises:
        OverflowError: the instant is outside the years 1 to 9999.
    """
    local = wall.replace(tzinfo=zone)
    return wall.replace(tzinfo=UTC) - min(_offset(local), _offset(local.replace(fold=1)))


def instants_of_walls(walls: Iterable[datetime], zone: tzinfo, rule: DaylightRule) -> Iterator[datetime]:
    """Yield the UTC instants of ascending wall-clock times, ascending and without duplicates."""
    if isinstance(zone, timezone):
        offset = _offset(datetime(2000, 1, 1, tzinfo=zone))
        for wall in walls:
            yield wall.replace(tzinfo=UTC) - offset
        return
    # A time put off (behind a gap, or to its second passing) may come after later wall-clock times: it waits here.
    delayed: deque[datetime] = deque()
    for wall in walls:
        local = wall.replace(tzinfo=zone)
        early, late = _offset(local), _offset(local.replace(fold=1))
        labelled = wall.replace(tzinfo=UTC)
        if early > late and rule is DaylightRule.STRICT:
            delayed.append(labelled - late)
        elif early < late:
            if rule is DaylightRule.COMPATIBLE:
                delayed.append(labelled - early)
            continue
        elif early > late:
            early = late
        instant = labelled - early
        while delayed and delayed[0] <= instant:
            waiting = delayed.popleft()
            if waiting != instant:
                yield waiting
        yield instant
    yield from delayed


class WallKind(StrEnum):
    """What a daylight-saving change does to a wall-clock time."""

    ORDINARY = "ordinary"
    SKIPPED = "skipped"
    REPEATED = "repeated"


def kind_of_wall(wall: datetime, zone: tzinfo) -> WallKind:
    """Return whether a naive wall-clock time exists once, not at all, or twice in a zone."""
    local = wall.replace(tzinfo=zone)
    early, late = _offset(local), _offset(local.replace(fold=1))
    if early == late:
        return WallKind.ORDINARY
    return WallKind.SKIPPED if early < late else WallKind.REPEATED


def instants_of_wall(wall: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the two UTC instants of a repeated wall-clock time, the first passing first.

    Raises:
        OverflowError: one is outside the years 1 to 9999.
    """
    local, labelled = wall.replace(tzinfo=zone), wall.replace(tzinfo=UTC)
    return labelled - _offset(local), labelled - _offset(local.replace(fold=1))


def zone_name(zone: tzinfo) -> str:
    """Return how people write a zone: its IANA name, or an offset such as `+02:00`."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    name = str(zone).removeprefix("UTC")
    return name or "UTC"


def earliest_wall(earliest: datetime, zone: tzinfo) -> datetime:
    """Return a naive wall-clock time before which none can stand for an instant at or after `earliest`.

    Near a transition the wall-clock time shown at `earliest` would be too late a start: 02:30 in the gap stands for an
    instant when clocks already show 03:30, and 01:00 may still come a second time when they show 01:30.

    Raises:
        OverflowError: the answer is outside the years 1 to 9999.
    """
    if isinstance(zone, timezone):
        return earliest.astimezone(zone).replace(tzinfo=None)
    around = (earliest - _TRANSITION_MAX, earliest, earliest + _TRANSITION_MAX)
    return earliest.replace(tzinfo=None) + min(_offset(instant.astimezone(zone)) for instant in around)


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None, "every zone of this package knows its offset"
    return offset
