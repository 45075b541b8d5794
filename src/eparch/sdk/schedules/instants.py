"""Instants and durations as schedule documents have them.

In charge of the pair of wall-clock time and zone, and of tagged texts; not in charge of what they lead to.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eparch.sdk.errors import FlowError

# Where a clock starts that says only its zone: the anchor of intervals without a start.
_ANCHOR: Final = datetime(2019, 1, 1)  # noqa: DTZ001 - wall-clock time, in whatever zone


def zoned(name: str, value: datetime | None, timezone: str | None = None) -> datetime | None:
    """Return an aware instant, None where neither a start nor a zone is given.

    Args:
        name: what the value is called, for messages.
        value: naive ones are in `timezone`, by default UTC.
    Raises:
        FlowError: it is not a datetime, or there is no such zone.
    """
    zone = zone_named(timezone) if timezone is not None else None
    if value is None:
        return None if zone is None else _ANCHOR.replace(tzinfo=zone)
    if not isinstance(value, datetime):
        raise FlowError(f"{name} of a schedule is {value!r}, which is not a datetime.")
    if zone is not None:
        return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def zone_named(name: str) -> tzinfo:
    """Return a time zone by its name in the IANA database.

    Raises:
        FlowError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise FlowError(f"There is no time zone {name!r}.", hint="write one such as 'Europe/Paris' or 'UTC'") from None


def instant_document(instant: datetime | None) -> dict[str, str] | None:
    """Return an aware instant as `{dt, tz}`: wall-clock time and name of its zone.

    Example:
        >>> instant_document(datetime(2026, 1, 1, 9, tzinfo=ZoneInfo("Europe/Paris")))
        {'dt': '2026-01-01T09:00:00', 'tz': 'Europe/Paris'}
    """
    if instant is None:
        return None
    return {"dt": instant.replace(tzinfo=None).isoformat(), "tz": _zone_name(instant)}


def tagged(value: Any) -> Any:
    """Return an argument of a filter or adjustment as the documents have it.

    Example:
        >>> tagged(time(9)), tagged(timedelta(hours=2)), tagged(3)
        ('//time:09:00:00', '//timedelta:7200.0', 3)
    """
    if isinstance(value, datetime):
        return f"//datetime:{(value.replace(tzinfo=UTC) if value.tzinfo is None else value).isoformat()}"
    if isinstance(value, time):
        return f"//time:{value.replace(tzinfo=None).isoformat()}"
    if isinstance(value, timedelta):
        return f"//timedelta:{value.total_seconds()}"
    return value


def _zone_name(instant: datetime) -> str:
    zone = instant.tzinfo
    # What zoneinfo, pendulum and pytz call their names.
    for attribute in ("key", "name", "zone"):
        name = getattr(zone, attribute, None)
        if isinstance(name, str):
            return name
    offset = instant.utcoffset() or timedelta(0)
    if not offset:
        return "UTC"
    minutes = int(offset.total_seconds() // 60)
    sign = "+" if minutes >= 0 else "-"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
