"""Flow runs that have fallen silent: find them, and schedule them anew or end them.

In charge of flow runs, and of what is common to all rescue: looking without a lock, looking again under it, and the
line in the log of the run; not in charge of the rules (`core.rescue`), of task runs (`reaping`), nor of when it
happens (`services`).

Nothing is decided by what the first look saw. The second look, in the transaction that writes, holds the run and its
heartbeat: a beat either came before it, and the run is left alone, or finds the run rescued. Rows that somebody else
holds at that moment are left out, as what holds them is a sign of life. So any number of servers may do this at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    literal_column,
    select,
)

from eparch.core.rescue import (
    IN_PROGRESS,
    RESCUABLE,
    Rescue,
    RescueRules,
    are_heartbeats_expected,
    cancelling_end,
    is_heart_silent,
    is_lazarus_allowed,
    is_silent,
    resurrection,
)
from eparch.core.states import RUNNING
from eparch.database.bulk import insert_rows, is_one_of, listed, update_rows
from eparch.database.tables import (
    flow,
    flow_group,
    flow_run,
    flow_run_heartbeat,
    log,
    task_run,
    task_run_heartbeat,
)
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.identity import new_id
from eparch.operations.run_kinds import FLOW_RUN, Kind
from eparch.operations.states import enter_states


@dataclass(frozen=True, slots=True)
class Rescued:
    """What became of flow runs: how many were scheduled anew, and how many failed."""

    resurrected: int = 0
    failed: int = 0


def silent_flow_runs(tx: Transaction, now: datetime, rules: RescueRules, *, limit: int) -> list[str]:
    """Return flow runs that look as if nobody carries them out, the longest silent first. Nothing is changed."""
    return [row.id for row in tx.rows(_SILENT, {**silence(now, rules), "limit": limit})]


def resurrect(tx: Transaction, run_ids: Sequence[str], now: datetime, rules: RescueRules) -> Rescued:
    """Schedule anew those of `run_ids` that nobody carries out, or fail those that have had their chances."""
    rescues: dict[str, Rescue] = {}
    rows = locked_flow_runs(tx, run_ids, RESCUABLE)
    active = _with_task_runs_in_progress(tx, rows, now, rules)
    for run_id, row in rows.items():
        if run_id not in active and _is_lost(row, now, rules) and is_lazarus_allowed(row.settings):
            rescues[run_id] = resurrection(row.times_resurrected, now, rules)
    # First the count, then the state: both are of one transaction, so no crash lets a run be rescheduled for ever.
    counted = [run_id for run_id, rescue in rescues.items() if rescue.is_resurrection]
    update_rows(
        tx,
        flow_run,
        [{"id": run_id, "times_resurrected": rows[run_id].times_resurrected + 1} for run_id in counted],
    )
    carry_out(tx, FLOW_RUN, rows, rescues, now)
    return Rescued(len(counted), len(rescues) - len(counted))


def silent_cancelling(tx: Transaction, now: datetime, rules: RescueRules, *, limit: int) -> list[str]:
    """Return flow runs that were asked to stop and look silent, the longest silent first. Nothing is changed."""
    return [row.id for row in tx.rows(_CANCELLING, {**silence(now, rules), "limit": limit})]


def end_cancelling(tx: Transaction, run_ids: Sequence[str], now: datetime, rules: RescueRules) -> int:
    """End those of `run_ids` that were asked to stop and are silent; return how many."""
    rows = locked_flow_runs(tx, run_ids, {"Cancelling"})
    rescues = {
        run_id: cancelling_end(rules, is_leased=row.missed_at is not None)
        for run_id, row in rows.items()
        if _is_lost(row, now, rules) and are_heartbeats_expected(row.settings)
    }
    carry_out(tx, FLOW_RUN, rows, rescues, now)
    return len(rescues)


def locked_flow_runs(tx: Transaction, run_ids: Collection[str], states: Collection[str]) -> dict[str, Row[Any]]:
    """Lock those of `run_ids` that are in one of `states`; return what the rules need to know of each, by id.

    Runs that somebody else changes, or whose heart beats, at this very moment are left out.
    """
    if tx.is_postgresql:
        run_ids = [row.id for row in tx.rows(_LOCK_RUNS, {"ids": listed(run_ids)})]
    beating = lock_heartbeats(tx, flow_run_heartbeat, run_ids)
    rows = tx.rows(_FACTS, {"ids": listed(run_ids)})
    return {row.id: row for row in rows if row.state in states and row.id not in beating}


def lock_heartbeats(tx: Transaction, heartbeats: Table, run_ids: Collection[str]) -> set[str]:
    """Lock the heartbeats of runs; return the runs whose heartbeat somebody is writing at this moment.

    A first heartbeat, whose row is not there yet, holds the row of its run, by its foreign key.
    """
    if not tx.is_postgresql:
        return set()
    mine, all_of_them = _HEARTBEATS[heartbeats.name]
    held = {row.run_id for row in tx.rows(mine, {"ids": listed(run_ids)})}
    return {row.run_id for row in tx.rows(all_of_them, {"ids": listed(run_ids)})} - held


def carry_out(
    tx: Transaction, kind: Kind, rows: Mapping[str, Row[Any]], rescues: Mapping[str, Rescue], now: datetime
) -> None:
    """Let locked runs enter the states that were decided, and say so in their logs.

    Args:
        rows: by run id; each has `tenant_id`, and `flow_run_id` where it is of a task run.
    """
    by_tenant: dict[str, list[str]] = {}
    for run_id in sorted(rescues):
        by_tenant.setdefault(rows[run_id].tenant_id, []).append(run_id)
    for tenant_id, run_ids in by_tenant.items():
        enter_states(tx, kind, tenant_id, [(run_id, rescues[run_id].new) for run_id in run_ids], now)
    lines = [
        {
            "id": new_id(),
            "created": now,
            "updated": now,
            "tenant_id": rows[run_id].tenant_id,
            "flow_run_id": run_id if kind.is_flow_run else rows[run_id].flow_run_id,
            "task_run_id": None if kind.is_flow_run else run_id,
            "timestamp": now,
            "name": rescue.logger,
            "level": rescue.level,
            "message": rescue.new.message,
        }
        for run_id, rescue in rescues.items()
    ]
    insert_rows(tx, log, lines)
    tx.notes.log_lines += len(lines)


def says_no(setting: str) -> ColumnElement[bool]:
    """Return the condition that a flow group switches `setting` off."""
    # `->>` gives false as 0 on SQLite and as text on PostgreSQL.
    value = flow_group.c.settings.op("->>")(literal_column(f"'{setting}'"))
    return cast(value, Text).in_(["0", "false"]) & value.is_not(None)


def has_beaten(heartbeats: Table, run: ColumnElement[Any], since: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that the heart of a run has beaten after `since`."""
    (run_id,) = heartbeats.primary_key.columns
    return select(run_id).where(run_id == run, heartbeats.c.heartbeat > since).exists()


