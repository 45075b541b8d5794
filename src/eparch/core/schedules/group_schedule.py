"""In charge of the schedule document that the mutation set_flow_group_schedule stores; not in charge of storing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from eparch.core.schedules.errors import ScheduleError
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.schedule import parse_schedule
from eparch.core.schedules.zones import parse_zone

_Clocks = Sequence[Mapping[str, object]] | None


def schedule_document(
    cron_clocks: _Clocks, interval_clocks: _Clocks, timezone: str | None, now: datetime
) -> dict[str, object]:
    """Return the document of a schedule given as clocks of the API.

    Args:
        cron_clocks: objects with `cron` and perhaps `parameter_defaults`; None means none.
        interval_clocks: objects with `interval` in seconds and perhaps `parameter_defaults`; None means none.
        timezone: zone in which all clocks count; None means UTC, and intervals count from their default anchor.
        now: aware; where the clocks start when there is a zone.

    Returns:
        `{type, clocks}`: cron clocks first, each with the keys that were given, its type and start date; intervals in
        microseconds, as everywhere in documents.

    Raises:
        ScheduleError: "Invalid timezone ..." or "Invalid clock provided for schedule ...".
    """
    start_date = _start_date(timezone, now)
    try:
        document: dict[str, object] = {
            "type": "Schedule",
            "clocks": [*_cron_clocks(cron_clocks, start_date), *_interval_clocks(interval_clocks, start_date)],
        }
        parse_schedule(document)
    except ScheduleError as error:
        raise ScheduleError(error.part, f"Invalid clock provided for schedule: {error.problem}", error.hint) from error
    return document


def _start_date(timezone: str | None, now: datetime) -> dict[str, str] | None:
    if timezone is None:
        return None
    try:
        zone = parse_zone(Node(timezone, "timezone"))
    except ScheduleError as error:
        raise ScheduleError(error.part, f"Invalid timezone {timezone!r}", error.hint) from error
    return {"dt": now.astimezone(zone).replace(tzinfo=None).isoformat(), "tz": timezone}


def _cron_clocks(clocks: _Clocks, start_date: dict[str, str] | None) -> Iterator[dict[str, object]]:
    for clock in clocks or ():
        yield {"type": "CronClock", **clock, "start_date": start_date}


def _interval_clocks(clocks: _Clocks, start_date: dict[str, str] | None) -> Iterator[dict[str, object]]:
    for index, clock in enumerate(clocks or ()):
        interval_s = Node(clock, f"interval_clocks[{index}]").key("interval").integer()
        yield {"type": "IntervalClock", **clock, "interval": interval_s * 1_000_000, "start_date": start_date}
