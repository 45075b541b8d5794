"""Projects: the folders that flows are registered in.

In charge of making, changing and deleting projects; not in charge of their flows (`registration`, `flows`).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.tables import flow, project
from eparch.database.transactions import Transaction
from eparch.operations.deletion import delete_flows
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.tenancy import tenant_of


@operation("create:project")
def create_project(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Make a project; its name is unique within the tenant."""
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": tenant_of(principal, given),
        "name": _checked_name(given["name"]),
        "description": given.get("description"),
    }
    insert_rows(tx, project, [row])
    return {"id": row["id"]}


@operation("update:project")
def set_project_name(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Change the name of a project."""
    return _changed(tx, principal, given, now, name=_checked_name(given["name"]))


@operation("update:project")
def set_project_description(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Change the description of a project; null or none at all clears it."""
    return _changed(tx, principal, given, now, description=given.get("description"))


@operation("delete:project")
def delete_project(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a project with its flows and their runs."""
    mine = select(project.c.id).where(project.c.id == given["project_id"], project.c.tenant_id == principal.tenant_id)
    if tx.row(mine.with_for_update()) is None:
        return {"success": False}
    flows = select(flow.c.id).where(flow.c.project_id == given["project_id"])
    delete_flows(tx, [row.id for row in tx.rows(flows)], now)
    tx.execute(delete(project).where(project.c.id == given["project_id"]))
    return {"success": True}


def _changed(tx: Transaction, principal: Principal, given: Input, now: datetime, **values: Any) -> Payload:
    statement = (
        update(project)
        .where(project.c.id == given["project_id"], project.c.tenant_id == principal.tenant_id)
        .values(updated=now, **values)
    )
    if tx.execute(statement).rowcount == 0:
        raise NotFound(f"Update failed: there is no project {given['project_id']}.")
    return {"id": given["project_id"]}


def _checked_name(name: str) -> str:
    if not name:
        raise BadInput("Invalid name: the name of a project cannot be empty.")
    return name
