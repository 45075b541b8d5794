"""Previews: what a schedule will do, whether or not it is saved.

In charge of reading a schedule from the input of the API and of the shape of the answer; not in charge of what a
schedule means (`core.schedules`) nor of saving one (`flow_groups`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.core.schedules import (
    DaylightNote,
    DaylightRule,
    GivenSchedule,
    PreviewEvent,
    ScheduleError,
    parse_schedule,
    preview,
    schedule_document,
)
from eparch.database.tables import flow, flow_group
from eparch.database.transactions import Transaction
from eparch.operations.registry import Input, Payload, operation

EVENTS_MAX: Final = 1000


@operation("read:flow", is_read=True, tables=[])
def schedule_preview(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return the next events of the schedule in the input, or of the one that a flow group has."""
    count = 10 if given.get("count") is None else given["count"]
    if not 1 <= count <= EVENTS_MAX:
        raise BadInput(f"{count} instants cannot be shown: `count` is from 1 to {EVENTS_MAX}.")
    if given.get("flow_group_id"):
        document, saved_rule = _saved_schedule(tx, principal, given)
    else:
        document, saved_rule = given_schedule(given, now), DaylightRule.COMPATIBLE
    rule = given.get("daylight_rule") or saved_rule
    shown = preview(parsed(document), given.get("after") or now, count, DaylightRule(rule))
    return {
        "events": [_event(event) for event in shown.events],
        "notes": [_note(note) for note in shown.notes],
        "has_more": shown.has_more,
        "daylight_rule": rule,
        "schedule": document,
    }


def given_schedule(given: Input, now: datetime) -> dict[str, Any]:
    """Return the document of the schedule that an input gives, as clocks or as a whole.

    Raises:
        BadInput: it cannot be carried out.
    """
    asked = GivenSchedule(
        cron_clocks=given.get("cron_clocks"),
        interval_clocks=given.get("interval_clocks"),
        rrule_clocks=given.get("rrule_clocks"),
        timezone=given.get("timezone"),
        document=given.get("schedule"),
    )
    try:
        return schedule_document(asked, now)
    except ScheduleError as error:
        raise BadInput(f"{error.problem} ({error.part})", hint=error.hint) from error


def parsed(document: Mapping[str, Any]) -> Any:
    """Return a stored schedule as an object.

    Raises:
        BadInput: it cannot be carried out.
    """
    try:
        return parse_schedule(document)
    except ScheduleError as error:
        raise BadInput(
            f"The schedule cannot be carried out: {error.problem} ({error.part})", hint=error.hint
        ) from error


def _saved_schedule(tx: Transaction, principal: Principal, given: Input) -> tuple[Mapping[str, Any], str]:
    names = ("cron_clocks", "interval_clocks", "rrule_clocks", "timezone", "schedule")
    others = [name for name in names if given.get(name)]
    if others:
        raise BadInput(
            f"A preview is of a flow group or of a schedule: flow_group_id and {', '.join(others)} are given.",
            hint="leave one of them out",
        )
    row = tx.row(_SAVED, {"group": given["flow_group_id"], "tenant": principal.tenant_id})
    if row is None:
        raise NotFound(f"There is no flow group {given['flow_group_id']} with a flow that is not archived.")
    document: Mapping[str, Any] | None = row.schedule if row.group_schedule is None else row.group_schedule
    if document is None:
        raise BadInput(
            f"Flow group {given['flow_group_id']} has no schedule, nor has its flow.",
            hint="give clocks, or set one with set_flow_group_schedule",
        )
    return document, row.daylight_rule


def _event(event: PreviewEvent) -> dict[str, Any]:
    return {
        "start_time": event.start_time,
        "local_time": event.local_time.isoformat(),
        "timezone": event.timezone,
        "clock_index": event.clock,
        "parameter_defaults": event.parameter_defaults,
        "labels": event.labels,
        "note": None if event.note is None else _note(event.note),
    }


def _note(note: DaylightNote) -> dict[str, Any]:
    return {
        "kind": note.kind,
        "clock_index": note.clock,
        "wall_time": note.wall.isoformat(),
        "start_times": list(note.instants),
        "text": note.text,
    }


_SAVED: Final = (
    select(flow.c.schedule, flow_group.c.schedule.label("group_schedule"), flow_group.c.daylight_rule)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .where(
        flow_group.c.id == bindparam("group"), flow_group.c.tenant_id == bindparam("tenant"), flow.c.archived.is_(False)
    )
    .order_by(flow.c.version.desc())
    .limit(1)
)
