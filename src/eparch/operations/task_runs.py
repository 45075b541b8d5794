"""Task runs: made with their flow run or on demand, and asked for at the start of every attempt.

In charge of making and finding task runs; not in charge of their states (`states`).

Every task run starts as `Pending`, version 1. Those of a flow run that a client makes exist at once; those of a
scheduled run are made when it leaves `Scheduled` or is handed to an agent, because most of ten runs ahead of
time never get that far. Mapped children are made when they are first asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Integer, select

from eparch.core.errors import BadInput, EparchError, NotFound
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows, is_one_of, listed, records, update_rows
from eparch.database.tables import flow_run, task, task_run, task_run_state
from eparch.database.transactions import Transaction
from eparch.database.types import Uuid
from eparch.operations.identity import new_id
from eparch.operations.registry import Call, Input, Payload, joined_operation, operation

_PENDING_MESSAGE: Final = "Task run created."
_PENDING: Final = {"type": "Pending", "message": _PENDING_MESSAGE}
_PENDING_TEXT: Final = msgspec.Raw(msgspec.json.encode(_PENDING))

# A task run within its flow run: flow run, task, map index.
Place = tuple[str, str, int]


class _Made(NamedTuple):
    """A task run that this transaction has made, as it would be read back."""

    id: str
    tenant_id: str
    version: int = 1
    state: str = "Pending"
    serialized_state: Any = _PENDING


@joined_operation("update:run")
def get_or_create_task_run_info(tx: Transaction, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    """Return id, version, state and serialized state of the task run at a place, which is made if it is not there."""
    places = [_place(call.input) for call in calls]
    found = _find(tx, places)
    missing = dict.fromkeys(place for place in places if place not in found)
    refused: dict[Place, EparchError] = {}
    if missing:
        made, refused = _make_at(tx, missing, now)
        found |= made
    outcomes: list[Payload | EparchError] = []
    for call, place in zip(calls, places, strict=True):
        row = found.get(place)
        if row is None or row.tenant_id != call.principal.tenant_id:
            outcomes.append(refused.get(place) or _invalid(place))
        else:
            outcomes.append(
                {"id": row.id, "version": row.version, "state": row.state, "serialized_state": row.serialized_state}
            )
    return outcomes


@joined_operation("update:run")
def get_or_create_task_run(tx: Transaction, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    """Return the id of the task run at a place, which is made if it is not there."""
    outcomes = get_or_create_task_run_info(tx, calls, now)
    return [outcome if isinstance(outcome, EparchError) else {"id": outcome["id"]} for outcome in outcomes]


@operation("update:run")
def set_task_run_name(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Give a task run a name."""
    if not given["name"]:
        raise BadInput("Invalid name: a task run's name cannot be empty.")
    statement = (
        task_run.update()
        .where(task_run.c.id == given["task_run_id"], task_run.c.tenant_id == principal.tenant_id)
        .values(name=given["name"], updated=now)
    )
    return {"success": tx.execute(statement).rowcount > 0}


