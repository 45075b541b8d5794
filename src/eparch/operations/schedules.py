"""Schedules switched on and off.

In charge of the switch and of what must hold before it is on; not in charge of the runs (`schedule_runs`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam

from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.core.run_defaults import unfilled_parameters
from eparch.core.schedules import ScheduleError, parse_schedule
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import flow
from eparch.database.transactions import Transaction
from eparch.operations.locks import lock_flow
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.schedule_runs import forget_schedules, schedule_flow_runs
from eparch.operations.scheduled_flows import ACTIVE, SCHEDULED, defaults_of, document_of


@operation("create:run")
def set_schedule_active(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Switch the schedule of a flow on and make its next runs."""
    row = lock_flow(tx, principal.tenant_id, given["flow_id"])
    return {"success": row is not None and activate(tx, row.id, now)}


@operation("delete:run")
def set_schedule_inactive(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Switch the schedule of a flow off and delete the runs that it has made and that have not begun."""
    row = lock_flow(tx, principal.tenant_id, given["flow_id"])
    if row is None:
        return {"success": False}
    if row.is_schedule_active:
        tx.execute(flow.update().where(flow.c.id == row.id).values(is_schedule_active=False, updated=now))
    forget_schedules(tx, [row.id], now)
    return {"success": True}


def activate(tx: Transaction, flow_id: str, now: datetime) -> bool:
    """Switch the schedule of a locked flow on and make its next runs; return False where it has no schedule.

    An archived flow is switched on too, for the day when it is unarchived, and gets no runs.

    Raises:
        BadInput: the schedule cannot be carried out, or a clock does not give a required parameter. Nothing is changed.
    """
    row = tx.row(_ONE, {"flow": flow_id})
    if row is None:
        return False
    _check(row)
    if not row.is_schedule_active:
        tx.execute(flow.update().where(flow.c.id == flow_id).values(is_schedule_active=True, updated=now))
    schedule_flow_runs(tx, [flow_id], now)
    return True


def check_schedules(tx: Transaction, flow_ids: Sequence[str]) -> None:
    """Do nothing, or raise if the active schedule of a flow among `flow_ids` cannot be carried out.

    Raises:
        BadInput: its clocks do not give a required parameter, or the schedule is not one.
    """
    for row in tx.rows(ACTIVE.where(is_one_of(flow.c.id, "flows")), {"flows": listed(flow_ids)}):
        _check(row)


def _check(row: Row[Any]) -> None:
    try:
        clocks = parse_schedule(document_of(row)).clocks
    except ScheduleError as error:
        raise BadInput(f"The schedule of flow {row.id} cannot be carried out: {error}.") from error
    needed = unfilled_parameters(defaults_of(row))
    missing = sorted({name for clock in clocks for name in needed - clock.parameter_defaults.keys()})
    if missing:
        raise BadInput(
            f"Flow {row.id} has required parameters that its schedule does not give: {', '.join(missing)}.",
            hint="give them in every clock, or as default parameters of the flow group",
            detail={"parameters": missing},
        )


_ONE: Final = SCHEDULED.where(flow.c.id == bindparam("flow"))
