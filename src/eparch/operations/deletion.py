"""Deleting flows and flow runs with all that hangs on them.

In charge of doing it in a fixed number of statements, children first; not in charge of who may, nor of which.

The foreign keys cascade, so nothing can be left behind. But a cascade goes row by row: for each run the database looks
into four tables, for each task run into four more. With whole sets first, 10,000 runs of four tasks go in 1.2 s instead
of 1.9 s on PostgreSQL, and no slower on SQLite.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Delete, Select, Table, delete, select

from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import (
    edge,
    flow,
    flow_run,
    flow_run_heartbeat,
    flow_run_state,
    log,
    task,
    task_run,
    task_run_artifact,
    task_run_heartbeat,
    task_run_state,
)
from eparch.database.transactions import Transaction
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.slot_lines import wake_line


def delete_flows(tx: Transaction, flow_ids: Sequence[str], now: datetime) -> int:
    """Delete flows with their tasks, edges and runs; return how many flows there were."""
    if not flow_ids:
        return 0
    bound = {"flows": listed(flow_ids)}
    # Nobody can make a run of a locked flow.
    tx.rows(_LOCKED_FLOWS, bound)
    with _freeing_slots(tx, _OF_FLOWS, bound, now):
        for statement in _RUNS_OF_FLOWS:
            tx.execute(statement, bound)
    for statement in _PARTS_OF_FLOWS:
        tx.execute(statement, bound)
    return tx.execute(_FLOWS, bound).rowcount


def delete_flow_runs(tx: Transaction, run_ids: Sequence[str], now: datetime) -> int:
    """Delete flow runs with their task runs, states, logs and artifacts; return how many flow runs there were."""
    if not run_ids:
        return 0
    bound = {"runs": listed(run_ids)}
    with _freeing_slots(tx, _CHOSEN_RUNS, bound, now):
        for statement in _PARTS_OF_RUNS:
            tx.execute(statement, bound)
        return tx.execute(_RUNS, bound).rowcount


def delete_auto_scheduled_runs(tx: Transaction, flow_ids: Sequence[str], now: datetime) -> int:
    """Delete the runs that schedules have made and that wait for their first start, late ones too.

    What has begun and waits again, as it was restarted or its process was lost, keeps its history.

    Returns:
        How many there were.
    """
    rows = tx.rows(_AUTO_SCHEDULED, {"flows": listed(flow_ids)}) if flow_ids else []
    return delete_flow_runs(tx, [row.id for row in rows], now)


@contextmanager
def _freeing_slots(tx: Transaction, runs: Select[Any], bound: Mapping[str, Any], now: datetime) -> Iterator[None]:
    """Delete runs within the block: who waits for the slots that go with them learns of it.

    Once the flow runs are locked, neither they nor their task runs take further slots.
    """
    if tx.is_postgresql:
        tx.rows(_LOCKS[runs], bound)
    freed = [(kind, [row.limit_id for row in tx.rows(_HELD[runs, kind.name], bound)]) for kind in (FLOW_RUN, TASK_RUN)]
    yield
    for kind, limit_ids in freed:
        if limit_ids:
            wake_line(tx, kind, limit_ids, now)


def _of(table: Table, column: str, parents: Select[Any]) -> Delete:
    return delete(table).where(table.c[column].in_(parents))


def _parts_of_runs(runs: Select[Any]) -> tuple[Delete, ...]:
    task_runs = select(task_run.c.id).where(task_run.c.flow_run_id.in_(runs))
    return (
        _of(log, "flow_run_id", runs),
        _of(task_run_artifact, "task_run_id", task_runs),
        _of(task_run_heartbeat, "task_run_id", task_runs),
        _of(task_run_state, "task_run_id", task_runs),
        _of(task_run, "flow_run_id", runs),
        _of(flow_run_heartbeat, "flow_run_id", runs),
        _of(flow_run_state, "flow_run_id", runs),
    )


def _held(kind: Kind, flow_runs: Select[Any]) -> Select[Any]:
    """Return the limits of which runs hold slots."""
    task_runs = select(task_run.c.id).where(task_run.c.flow_run_id.in_(flow_runs))
    runs = flow_runs if kind.is_flow_run else task_runs
    return select(kind.slots.c.limit_id).distinct().where(kind.slots.c[kind.run_id].in_(runs))


_CHOSEN_RUNS: Final = select(flow_run.c.id).where(is_one_of(flow_run.c.id, "runs"))
_PARTS_OF_RUNS: Final = _parts_of_runs(_CHOSEN_RUNS)
_OF_FLOWS: Final = select(flow_run.c.id).where(is_one_of(flow_run.c.flow_id, "flows"))
_LOCKS: Final = {runs: runs.order_by(flow_run.c.id).with_for_update() for runs in (_CHOSEN_RUNS, _OF_FLOWS)}
_HELD: Final = {(runs, kind.name): _held(kind, runs) for runs in _LOCKS for kind in (FLOW_RUN, TASK_RUN)}
_RUNS: Final = delete(flow_run).where(is_one_of(flow_run.c.id, "runs"))

_LOCKED_FLOWS: Final = select(flow.c.id).where(is_one_of(flow.c.id, "flows")).order_by(flow.c.id).with_for_update()
_RUNS_OF_FLOWS: Final = (
    *_parts_of_runs(_OF_FLOWS),
    delete(flow_run).where(is_one_of(flow_run.c.flow_id, "flows")),
)
_PARTS_OF_FLOWS: Final = tuple(delete(table).where(is_one_of(table.c.flow_id, "flows")) for table in (edge, task))
_FLOWS: Final = delete(flow).where(is_one_of(flow.c.id, "flows"))

_AUTO_SCHEDULED: Final = (
    select(flow_run.c.id)
    .where(
        is_one_of(flow_run.c.flow_id, "flows"),
        flow_run.c.state == "Scheduled",
        flow_run.c.auto_scheduled.is_(True),
        flow_run.c.start_time.is_(None),
    )
    .order_by(flow_run.c.id)
    .with_for_update()
)
