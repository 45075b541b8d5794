"""Concurrency limits: set, deleted, and how much of them is used.

In charge of limits; not in charge of their slots (`slots`) nor of the rules (`core.concurrency`).

Runs that are being carried out when a limit is made get slots of it, as many as they are: it tells the truth from its
first moment, and no run is stopped. Lowering a limit stops none either; raising it wakes those who wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Select, bindparam, delete, func, select, update

from eparch.core.concurrency import checked_name, checked_slots, state_tags
from eparch.core.errors import Conflict
from eparch.core.ids import parse_uuid
from eparch.core.principals import Principal
from eparch.core.states import RUNNING
from eparch.database.bulk import holds, insert_rows, is_one_of, listed, update_rows
from eparch.database.tables import (
    flow_concurrency_limit,
    flow_run,
    flow_run_slot,
    task,
    task_concurrency_limit,
    task_run,
    task_run_slot,
)
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.database.types import Words
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.slot_lines import wake_line
from eparch.operations.slots import slot_event


@operation("update:concurrency-limit")
def update_flow_concurrency_limit(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set how many flow runs with a label may be carried out at once."""
    given_counts = given.get("counts_submitted")
    counts = {} if given_counts is None else {"counts_submitted": given_counts}
    return _set(tx, FLOW_RUN, principal, checked_name(given["label"], "label"), given["limit"], counts, now)


