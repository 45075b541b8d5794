"""In charge of reading the dates, times and durations of schedule documents; not in charge of clocks.

A document writes a date as `{"dt": "2022-01-01T00:00:00", "tz": "America/New_York"}` (wall-clock time and zone), and
inside arguments of filters as a tagged string: `//datetime:<ISO>`, `//time:HH:MM:SS[.f]`, `//timedelta:<seconds>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from eparch.core.schedules.nodes import Node
from eparch.core.schedules.zones import instant_of_wall, parse_zone


@dataclass(frozen=True, slots=True)
class ZonedInstant:
    """An aware UTC instant and the zone in which people speak of it."""

    instant: datetime
    zone: tzinfo

    @property
    def wall(self) -> datetime:
        """The naive wall-clock time in the zone."""
        return self.instant.astimezone(self.zone).replace(tzinfo=None)


def read_zoned_instant(node: Node) -> ZonedInstant:
    """Read a `{dt, tz}` object; a skipped or repeated wall-clock time follows the rule `compatible`.

    Raises:
        ScheduleError: dt is no ISO date and time, tz is no zone, or the date is outside the years 1 to 9999.
    """
    zone = parse_zone(node.key("tz"))
    dt = node.key("dt")
    local = _parse_datetime(dt, dt.text())
    try:
        instant = instant_of_wall(local, zone) if local.tzinfo is None else local.astimezone(UTC)
        instant.astimezone(zone)
    except OverflowError:
        raise dt.error(f"{dt.value!r} is out of range", "give a date in the years 1 to 9999") from None
    return ZonedInstant(instant, zone)


def read_optional_zoned_instant(node: Node) -> ZonedInstant | None:
    """Read a `{dt, tz}` object, or None when it is absent or null.

    Raises:
        ScheduleError: as `read_zoned_instant`.
    """
    return None if node.value is None else read_zoned_instant(node)


def read_iso_datetime(node: Node) -> datetime:
    """Read an ISO date and time as it stands: aware, or naive when it has no offset.

    Raises:
        ScheduleError: it is not one.
    """
    return _parse_datetime(node, node.text())


def read_tagged_instant(node: Node) -> datetime:
    """Read `//datetime:<ISO>` as an aware UTC instant; without an offset it is UTC.

    Raises:
        ScheduleError: it is not one, or outside the years 1 to 9999.
    """
    moment = _parse_datetime(node, _untagged(node, "datetime"))
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise node.error(f"{node.value!r} is out of range", "give a date in the years 1 to 9999") from None


def read_tagged_time(node: Node) -> time:
    """Read `//time:HH:MM:SS[.f]` as a naive time of day.

    Raises:
        ScheduleError: it is not one, or has an offset.
    """
    text = _untagged(node, "time")
    try:
        parsed = time.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is not None:
        raise node.error(f"{text!r} is not a time of day without offset", "give '//time:HH:MM:SS'")
    return parsed


def read_tagged_duration(node: Node) -> timedelta:
    """Read `//timedelta:<float seconds>`; it may be negative.

    Raises:
        ScheduleError: it is not a finite number of seconds, or longer than a timedelta holds.
    """
    text = _untagged(node, "timedelta")
    try:
        return timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        raise node.error(f"{text!r} is not a duration in seconds", "give '//timedelta:<seconds>'") from None


def _untagged(node: Node, tag: str) -> str:
    text = node.text()
    prefix = f"//{tag}:"
    if not text.startswith(prefix):
        raise node.error(f"{text!r} is not a tagged {tag}", f"give '{prefix}...'")
    return text.removeprefix(prefix)


def _parse_datetime(node: Node, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise node.error(f"{text!r} is not a date and time", "give ISO 8601 such as '2022-01-01T09:00:00'") from None