@operation("read:run", is_read=True, tables=[task_run])
def get_task_run_info(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return id, version, state and serialized state of a task run."""
    statement = select(task_run.c.id, task_run.c.version, task_run.c.state, task_run.c.serialized_state)
    row = tx.row(statement.where(task_run.c.id == given["task_run_id"], task_run.c.tenant_id == principal.tenant_id))
    if row is None:
        raise NotFound(f"Invalid task run ID {given['task_run_id']}: there is no such task run.")
    return row._asdict()


def make_task_runs(tx: Transaction, flow_run_ids: Sequence[str], now: datetime) -> None:
    """Make the task runs of flow runs that have none yet: one Pending run for each task of the flow."""
    rows = tx.rows(_TASKS_OF_RUNS, {"flow_run_ids": listed(flow_run_ids)})
    _insert(tx, [(row.tenant_id, (row.flow_run_id, row.task_id, -1), row.cache_key) for row in rows], now)
    update_rows(tx, flow_run, [{"id": run_id, "has_task_runs": True} for run_id in flow_run_ids])


def _place(given: Mapping[str, Any]) -> Place:
    map_index = given.get("map_index")
    return given["flow_run_id"], given["task_id"], -1 if map_index is None else map_index


def _find(tx: Transaction, places: Iterable[Place]) -> dict[Place, Any]:
    wanted = [{"flow_run_id": run, "task_id": task_id, "map_index": index} for run, task_id, index in set(places)]
    rows = tx.rows(_AT_PLACES, {"wanted": listed(wanted)})
    return {(row.flow_run_id, row.task_id, row.map_index): row for row in rows}


def _make_at(
    tx: Transaction, places: Iterable[Place], now: datetime
) -> tuple[Mapping[Place, Any], dict[Place, EparchError]]:
    """Make the task runs at `places`; return what is there then, and why, for those that cannot be made."""
    pairs = [{"flow_run_id": run, "task_id": task_id} for run, task_id, _ in places]
    rows = tx.rows(_TASKS_AT_PLACES, {"wanted": listed(pairs)})
    tasks = {(row.flow_run_id, row.task_id): row for row in rows}
    new: list[tuple[str, Place, str | None]] = []
    refused: dict[Place, EparchError] = {}
    for place in places:
        row = tasks.get(place[:2])
        if row is None:
            refused[place] = _invalid(place)
        elif place[2] < -1:
            refused[place] = BadInput(f"Invalid map index {place[2]}: it is -1, or counts from 0.")
        else:
            new.append((row.tenant_id, place, row.cache_key))
    ids = _insert(tx, new, now)
    if ids is None:
        return _find(tx, [place for _, place, _ in new]), refused
    return {place: _Made(run_id, tenant_id) for run_id, (tenant_id, place, _) in zip(ids, new, strict=True)}, refused


def _insert(tx: Transaction, new: Sequence[tuple[str, Place, str | None]], now: datetime) -> list[str] | None:
    """Insert task runs with their first state; those that are there already are left as they are.

    Returns:
        Their ids, in the order of `new`; None where some were there already.
    """
    common = {"created": now, "updated": now, "state_timestamp": now, "state": "Pending"}
    runs = [
        {
            **common,
            "id": new_id(),
            "tenant_id": tenant_id,
            "flow_run_id": place[0],
            "task_id": place[1],
            "map_index": place[2],
            "cache_key": cache_key,
            "version": 1,
            "state_message": _PENDING_MESSAGE,
            "serialized_state": _PENDING_TEXT,
        }
        for tenant_id, place, cache_key in new
    ]
    ids: list[str] | None = [str(run["id"]) for run in runs]
    inserted = insert_rows(tx, task_run, runs, on_conflict="ON CONFLICT DO NOTHING")
    if inserted != len(runs):
        ids = None
        # Another server was faster for some: its states are there too.
        mine = {row.id for row in tx.rows(_EXISTING, {"ids": listed(run["id"] for run in runs)})}
        runs = [run for run in runs if run["id"] in mine]
    states = [
        {
            "id": new_id(),
            "created": now,
            "updated": now,
            "tenant_id": run["tenant_id"],
            "task_run_id": run["id"],
            "timestamp": now,
            "state": "Pending",
            "message": _PENDING_MESSAGE,
            "serialized_state": _PENDING_TEXT,
            "version": 1,
        }
        for run in runs
    ]
    insert_rows(tx, task_run_state, states)
    tx.notes.states[task_run.name, "Pending"] += len(states)
    return ids


def _invalid(place: Place) -> NotFound:
    return NotFound(
        f"Invalid ID: flow run {place[0]} has no task {place[1]}.",
        hint="Invalid task ID or flow run ID: the task must belong to the version of the flow that runs",
    )


_AT_PLACE_COLUMNS = records("wanted", flow_run_id=Uuid(), task_id=Uuid(), map_index=Integer())
_AT_PLACES: Final = select(
    task_run.c.id,
    task_run.c.tenant_id,
    task_run.c.flow_run_id,
    task_run.c.task_id,
    task_run.c.map_index,
    task_run.c.version,
    task_run.c.state,
    task_run.c.serialized_state,
).join_from(
    _AT_PLACE_COLUMNS,
    task_run,
    (task_run.c.flow_run_id == _AT_PLACE_COLUMNS.c.flow_run_id)
    & (task_run.c.task_id == _AT_PLACE_COLUMNS.c.task_id)
    & (task_run.c.map_index == _AT_PLACE_COLUMNS.c.map_index),
)

_PAIRS = records("wanted", flow_run_id=Uuid(), task_id=Uuid())
_TASKS_AT_PLACES: Final = (
    select(flow_run.c.id.label("flow_run_id"), flow_run.c.tenant_id, task.c.id.label("task_id"), task.c.cache_key)
    .select_from(_PAIRS)
    .join(flow_run, flow_run.c.id == _PAIRS.c.flow_run_id)
    .join(task, (task.c.id == _PAIRS.c.task_id) & (task.c.flow_id == flow_run.c.flow_id))
    .distinct()
)

_TASKS_OF_RUNS: Final = (
    select(flow_run.c.id.label("flow_run_id"), flow_run.c.tenant_id, task.c.id.label("task_id"), task.c.cache_key)
    .join(task, task.c.flow_id == flow_run.c.flow_id)
    .where(is_one_of(flow_run.c.id, "flow_run_ids"), flow_run.c.has_task_runs.is_(False))
)

_EXISTING: Final = select(task_run.c.id).where(is_one_of(task_run.c.id, "ids"))
