"""In charge of the schedule document that the mutation set_flow_group_schedule stores; not in charge of storing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from eparch.core.schedules.errors import ScheduleError
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.schedule import parse_schedule
from eparch.core.schedules.zones import parse_zone

Clocks = Sequence[Mapping[str, object]] | None


@dataclass(frozen=True, slots=True)
class GivenSchedule:
    """A schedule as the API takes it: as clocks, or as a whole document.

    Attributes:
        cron_clocks: objects with `cron`, and perhaps `day_or`, `parameter_defaults`, `labels`; None means none.
        interval_clocks: objects with `interval` in seconds, and perhaps `parameter_defaults`, `labels`.
        rrule_clocks: objects with `rrule`, iCalendar text, and perhaps `parameter_defaults`, `labels`.
        timezone: zone in which all clocks count; None means UTC, and intervals count from their default anchor.
        document: a serialized schedule, with filters and all, in place of everything above.
    """

    cron_clocks: Clocks = None
    interval_clocks: Clocks = None
    rrule_clocks: Clocks = None
    timezone: str | None = None
    document: object = None


def schedule_document(given: GivenSchedule, now: datetime) -> dict[str, object]:
    """Return the document of a schedule given through the API.

    Args:
        now: aware; where the clocks start when there is a zone, and rules that do not say when they start.

    Returns:
        `{type, clocks}`: cron clocks first, then intervals, then rules, each with the keys that were given, its type
        and start date; intervals in microseconds, as everywhere in documents. A whole document is returned as it is.

    Raises:
        ScheduleError: "Invalid timezone ..." or "Invalid clock provided for schedule ...".
    """
    if given.document is not None:
        return _whole(given)
    start_date = _start_date(given.timezone, now)
    try:
        document: dict[str, object] = {
            "type": "Schedule",
            "clocks": [
                *_cron_clocks(given.cron_clocks, start_date),
                *_interval_clocks(given.interval_clocks, start_date),
                *_rrule_clocks(given.rrule_clocks, given.timezone, start_date, now),
            ],
        }
        parse_schedule(document)
    except ScheduleError as error:
        raise ScheduleError(error.part, f"Invalid clock provided for schedule: {error.problem}", error.hint) from error
    return document


def _whole(given: GivenSchedule) -> dict[str, object]:
    others = ("cron_clocks", "interval_clocks", "rrule_clocks", "timezone")
    also = [name for name in others if getattr(given, name)]
    if also:
        raise ScheduleError(
            "schedule",
            f"Invalid clock provided for schedule: there is a whole schedule and {', '.join(also)} besides",
            "give either `schedule` or clocks",
        )
    document = Node(given.document, "schedule").mapping()
    try:
        parse_schedule(document)
    except ScheduleError as error:
        raise ScheduleError(error.part, f"Invalid schedule: {error.problem}", error.hint) from error
    return dict(document)


def _start_date(timezone: str | None, now: datetime) -> dict[str, str] | None:
    if timezone is None:
        return None
    try:
        zone = parse_zone(Node(timezone, "timezone"))
    except ScheduleError as error:
        raise ScheduleError(error.part, f"Invalid timezone {timezone!r}", error.hint) from error
    return {"dt": now.astimezone(zone).replace(tzinfo=None).isoformat(), "tz": timezone}


def _cron_clocks(clocks: Clocks, start_date: dict[str, str] | None) -> Iterator[dict[str, object]]:
    for clock in clocks or ():
        yield {"type": "CronClock", **clock, "start_date": start_date}


def _interval_clocks(clocks: Clocks, start_date: dict[str, str] | None) -> Iterator[dict[str, object]]:
    for index, clock in enumerate(clocks or ()):
        interval_s = Node(clock, f"interval_clocks[{index}]").key("interval").integer()
        yield {"type": "IntervalClock", **clock, "interval": interval_s * 1_000_000, "start_date": start_date}


def _rrule_clocks(
    clocks: Clocks, timezone: str | None, start_date: dict[str, str] | None, now: datetime
) -> Iterator[dict[str, object]]:
    for index, clock in enumerate(clocks or ()):
        text = Node(clock, f"rrule_clocks[{index}]").key("rrule").text()
        rule: dict[str, object] = {"type": "rrule", "rr": text}
        if "DTSTART" not in text.upper():
            start = start_date["dt"] if start_date is not None else now.isoformat()
            rule["_dtstart"] = datetime.fromisoformat(start).replace(microsecond=0).isoformat()
        if timezone is not None:
            rule["_tz"] = timezone
        others = {name: value for name, value in clock.items() if name != "rrule"}
        yield {"type": "RRuleClock", "rrule_obj": rule, **others, "start_date": start_date}
