"""Backfills: made, shown beforehand, cancelled.

In charge of the mutations; not in charge of making the runs, a few at a time (`backfill_runs`), nor of which instants
there are (`core.backfills`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from eparch.core.backfills import CONCURRENCY_MAX, BackfillState, Direction, backfill_events
from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.core.run_defaults import refuse_unknown_parameters, run_parameters
from eparch.core.schedules import DaylightRule, Event, ScheduleError, auto_schedule_key, parse_schedule
from eparch.database.bulk import insert_rows
from eparch.database.tables import backfill, backfill_instant, flow_run
from eparch.database.transactions import Transaction
from eparch.operations.backfill_runs import existing_keys
from eparch.operations.identity import new_id
from eparch.operations.locks import lock_flow_group
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.scheduled_flows import CURRENT, defaults_of, document_of
from eparch.operations.states import cancel_flow_runs


@operation("create:run")
def create_backfill(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Begin a backfill, or with `dry_run` only say what it would do.

    Its instants are those of the schedule that counts for the group at this moment, whether or not it is active.
    """
    concurrency = 1 if given.get("concurrency") is None else given["concurrency"]
    if not 1 <= concurrency <= CONCURRENCY_MAX:
        raise BadInput(f"A concurrency of {concurrency} is not possible: it is from 1 to {CONCURRENCY_MAX}.")
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise BadInput(f"The parameters of a backfill must be a JSON object, not {parameters!r:.100}.")
    direction = given.get("direction") or Direction.FORWARD
    row = _flow_of(tx, principal, given["flow_group_id"])
    try:
        schedule = parse_schedule(document_of(row))
    except ScheduleError as error:
        raise BadInput(f"The schedule of flow {row.id} cannot be carried out: {error}.") from error
    events = backfill_events(
        schedule, given["range_start"], given["range_end"], direction, DaylightRule(row.daylight_rule), now
    )
    refuse_unknown_parameters(defaults_of(row), parameters)
    for clock in schedule.clocks:
        run_parameters(defaults_of(row), {**clock.parameter_defaults, **parameters})
    keys = [auto_schedule_key(event.start_time, event.parameter_defaults, event.labels) for event in events]
    existing = existing_keys(tx, given["flow_group_id"], keys)
    payload = {"id": None, "instant_count": len(events), "existing_count": sum(key in existing for key in keys)}
    if given.get("dry_run"):
        instants = [_shown(event, key in existing) for event, key in zip(events, keys, strict=True)]
        return {**payload, "instants": instants}
    if not events:
        raise BadInput(
            f"The schedule has no instant from {given['range_start'].isoformat()} to {given['range_end'].isoformat()}.",
            hint="a dry run shows the instants of a range",
        )
    made = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": principal.tenant_id,
        "flow_group_id": given["flow_group_id"],
        "state": BackfillState.RUNNING,
        "range_start": given["range_start"],
        "range_end": given["range_end"],
        "direction": direction,
        "concurrency": concurrency,
        "parameters": parameters,
        "labels": None if given.get("labels") is None else sorted(set(given["labels"])),
        "repeat_existing": bool(given.get("repeat_existing")),
        "instant_count": len(events),
        "made_count": 0,
        "skipped_count": 0,
    }
    insert_rows(tx, backfill, [made])
    insert_rows(tx, backfill_instant, _instants(made["id"], events))
    return {**payload, "id": made["id"], "instants": None}


@operation("update:run")
def cancel_backfill(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Make no more runs for a backfill, and cancel those that have not ended, unless told otherwise.

    One that has ended stays as it is: `success` is false.
    """
    known = tx.row(_BACKFILL, {"id": given["backfill_id"], "tenant": principal.tenant_id})
    if known is None:
        raise NotFound(f"There is no backfill {given['backfill_id']}.")
    lock_flow_group(tx, principal.tenant_id, known.flow_group_id)
    row = tx.row(_BACKFILL.with_for_update(), {"id": given["backfill_id"], "tenant": principal.tenant_id})
    if row is None or row.end_time is not None:
        return {"success": False}
    tx.execute(
        backfill.update()
        .where(backfill.c.id == row.id)
        .values(state=BackfillState.CANCELLED, message="Cancelled on request.", end_time=now, updated=now)
    )
    if given.get("cancel_flow_runs") is not False:
        unfinished = [run.id for run in tx.rows(_UNFINISHED, {"backfill": row.id})]
        cancel_flow_runs(tx, principal.tenant_id, unfinished, now, reason="its backfill has been cancelled")
    return {"success": True}


def _flow_of(tx: Transaction, principal: Principal, group_id: str) -> Row[Any]:
    """Return the current flow of a group, which keeps its schedule until the transaction ends.

    Raises:
        NotFound: there is no such group, or all its versions are archived.
        BadInput: neither of them has a schedule.
    """
    if lock_flow_group(tx, principal.tenant_id, group_id) is None:
        raise NotFound(f"There is no flow group {group_id}.")
    row = tx.row(CURRENT, {"group": group_id})
    if row is None:
        raise BadInput(
            f"Flow group {group_id} has no schedule, or no flow that is not archived.",
            hint="set one with set_flow_group_schedule; it need not be active",
        )
    return row


def _instants(backfill_id: str, events: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {
            "backfill_id": backfill_id,
            "number": number,
            "scheduled_start_time": event.start_time,
            "parameters": event.parameter_defaults,
            "labels": event.labels,
        }
        for number, event in enumerate(events)
    ]


def _shown(event: Event, has_run: bool) -> dict[str, Any]:
    return {
        "start_time": event.start_time,
        "parameter_defaults": event.parameter_defaults,
        "labels": event.labels,
        "has_run": has_run,
    }


_BACKFILL: Final = select(backfill.c.id, backfill.c.flow_group_id, backfill.c.end_time).where(
    backfill.c.id == bindparam("id"), backfill.c.tenant_id == bindparam("tenant")
)
_UNFINISHED: Final = select(flow_run.c.id).where(
    flow_run.c.backfill_id == bindparam("backfill"), flow_run.c.end_time.is_(None)
)