@operation("delete:concurrency-limit")
def delete_flow_concurrency_limit(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a limit of flow runs; those that wait for it may start."""
    return _delete(tx, FLOW_RUN, principal, given)


@operation("read:concurrency-limit", is_read=True, tables=[flow_concurrency_limit, flow_run_slot])
def flow_concurrency(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return how many slots of limits of flow runs are taken, by label."""
    return [{"label": name, "usage": usage} for name, usage in _usage(tx, FLOW_RUN, principal, given.get("labels"))]


@operation("update:concurrency-limit")
def update_task_concurrency_limit(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set how many task runs with a tag may be carried out at once."""
    return _set(tx, TASK_RUN, principal, checked_name(given["name"], "tag"), given["limit"], {}, now)


@operation("delete:concurrency-limit")
def delete_task_concurrency_limit(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a limit of task runs; those that wait for it may start."""
    return _delete(tx, TASK_RUN, principal, given)


@operation("read:concurrency-limit", is_read=True, tables=[task_concurrency_limit, task_run_slot])
def task_concurrency(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return how many slots of limits of task runs are taken, by tag."""
    return [{"name": name, "usage": usage} for name, usage in _usage(tx, TASK_RUN, principal, given.get("names"))]


@operation("update:concurrency-limit")
def update_task_tag_limit(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set how many task runs with a tag may be carried out at once: the name that Prefect 1.x clients send."""
    return _set(tx, TASK_RUN, principal, checked_name(given["tag"], "tag"), given["limit"], {}, now)


@operation("delete:concurrency-limit")
def delete_task_tag_limit(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a limit of task runs: the name that Prefect 1.x clients send."""
    limit_id = parse_uuid(given["limit_id"])
    return {"success": False} if limit_id is None else _delete(tx, TASK_RUN, principal, {"limit_id": limit_id})


def _set(
    tx: Transaction, kind: Kind, principal: Principal, name: str, slots: int, counts: Mapping[str, bool], now: datetime
) -> Payload:
    checked_slots(slots, name)
    bound = {"tenant": principal.tenant_id, "name": name}
    row = tx.row(_ONE[kind.name], bound)
    if row is None and (limit_id := _make(tx, kind, bound, slots, counts, now)) is not None:
        return {"id": limit_id}
    row = tx.row(_ONE[kind.name].with_for_update(key_share=True), bound)
    if row is None:
        # Deleted since it was seen, or since the insert met it.
        raise Conflict(f"The limit of {name!r} was deleted at the same moment.", hint="set it again")
    tx.execute(update(kind.limits).where(kind.limits.c.id == row.id).values(limit=slots, updated=now, **counts))
    wake_line(tx, kind, [row.id], now)
    return {"id": row.id}


def _make(
    tx: Transaction, kind: Kind, bound: Mapping[str, str], slots: int, counts: Mapping[str, bool], now: datetime
) -> str | None:
    """Make a limit and give slots to the runs that are being carried out; return None if there is such a limit.

    A run that starts in another transaction at this very moment does not know of the limit yet, and gets no slot.
    """
    # Runs are locked before limits, and only those count that are still carried out once they are locked.
    running = _carried_out(tx, kind, bound, counts.get("counts_submitted", kind.is_flow_run))
    common = {"created": now, "updated": now, "tenant_id": bound["tenant"]}
    row = {"id": new_id(), **common, "name": bound["name"], "limit": slots}
    if kind.is_flow_run:
        row["counts_submitted"] = counts.get("counts_submitted", True)
    if not insert_rows(tx, kind.limits, [row], on_conflict="ON CONFLICT (tenant_id, name) DO NOTHING"):
        return None
    taken = [{"id": new_id(), **common, "limit_id": row["id"], kind.run_id: run_id} for run_id in running]
    insert_rows(tx, kind.slots, taken)
    update_rows(tx, kind.runs, [{"id": run_id, "has_slots": True} for run_id in running])
    return str(row["id"])


def _carried_out(tx: Transaction, kind: Kind, bound: Mapping[str, str], counts_submitted: bool) -> list[str]:
    if kind.is_flow_run:
        return [row.id for row in tx.rows(_FLOW_RUNS[counts_submitted], bound)]
    tagged = [row for row in tx.rows(_TASK_RUNS, bound) if _has_tag(row.serialized_state, row.tags, bound["name"])]
    if not tx.is_postgresql or not tagged:
        return [row.id for row in tagged]
    tx.rows(_LOCK_FLOW_RUNS, {"ids": listed({row.flow_run_id for row in tagged})})
    return [row.id for row in tx.rows(_LOCK_TASK_RUNS, {"ids": listed(row.id for row in tagged)})]


def _has_tag(document: Mapping[str, Any], registered: Sequence[str], tag: str) -> bool:
    named = state_tags(document)
    return tag in (registered if named is None else named)


def _delete(tx: Transaction, kind: Kind, principal: Principal, given: Input) -> Payload:
    limits, waiters = kind.limits, kind.waiters
    mine = (limits.c.id == given["limit_id"], limits.c.tenant_id == principal.tenant_id)
    if tx.row(select(limits.c.id).where(*mine).with_for_update()) is None:
        return {"success": False}
    listening = waiters.c.listens_until.is_not(None) & (waiters.c.limit_id == given["limit_id"])
    for row in tx.rows(select(waiters.c[kind.run_id].label("run_id")).where(listening)):
        tx.announce(slot_event(row.run_id))
    tx.execute(delete(limits).where(*mine))
    if kind.is_flow_run:
        tx.announce("queue")
    return {"success": True}


def _usage(tx: Transaction, kind: Kind, principal: Principal, names: Sequence[str] | None) -> list[tuple[str, int]]:
    """Return name and taken slots of the limits with one of `names`, of all limits for None, in the order of names."""
    statement = _USAGE[kind.name]
    bound = {"tenant": principal.tenant_id}
    if names is not None:
        statement = statement.where(is_one_of(kind.limits.c.name, "names"))
        bound["names"] = listed(names)
    return [(row.name, row.usage) for row in tx.rows(statement, bound)]


def _one(kind: Kind) -> Select[Any]:
    limits = kind.limits
    return select(limits.c.id).where(limits.c.tenant_id == bindparam("tenant"), limits.c.name == bindparam("name"))


def _usage_of(kind: Kind) -> Select[Any]:
    limits, slots = kind.limits, kind.slots
    usage = select(func.count(type_=Integer())).where(slots.c.limit_id == limits.c.id).scalar_subquery()
    return (
        select(limits.c.name, usage.label("usage"))
        .where(limits.c.tenant_id == bindparam("tenant"))
        .order_by(limits.c.name)
    )


_ONE: Final = {kind.name: _one(kind) for kind in (FLOW_RUN, TASK_RUN)}
_USAGE: Final = {kind.name: _usage_of(kind) for kind in (FLOW_RUN, TASK_RUN)}

_NAME: Final = bindparam("name", type_=Words())
_ACTIVE: Final = in_states(flow_run, RUNNING | {"Submitted"})
_LABELLED: Final = (
    select(flow_run.c.id)
    .where(flow_run.c.tenant_id == bindparam("tenant"), _ACTIVE, holds(flow_run.c.labels, _NAME))
    .order_by(flow_run.c.id)
    .with_for_update()
)
_FLOW_RUNS: Final = {True: _LABELLED, False: _LABELLED.where(flow_run.c.state != "Submitted")}

_IS_RUNNING: Final = in_states(task_run, RUNNING)
_TASK_RUNS: Final = (
    select(task_run.c.id, task_run.c.flow_run_id, task_run.c.serialized_state, task.c.tags)
    .join(task, task.c.id == task_run.c.task_id)
    .where(task_run.c.tenant_id == bindparam("tenant"), _IS_RUNNING)
)
_LOCK_FLOW_RUNS: Final = (
    select(flow_run.c.id).where(is_one_of(flow_run.c.id, "ids")).order_by(flow_run.c.id).with_for_update(read=True)
)
_LOCK_TASK_RUNS: Final = (
    select(task_run.c.id).where(is_one_of(task_run.c.id, "ids"), _IS_RUNNING).order_by(task_run.c.id).with_for_update()
)
