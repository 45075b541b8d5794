"""Flows that are registered: moved, set up, deleted.

In charge of one version of a flow at a time, and of the switches in its group's settings; not in charge of registering
(`registration`), archiving (`archiving`) nor schedules (`schedules`).
"""

from datetime import datetime

from sqlalchemy import select, update

from eparch.core.errors import NotFound
from eparch.core.principals import Principal
from eparch.database.tables import flow, flow_group, project
from eparch.database.transactions import Transaction
from eparch.operations.deletion import delete_flows
from eparch.operations.locks import lock_flow, lock_flow_group
from eparch.operations.registry import Input, Payload, operation


@operation("delete:flow")
def delete_flow(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a version of a flow with its runs. Its group stays."""
    mine = select(flow.c.id).where(flow.c.id == given["flow_id"], flow.c.tenant_id == principal.tenant_id)
    return {"success": delete_flows(tx, [row.id for row in tx.rows(mine)], now) > 0}


@operation("update:flow")
def update_flow_project(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Move one version of a flow to another project of the same tenant."""
    target = select(project.c.id).where(project.c.id == given["project_id"], project.c.tenant_id == principal.tenant_id)
    row = lock_flow(tx, principal.tenant_id, given["flow_id"]) if tx.row(target) else None
    if row is None:
        raise NotFound(
            f"Invalid flow or project ID: there is no flow {given['flow_id']} or no project {given['project_id']}."
        )
    if row.project_id != given["project_id"]:
        tx.execute(update(flow).where(flow.c.id == row.id).values(project_id=given["project_id"], updated=now))
    return {"id": row.id}


@operation("update:flow")
def enable_flow_heartbeat(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Let runs of a flow, in all its versions, send heartbeats, and fail when these stay away."""
    return _set(tx, principal, given, now, heartbeat_enabled=True, disable_heartbeat=False)


@operation("update:flow")
def disable_flow_heartbeat(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Let runs of a flow, in all its versions, do without heartbeats."""
    return _set(tx, principal, given, now, heartbeat_enabled=False, disable_heartbeat=True)


@operation("update:flow")
def enable_flow_lazarus_process(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Let Lazarus resurrect runs of a flow, in all its versions."""
    return _set(tx, principal, given, now, lazarus_enabled=True)


@operation("update:flow")
def disable_flow_lazarus_process(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Keep Lazarus from runs of a flow, in all its versions."""
    return _set(tx, principal, given, now, lazarus_enabled=False)


@operation("update:flow")
def enable_flow_version_lock(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Refuse changes of state by callers that say another version of the run than it has: nothing runs twice."""
    return _set(tx, principal, given, now, version_locking_enabled=True)


@operation("update:flow")
def disable_flow_version_lock(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Take changes of state whatever version their caller says."""
    return _set(tx, principal, given, now, version_locking_enabled=False)


def _set(tx: Transaction, principal: Principal, given: Input, now: datetime, **switches: bool) -> Payload:
    row = lock_flow(tx, principal.tenant_id, given["flow_id"])
    if row is None:
        raise NotFound(f"Invalid flow ID {given['flow_id']}: there is no such flow.")
    group = lock_flow_group(tx, principal.tenant_id, row.flow_group_id)
    assert group is not None, "a flow has a group of the same tenant"
    tx.execute(
        update(flow_group)
        .where(flow_group.c.id == group.id)
        .values(settings={**group.settings, **switches}, updated=now)
    )
    return {"success": True}
