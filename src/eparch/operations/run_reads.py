"""Runs read for a change of their state, locked where the database needs it.

In charge of the reads; not in charge of the changes (`state_writes`) nor of limits (`slot_lines`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, Text, case, cast, literal_column, null, or_, select, true

from eparch.core.concurrency import ASKS, state_tags
from eparch.core.transitions import NewState, RunNow
from eparch.database.bulk import holds, is_one_of, listed
from eparch.database.tables import (
    flow,
    flow_concurrency_limit,
    flow_group,
    flow_run,
    task,
    task_concurrency_limit,
    task_run,
)
from eparch.database.transactions import Transaction
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.slot_lines import load_slots
from eparch.operations.slots import Slots


@dataclass(frozen=True, slots=True)
class Known:
    """A run as read for a change.

    Attributes:
        tenant_id: whose it is.
        row: what the rules need to know.
        carried: its present state as JSON text if that holds cached inputs, which the next state inherits; else None.
        has_task_runs: for a flow run, whether its task runs have been made.
        is_version_locked: whether a caller must know the run's version, by the settings of the flow's group.
        flow_run_version: for a task run the version of its flow run.
        due: for a flow run the instant that it waits for; None once it has left the queue.
        document: its present state, and `waits_until` the start time of that; known of runs that limits apply to.
    """

    id: str
    tenant_id: str
    row: RunNow
    carried: str | None = None
    has_task_runs: bool = True
    is_version_locked: bool = False
    flow_run_version: int | None = None
    due: datetime | None = None
    document: Mapping[str, Any] | None = None
    waits_until: datetime | None = None


def read_runs(
    tx: Transaction,
    kind: Kind,
    run_ids: Iterable[str],
    now: datetime,
    *,
    entering: Iterable[tuple[str, NewState]] = (),
    reads_locks: bool = False,
) -> tuple[dict[str, Known], Slots | None]:
    """Return the runs among `run_ids` that exist, by id, and the limits that concern them; None where none does.

    On PostgreSQL they are locked, in the order of their ids. Before its task runs a flow run is locked against change,
    so that it cannot be cancelled between look and leap; SQLite's only writer needs no locks. Runs to which no
    concurrency limit applies cost nothing more.

    Args:
        entering: what the runs are to enter, where that may be a state that takes slots of concurrency limits.
        reads_locks: whether to find out which runs are under version locking; needed where a caller says a version.
    """
    ids = listed(set(run_ids))
    if tx.is_postgresql and not kind.is_flow_run:
        tx.rows(_THEIR_FLOW_RUNS, {"ids": ids})
    asking = {run_id: new for run_id, new in entering if new.name in ASKS}
    tags = {} if kind.is_flow_run else {run_id: state_tags(new.document) for run_id, new in asking.items()}
    bound = {"ids": ids, "tags": listed(frozenset().union(*filter(None, tags.values())))} if asking else {"ids": ids}
    rows = tx.rows(_RUNS[kind.name, bool(asking)], bound)
    locked: dict[str, int] = {}
    if reads_locks:
        statement = _LOCKED_FLOW_RUNS if kind.is_flow_run else _LOCKED_TASK_RUNS
        locked = {row.id: row.flow_run_version for row in tx.rows(statement, {"ids": ids})}
    limited = [row.id for row in rows if row.id in asking and row.is_limited]
    marked = [row.id for row in rows if row.has_slots]
    slots = None
    if limited or marked:
        slots = load_slots(tx, kind, now, asking={run_id: tags.get(run_id) for run_id in limited}, marked=marked)
    askers = {} if slots is None else slots.askers
    known = {
        row.id: Known(
            row.id,
            row.tenant_id,
            RunNow(row.state, row.version, row.start_time, row.end_time, row.flow_run_state),
            row.carried,
            row.has_task_runs,
            is_version_locked=row.id in locked,
            flow_run_version=locked.get(row.id),
            due=row.due,
            document=askers[row.id].document if row.id in askers else None,
            waits_until=askers[row.id].waits_until if row.id in askers else None,
        )
        for row in rows
    }
    return known, slots


def _for_change(runs: Table) -> Select[Any]:
    serialized = cast(runs.c.serialized_state, Text)
    # Few states hold cached inputs; the others' documents need not be read at all.
    carried = case((serialized.like('%"cached_inputs":{"%'), serialized)).label("carried")
    columns = (runs.c.id, runs.c.tenant_id, runs.c.state, runs.c.version, runs.c.start_time, runs.c.end_time)
    return select(*columns, carried).where(is_one_of(runs.c.id, "ids")).order_by(runs.c.id)


_THEIR_FLOW_RUNS: Final = (
    select(flow_run.c.id)
    .where(flow_run.c.id.in_(select(task_run.c.flow_run_id).where(is_one_of(task_run.c.id, "ids"))))
    .order_by(flow_run.c.id)
    .with_for_update(read=True)
)
_FLOW_RUNS: Final = (
    _for_change(flow_run)
    .add_columns(
        flow_run.c.has_task_runs,
        flow_run.c.has_slots,
        null().label("flow_run_state"),
        flow_run.c.state_start_time.label("due"),
    )
    .with_for_update(of=flow_run)
)
_TASK_RUNS: Final = (
    _for_change(task_run)
    .add_columns(
        true().label("has_task_runs"),
        task_run.c.has_slots,
        flow_run.c.state.label("flow_run_state"),
        null().label("due"),
    )
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .with_for_update(of=task_run)
)


def _limits_of(kind: Kind, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    limits, runs = kind.limits, kind.runs
    applies = (limits.c.tenant_id == runs.c.tenant_id, or_(*conditions))
    return select(limits.c.id).where(*applies).correlate(runs).exists().label("is_limited")


# Where a tenant has no limits, this is one look into an index. Tags are those that some client of the batch has named,
# or those that the task was registered with; `load_slots` looks closely.
_TAGS: Final = select(task.c.tags).where(task.c.id == task_run.c.task_id).correlate(task_run).scalar_subquery()
_RUNS: Final = {
    (FLOW_RUN.name, False): _FLOW_RUNS,
    (TASK_RUN.name, False): _TASK_RUNS,
    (FLOW_RUN.name, True): _FLOW_RUNS.add_columns(
        _limits_of(FLOW_RUN, holds(flow_run.c.labels, flow_concurrency_limit.c.name))
    ),
    (TASK_RUN.name, True): _TASK_RUNS.add_columns(
        _limits_of(
            TASK_RUN,
            is_one_of(task_concurrency_limit.c.name, "tags"),
            holds(_TAGS, task_concurrency_limit.c.name),
        )
    ),
}

# `->>` gives true as 1 on SQLite and as text on PostgreSQL.
_IS_LOCKED = cast(flow_group.c.settings.op("->>")(literal_column("'version_locking_enabled'")), Text).in_(["1", "true"])
_LOCKED_FLOW_RUNS: Final = (
    select(flow_run.c.id, flow_run.c.version.label("flow_run_version"))
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .where(is_one_of(flow_run.c.id, "ids"), _IS_LOCKED)
)
_LOCKED_TASK_RUNS: Final = (
    select(task_run.c.id, flow_run.c.version.label("flow_run_version"))
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .where(is_one_of(task_run.c.id, "ids"), _IS_LOCKED)
)