def silence(now: datetime, rules: RescueRules) -> dict[str, object]:
    """Return the instants by which `is_beating` and `has_lease` judge, to be bound."""
    return {
        "now": now,
        "since": rules.since(now, is_leased=False),
        "leased_since": rules.since(now, is_leased=True),
    }


def is_beating(heartbeats: Table, run: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that the heart of a run is not silent; the rule is `core.rescue.is_heart_silent`."""
    (run_id,) = heartbeats.primary_key.columns
    missed_at, heartbeat = heartbeats.c.missed_at, heartbeats.c.heartbeat
    in_time = (heartbeat > LEASED_SINCE) | (missed_at > _NOW) | (missed_at.is_(None) & (heartbeat > SINCE))
    return select(run_id).where(run_id == run, in_time).exists()


def has_lease(heartbeats: Table, run: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that whoever carries out a run has said how often it beats."""
    (run_id,) = heartbeats.primary_key.columns
    return select(run_id).where(run_id == run, heartbeats.c.missed_at.is_not(None)).exists()


def _is_lost(row: Row[Any], now: datetime, rules: RescueRules) -> bool:
    """Return whether a flow run gives no sign of life."""
    entered_since = rules.since(now, is_leased=row.missed_at is not None)
    return is_heart_silent(rules, now, row.heartbeat, row.missed_at) and is_silent(entered_since, row.state_timestamp)


def _with_task_runs_in_progress(
    tx: Transaction, run_ids: Collection[str], now: datetime, rules: RescueRules
) -> set[str]:
    return {row.flow_run_id for row in tx.rows(_IN_PROGRESS, {"ids": listed(run_ids), **silence(now, rules)})}


SINCE: Final = bindparam("since", type_=Timestamp())
LEASED_SINCE: Final = bindparam("leased_since", type_=Timestamp())
_NOW: Final = bindparam("now", type_=Timestamp())
_LIMIT: Final = bindparam("limit", type_=Integer())

# A task run that has just been handed to an agent keeps its flow run too: the process that will beat is being started.
_TASK_RUN_IN_PROGRESS: Final = (
    in_states(task_run, IN_PROGRESS)
    | ((task_run.c.state == "Submitted") & (task_run.c.state_timestamp > SINCE))
    | is_beating(task_run_heartbeat, task_run.c.id)
)
_IN_PROGRESS: Final = (
    select(task_run.c.flow_run_id).distinct().where(is_one_of(task_run.c.flow_run_id, "ids"), _TASK_RUN_IN_PROGRESS)
)

_ACTIVE: Final = in_states(flow_run, RUNNING | {"Submitted"})


def _silent(states: Collection[str]) -> Select[Any]:
    return (
        select(flow_run.c.id)
        .join(flow, flow.c.id == flow_run.c.flow_id)
        .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
        .where(
            _ACTIVE,
            flow_run.c.state.in_(sorted(states)),
            flow_run.c.state_timestamp <= LEASED_SINCE,
            (flow_run.c.state_timestamp <= SINCE) | has_lease(flow_run_heartbeat, flow_run.c.id),
            ~is_beating(flow_run_heartbeat, flow_run.c.id),
            ~says_no("heartbeat_enabled"),
        )
        .order_by(flow_run.c.state_timestamp)
        .limit(_LIMIT)
    )


_CANCELLING: Final = _silent({"Cancelling"})
_SILENT: Final = _silent(RESCUABLE).where(
    ~says_no("lazarus_enabled"),
    ~select(task_run.c.id).where(task_run.c.flow_run_id == flow_run.c.id, _TASK_RUN_IN_PROGRESS).exists(),
)

_LOCK_RUNS: Final = (
    select(flow_run.c.id)
    .where(is_one_of(flow_run.c.id, "ids"))
    .order_by(flow_run.c.id)
    .with_for_update(skip_locked=True)
)
_FACTS: Final = (
    select(
        flow_run.c.id,
        flow_run.c.tenant_id,
        flow_run.c.state,
        flow_run.c.state_timestamp,
        flow_run.c.end_time,
        flow_run.c.times_resurrected,
        flow_group.c.settings,
        flow_run_heartbeat.c.heartbeat,
        flow_run_heartbeat.c.missed_at,
    )
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .outerjoin(flow_run_heartbeat, flow_run_heartbeat.c.flow_run_id == flow_run.c.id)
    .where(is_one_of(flow_run.c.id, "ids"))
)


def _heartbeats(table: Table) -> tuple[Select[Any], Select[Any]]:
    (run_id,) = table.primary_key.columns
    all_of_them = select(run_id.label("run_id")).where(is_one_of(run_id, "ids")).order_by(run_id)
    return all_of_them.with_for_update(skip_locked=True), all_of_them


_HEARTBEATS: Final = {table.name: _heartbeats(table) for table in (flow_run_heartbeat, task_run_heartbeat)}
