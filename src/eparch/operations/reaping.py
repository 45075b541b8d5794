"""Task runs that nobody carries out any more: find them, and let them retry, fail or be closed.

In charge of task runs; not in charge of the rules (`core.rescue`), of flow runs (`rescue`, where it stands why this is
safe on many servers at once), nor of when it happens (`services`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Row, bindparam, func, select

from eparch.core.rescue import (
    HAD_BEGUN,
    Rescue,
    RescueRules,
    SilentTaskRun,
    are_heartbeats_expected,
    closing,
    is_heart_silent,
    is_silent,
    reaping,
)
from eparch.core.states import CONCRETE, FAILED, FINISHED, RUNNING
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import (
    flow,
    flow_group,
    flow_run,
    flow_run_heartbeat,
    task,
    task_run,
    task_run_heartbeat,
    task_run_state,
)
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.rescue import (
    LEASED_SINCE,
    SINCE,
    carry_out,
    has_beaten,
    has_lease,
    is_beating,
    lock_heartbeats,
    locked_flow_runs,
    says_no,
    silence,
)
from eparch.operations.run_kinds import TASK_RUN


@dataclass(frozen=True, slots=True)
class Reaped:
    """What became of task runs: how many retry, how many failed in a silent flow run, how many were closed."""

    retrying: int = 0
    failed: int = 0
    closed: int = 0

    def __add__(self, other: "Reaped") -> "Reaped":
        return Reaped(self.retrying + other.retrying, self.failed + other.failed, self.closed + other.closed)


def silent_task_runs(tx: Transaction, now: datetime, rules: RescueRules, *, limit: int) -> list[str]:
    """Return Running task runs that look as if nobody carries them out, by flow run. Nothing is changed."""
    bound = {**silence(now, rules), "ended_since": rules.ended_since(now), "limit": limit}
    return [row.id for row in tx.rows(_SILENT, bound)]


def left_task_runs(tx: Transaction, after: datetime, until: datetime, *, limit: int) -> list[str]:
    """Return task runs that wait although their flow run has ended, after `after` and until `until` included."""
    return [row.id for row in tx.rows(_LEFT, {"after": after, "until": until, "limit": limit})]


def reap(tx: Transaction, run_ids: Sequence[str], now: datetime, rules: RescueRules) -> Reaped:
    """Let those of `run_ids` retry, fail or be closed that nobody carries out any more."""
    flow_run_ids = {row.flow_run_id for row in tx.rows(_FLOW_RUNS, {"ids": listed(run_ids)})}
    # Whoever changes a task run holds its flow run, so that with these no task run changes either.
    flow_runs = locked_flow_runs(tx, flow_run_ids, CONCRETE)
    beating = lock_heartbeats(tx, task_run_heartbeat, run_ids)
    rows = {row.id: row for row in tx.rows(_FACTS, {"ids": listed(run_ids)}) if row.id not in beating}
    rows = {run_id: row for run_id, row in rows.items() if row.flow_run_id in flow_runs}
    retries = _retries(tx, rows)
    closed: dict[str, Rescue] = {}
    reaped: dict[str, Rescue] = {}
    for run_id, row in rows.items():
        of = flow_runs[row.flow_run_id]
        if of.state in FINISHED:
            rescue = closing(row.state, of.state) if _has_been_left(row, of, now, rules) else None
            if rescue is not None:
                closed[run_id] = rescue
        elif row.state == "Running" and _is_lost(row, of, now, rules):
            reaped[run_id] = reaping(_silent_task_run(row, of, retries.get(run_id, 0)), now, rules)
    carry_out(tx, TASK_RUN, rows, reaped | closed, now)
    retrying = sum(rescue.new.name == "Retrying" for rescue in reaped.values())
    return Reaped(retrying, len(reaped) - retrying, len(closed))


def _is_lost(row: Row[Any], of: Row[Any], now: datetime, rules: RescueRules) -> bool:
    """Return whether neither a Running task run nor its flow run gives a sign of life."""
    entered = of.state_timestamp if of.state in _CARRIED_OUT else None
    return (
        are_heartbeats_expected(of.settings)
        and is_heart_silent(rules, now, of.heartbeat, of.missed_at)
        and is_heart_silent(rules, now, row.heartbeat, row.missed_at)
        and is_silent(rules.since(now, is_leased=of.missed_at is not None), row.state_timestamp, entered)
    )


def _has_been_left(row: Row[Any], of: Row[Any], now: datetime, rules: RescueRules) -> bool:
    """Return whether a flow run ended long enough ago, and nobody carries its task run out all the same.

    People may call a flow run finished while a process still works on it.
    """
    signs = (row.heartbeat, of.heartbeat) if row.state in RUNNING else ()
    return is_silent(rules.ended_since(now), of.state_timestamp, *signs)


def _silent_task_run(row: Row[Any], of: Row[Any], retries_count: int) -> SilentTaskRun:
    name = row.name or row.task_name or row.slug
    return SilentTaskRun(
        row.id,
        name,
        of.state,
        retries_count,
        row.max_retries,
        row.retry_delay,
        is_leased=of.missed_at is not None,
    )


def _retries(tx: Transaction, rows: Mapping[str, Row[Any]]) -> dict[str, int]:
    """Return how many times task runs that may retry have done so."""
    ids = [run_id for run_id, row in rows.items() if row.max_retries]
    return {row.task_run_id: row.retries for row in tx.rows(_RETRIES, {"ids": listed(ids)})} if ids else {}


_CARRIED_OUT: Final = RUNNING | {"Submitted"}
_ENDED_SINCE: Final = bindparam("ended_since", type_=Timestamp())
_LIMIT: Final = bindparam("limit", type_=Integer())


def _entered(since: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that both runs entered their states at or before `since`, where that is a sign of life."""
    of = in_states(flow_run, _CARRIED_OUT) & (flow_run.c.state_timestamp > since)
    return (task_run.c.state_timestamp <= since) & ~of


