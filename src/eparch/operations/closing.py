"""Closing, at once, the task runs that a finished flow run has left behind.

For whoever knows that nobody carries them out any more, such as an agent that has seen the process of the run end. In
charge of that; not in charge of the rule (`core.rescue.closing`) nor of the runs of which nobody knows (`reaping`).
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.core.rescue import HAD_BEGUN, closing
from eparch.core.states import FINISHED
from eparch.database.tables import flow_run, task_run
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.rescue import carry_out
from eparch.operations.run_kinds import TASK_RUN

CLOSED_MAX: Final = 1_000
"""How many task runs are closed in one call."""


@operation("update:run")
def close_task_runs(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Close task runs of a finished flow run that had begun, each with a line in its log; return how many there were.

    At most `CLOSED_MAX`; who gets as many calls again.
    """
    bound = {"id": given["flow_run_id"], "tenant": principal.tenant_id}
    # Whoever changes a task run holds its flow run: what was on its way from the process comes before, or after.
    of = tx.row(_FLOW_RUN, bound)
    if of is None:
        raise NotFound(f"There is no flow run {given['flow_run_id']}.")
    if of.state not in FINISHED:
        raise BadInput(
            f"Flow run {of.id} is {of.state}; task runs are closed once it is finished.",
            hint="set its state first",
        )
    rows = {row.id: row for row in tx.rows(_BEGUN, bound)}
    rescues: dict[str, Any] = {run_id: closing(row.state, of.state) for run_id, row in rows.items()}
    carry_out(tx, TASK_RUN, rows, rescues, now)
    return {"closed_count": len(rescues)}


_FLOW_RUN: Final = (
    select(flow_run.c.id, flow_run.c.state)
    .where(flow_run.c.id == bindparam("id"), flow_run.c.tenant_id == bindparam("tenant"))
    .with_for_update()
)
_BEGUN: Final = (
    select(task_run.c.id, task_run.c.tenant_id, task_run.c.flow_run_id, task_run.c.state)
    .where(task_run.c.flow_run_id == bindparam("id"), in_states(task_run, HAD_BEGUN))
    .order_by(task_run.c.id)
    .limit(CLOSED_MAX)
)
