"""Flow groups: what all versions of a flow have in common.

In charge of labels, run config, default parameters, description and schedule of a group; not in charge of the flows.
Whatever is set here comes before what the flow itself says.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.database.tables import flow, flow_group
from eparch.database.transactions import Transaction
from eparch.operations.deletion import delete_flows
from eparch.operations.locks import lock_flow_group
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.schedule_previews import given_schedule
from eparch.operations.schedule_runs import forget_schedules, refresh_flow_runs, schedule_flow_runs
from eparch.operations.schedules import check_schedules


@operation("delete:flow")
def delete_flow_group(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a flow group with all versions of its flow and their runs."""
    group = lock_flow_group(tx, principal.tenant_id, given["flow_group_id"])
    if group is None:
        return {"success": False}
    delete_flows(tx, _flow_ids(tx, group.id), now)
    tx.execute(delete(flow_group).where(flow_group.c.id == group.id))
    return {"success": True}


@operation("update:flow")
def set_flow_group_description(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set the description; null or none at all clears it."""
    return {"success": _change(tx, principal, given, now, description=given.get("description"))}


@operation("update:flow")
def set_flow_group_labels(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set the labels of new runs: null leaves them to the flow, an empty list means none."""
    labels = given.get("labels")
    return {"success": _redefine(tx, principal, given, now, labels=None if labels is None else sorted(set(labels)))}


@operation("update:flow")
def set_flow_group_run_config(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set the run config of new runs; null leaves it to the flow."""
    run_config = given.get("run_config")
    if run_config is not None and not isinstance(run_config, dict):
        raise BadInput("A run config must be a JSON object, or null.")
    return {"success": _redefine(tx, principal, given, now, run_config=run_config)}


@operation("update:flow")
def set_flow_group_default_parameters(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Replace the default parameters of new runs."""
    parameters = given["parameters"]
    if not isinstance(parameters, dict):
        raise BadInput("Default parameters must be a JSON object.", hint="an empty object clears them")
    return {"success": _redefine(tx, principal, given, now, default_parameters=parameters)}


@operation("update:flow")
def set_flow_group_schedule(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set the schedule of the group, which hides the flow's own; runs of the schedule before it are replaced."""
    return {"success": _reschedule(tx, principal, given, now, given_schedule(given, now))}


@operation("update:flow")
def delete_flow_group_schedule(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete the schedule of the group; the flow's own counts again."""
    return {"success": _reschedule(tx, principal, given, now, None)}


@operation("update:flow")
def set_flow_group_schedule_policies(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set what becomes of missed instants, of runs that overlap, and of times that a daylight-saving change moves.

    What is not given stays as it is. It holds at once for runs that are made already and not due yet.
    """
    names = ("misfire_policy", "overlap_policy", "daylight_rule")
    values = {name: given[name] for name in names if given.get(name) is not None}
    if not values:
        raise BadInput("There is no policy to set.", hint=f"give one of {', '.join(names)}")
    if not _change(tx, principal, given, now, **values):
        return {"success": False}
    flow_ids = _flow_ids(tx, given["flow_group_id"])
    if "daylight_rule" in values:
        # Other instants: the runs are made anew.
        forget_schedules(tx, flow_ids, now)
        schedule_flow_runs(tx, flow_ids, now)
    else:
        refresh_flow_runs(tx, flow_ids, now)
    return {"success": True}


def _redefine(tx: Transaction, principal: Principal, given: Input, now: datetime, **values: Any) -> bool:
    """Change what new runs get, those of a schedule that are made already and not due yet included."""
    if not _change(tx, principal, given, now, **values):
        return False
    refresh_flow_runs(tx, _flow_ids(tx, given["flow_group_id"]), now)
    return True


def _reschedule(
    tx: Transaction, principal: Principal, given: Input, now: datetime, schedule: dict[str, object] | None
) -> bool:
    if not _change(tx, principal, given, now, schedule=schedule):
        return False
    flow_ids = _flow_ids(tx, given["flow_group_id"])
    if schedule is not None:
        check_schedules(tx, flow_ids)
    forget_schedules(tx, flow_ids, now)
    schedule_flow_runs(tx, flow_ids, now)
    return True


def _change(tx: Transaction, principal: Principal, given: Input, now: datetime, **values: Any) -> bool:
    group_id = given["flow_group_id"]
    if not group_id:
        raise BadInput("Invalid flow group ID: it is empty.")
    statement = (
        update(flow_group)
        .where(flow_group.c.id == group_id, flow_group.c.tenant_id == principal.tenant_id)
        .values(updated=now, **values)
    )
    return tx.execute(statement).rowcount > 0


def _flow_ids(tx: Transaction, flow_group_id: str) -> list[str]:
    statement = select(flow.c.id).where(flow.c.flow_group_id == flow_group_id).order_by(flow.c.id)
    return [row.id for row in tx.rows(statement)]