_IS_LOST: Final = (
    (task_run.c.state == "Running")
    & (_entered(SINCE) | (_entered(LEASED_SINCE) & has_lease(flow_run_heartbeat, flow_run.c.id)))
    & ~in_states(flow_run, FINISHED)
    & ~is_beating(flow_run_heartbeat, flow_run.c.id)
    & ~is_beating(task_run_heartbeat, task_run.c.id)
    & ~says_no("heartbeat_enabled")
)
_HAS_BEEN_LEFT: Final = (
    in_states(flow_run, FINISHED)
    & (flow_run.c.state_timestamp <= _ENDED_SINCE)
    & ~has_beaten(flow_run_heartbeat, flow_run.c.id, _ENDED_SINCE)
    & ~has_beaten(task_run_heartbeat, task_run.c.id, _ENDED_SINCE)
)
_SILENT: Final = (
    select(task_run.c.id)
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .where(in_states(task_run, RUNNING), _IS_LOST | _HAS_BEEN_LEFT)
    .order_by(task_run.c.flow_run_id)
    .limit(_LIMIT)
)
_LEFT: Final = (
    select(task_run.c.id)
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .where(
        in_states(flow_run, FINISHED),
        flow_run.c.end_time > bindparam("after", type_=Timestamp()),
        flow_run.c.end_time <= bindparam("until", type_=Timestamp()),
        in_states(task_run, CONCRETE - FINISHED - RUNNING),
        in_states(task_run, HAD_BEGUN) | ~in_states(flow_run, FAILED),
    )
    .order_by(flow_run.c.end_time, flow_run.c.id)
    .limit(_LIMIT)
)
_FLOW_RUNS: Final = select(task_run.c.flow_run_id).distinct().where(is_one_of(task_run.c.id, "ids"))
_FACTS: Final = (
    select(
        task_run.c.id,
        task_run.c.tenant_id,
        task_run.c.flow_run_id,
        task_run.c.state,
        task_run.c.state_timestamp,
        task_run.c.name,
        task.c.name.label("task_name"),
        task.c.slug,
        task.c.max_retries,
        task.c.retry_delay,
        task_run_heartbeat.c.heartbeat,
        task_run_heartbeat.c.missed_at,
    )
    .join(task, task.c.id == task_run.c.task_id)
    .outerjoin(task_run_heartbeat, task_run_heartbeat.c.task_run_id == task_run.c.id)
    .where(is_one_of(task_run.c.id, "ids"))
)
_RETRIES: Final = (
    select(task_run_state.c.task_run_id, func.count().label("retries"))
    .where(is_one_of(task_run_state.c.task_run_id, "ids"), task_run_state.c.state == "Retrying")
    .group_by(task_run_state.c.task_run_id)
)
