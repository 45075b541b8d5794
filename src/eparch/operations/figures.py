"""What the database says about the whole installation, for the metrics.

In charge of questions whose cost grows with the work that is under way, not with history: each is answered from a
partial index, and looks at `ROWS_MAX` of its entries at the most. What has ended is counted while it happens
(`database.figures.Notes`), as counting it here would read every run there ever was.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, bindparam, false, func, select, true

from eparch.core.states import QUEUEABLE, RUNNING
from eparch.database.tables import flow, flow_run, service_lease, task_run, tenant
from eparch.database.tables._columns import in_states, is_held
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp

ROWS_MAX: Final = 200_000
"""How many entries of an index one question looks at; a figure that has reached it means "at least so many"."""


@dataclass(frozen=True, slots=True)
class Installation:
    """How an installation is doing.

    Attributes:
        flow_runs: how many flow runs are in each state that is not an end.
        task_runs: how many task runs run, or wait for an instant, by state.
        due_count: how many flow runs are due and have not been taken.
        oldest_due_s: for how long the first of them has been due; 0 where there is none.
        schedules: how many flows have an active schedule.
        last_passes: when each service last made a pass, on whichever server.
        size_bytes: how large the database is.
    """

    flow_runs: Mapping[str, int]
    task_runs: Mapping[str, int]
    due_count: int
    oldest_due_s: float
    schedules: int
    last_passes: Mapping[str, datetime]
    size_bytes: int


def installation(tx: Transaction, now: datetime) -> Installation:
    """Ask all of it."""
    due = tx.row(_DUE, {"now": now})
    assert due is not None
    return Installation(
        flow_runs=_counts(tx, _FLOW_RUNS),
        task_runs=_counts(tx, _TASK_RUNS),
        due_count=due.runs,
        oldest_due_s=0.0 if due.oldest is None else max(0.0, (now - due.oldest).total_seconds()),
        schedules=tx.scalar(_SCHEDULES),
        last_passes={row.name: row.last_pass for row in tx.rows(_PASSES)},
        size_bytes=size_bytes(tx),
    )


def size_bytes(tx: Transaction) -> int:
    """Return how large the database is, with its indexes."""
    if tx.is_postgresql:
        size: int = tx.connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
        return size
    pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    page_bytes = tx.connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return int(pages) * int(page_bytes)


def _counts(tx: Transaction, statements: Mapping[str, Select[Any]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for statement in statements.values():
        counts.update({row.state: row.runs for row in tx.rows(statement)})
    return dict(counts)


def _by_state(table: Table, index: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    # SQLite would rather read the whole table than an index of which it needs everything.
    rows = select(table.c.state).where(*conditions).with_hint(table, f"INDEXED BY {index}", "sqlite")
    some = rows.limit(ROWS_MAX).subquery("some")
    return select(some.c.state, func.count().label("runs")).group_by(some.c.state)


_FLOW_RUNS: Final = {
    "queue": _by_state(flow_run, "ix_flow_run_queue", in_states(flow_run, QUEUEABLE), flow_run.c.held_by.is_(None)),
    "held": _by_state(flow_run, "ix_flow_run_held", is_held()),
    "active": _by_state(flow_run, "ix_flow_run_active", in_states(flow_run, RUNNING | {"Submitted"})),
}
_TASK_RUNS: Final = {
    "queue": _by_state(task_run, "ix_task_run_queue", in_states(task_run, QUEUEABLE)),
    "active": _by_state(task_run, "ix_task_run_active", in_states(task_run, RUNNING)),
}

# Tenant by tenant, as the index of the queue begins with it.
_DUE_RUNS = (
    select(flow_run.c.state_start_time.label("due"))
    .select_from(tenant)
    .join(flow_run, flow_run.c.tenant_id == tenant.c.id)
    .where(
        in_states(flow_run, QUEUEABLE),
        flow_run.c.held_by.is_(None),
        flow_run.c.state_start_time <= bindparam("now", type_=Timestamp()),
    )
    .limit(ROWS_MAX)
    .subquery("due_runs")
)
_DUE: Final = select(func.count().label("runs"), func.min(_DUE_RUNS.c.due, type_=Timestamp()).label("oldest"))
_SCHEDULES: Final = select(func.count()).where(flow.c.is_schedule_active == true(), flow.c.archived == false())
_PASSES: Final = select(service_lease.c.name, service_lease.c.last_pass).where(service_lease.c.last_pass.is_not(None))
