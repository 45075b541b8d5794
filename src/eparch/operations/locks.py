"""Locks on what several servers may change at once.

In charge of the order in which they are taken: project, flow group, flow, flow runs by id. Transactions that keep to it
never wait for each other in a circle. On SQLite, whose only writer is alone, these are plain look-ups.
"""

from typing import Any, Final

from sqlalchemy import Row, bindparam, select

from eparch.database.tables import flow, flow_group, project
from eparch.database.transactions import Transaction

# FOR NO KEY UPDATE: rows that refer to the locked one (a new run of a flow) may still be inserted.
_PROJECT: Final = (
    select(project.c.id)
    .where(project.c.id == bindparam("locked"), project.c.tenant_id == bindparam("tenant"))
    .with_for_update(key_share=True)
)
_GROUP: Final = (
    select(flow_group.c.id, flow_group.c.settings)
    .where(flow_group.c.id == bindparam("locked"), flow_group.c.tenant_id == bindparam("tenant"))
    .with_for_update(key_share=True)
)
_FLOW: Final = (
    select(flow.c.id, flow.c.flow_group_id, flow.c.project_id, flow.c.archived, flow.c.is_schedule_active)
    .where(flow.c.id == bindparam("locked"), flow.c.tenant_id == bindparam("tenant"))
    .with_for_update(key_share=True)
)
_GROUP_OF_FLOW: Final = select(flow.c.flow_group_id).where(
    flow.c.id == bindparam("locked"), flow.c.tenant_id == bindparam("tenant")
)


def lock_project(tx: Transaction, tenant_id: str, project_id: str) -> bool:
    """Lock a project against other registrations; return False if the tenant has none of that id."""
    return tx.row(_PROJECT, {"locked": project_id, "tenant": tenant_id}) is not None


def lock_flow_group(tx: Transaction, tenant_id: str, flow_group_id: str) -> Row[Any] | None:
    """Lock a flow group and return its id and settings, None if the tenant has none of that id."""
    return tx.row(_GROUP, {"locked": flow_group_id, "tenant": tenant_id})


def lock_flow(tx: Transaction, tenant_id: str, flow_id: str) -> Row[Any] | None:
    """Lock a flow and its group; return id, group, project and switches of the flow, None if it is not the tenant's."""
    bound = {"locked": flow_id, "tenant": tenant_id}
    if tx.is_postgresql:
        flow_group_id = tx.scalar(_GROUP_OF_FLOW, bound)
        if flow_group_id is None:
            return None
        lock_flow_group(tx, tenant_id, flow_group_id)
    return tx.row(_FLOW, bound)
