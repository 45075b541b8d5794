"""Questions that a function answers, and not a table.

In charge of what needs the database; `hello`, `api` and `reference_data` need none (`graphql`).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select

from eparch.core.principals import Principal
from eparch.database.tables import task_run
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.registry import Input, Payload, operation


@operation("read:run", is_read=True, tables=[task_run])
def mapped_children(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return how the children of a mapped task run are doing; nulls and nothing where it has none."""
    rows = tx.rows(_CHILDREN, {"parent": given["task_run_id"], "tenant": principal.tenant_id})
    starts = [row.min_start_time for row in rows if row.min_start_time is not None]
    ends = [row.max_end_time for row in rows if row.max_end_time is not None]
    return {
        "min_start_time": min(starts, default=None),
        "max_end_time": max(ends, default=None),
        "state_counts": {row.state: row.children for row in rows if row.state is not None},
    }


_parent = task_run.alias("parent")

_CHILDREN: Final = (
    select(
        task_run.c.state,
        func.count().label("children"),
        func.min(task_run.c.start_time, type_=Timestamp()).label("min_start_time"),
        func.max(task_run.c.end_time, type_=Timestamp()).label("max_end_time"),
    )
    .join(_parent, (_parent.c.flow_run_id == task_run.c.flow_run_id) & (_parent.c.task_id == task_run.c.task_id))
    .where(
        _parent.c.id == bindparam("parent"),
        _parent.c.tenant_id == bindparam("tenant"),
        _parent.c.map_index < 0,
        task_run.c.map_index >= 0,
    )
    .group_by(task_run.c.state)
    .order_by(task_run.c.state)
)
