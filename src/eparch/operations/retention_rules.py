"""Rules of retention, set and taken back by those who may.

In charge of the rows of rules; not in charge of what follows from them (`retention`).
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.core.retention import KEEP_DAYS_MAX
from eparch.database.bulk import insert_rows
from eparch.database.tables import project, retention_rule
from eparch.database.transactions import Transaction
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation


@operation("update:project")
def set_retention(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Say how long things of a kind are kept: those of a project, or those of all projects without a rule of theirs."""
    days, project_id = given.get("keep_days"), _checked_project(tx, principal, given)
    if days is not None and not 1 <= days <= KEEP_DAYS_MAX:
        raise BadInput(
            f"keep_days is {days}: it is from 1 to {KEEP_DAYS_MAX}, or null.", hint="null keeps everything for ever"
        )
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": principal.tenant_id,
        "project_id": project_id,
        "kind": given["kind"],
        "keep_days": days,
    }
    target = "(tenant_id, kind) WHERE project_id IS NULL" if project_id is None else "(project_id, kind)"
    if insert_rows(tx, retention_rule, [row], on_conflict=f"ON CONFLICT {target} DO NOTHING"):
        return {"id": row["id"]}
    rule = _of(principal, project_id, given["kind"])
    tx.execute(update(retention_rule).where(*rule).values(keep_days=days, updated=now))
    found = tx.scalar(select(retention_rule.c.id).where(*rule))
    return {"id": found}


@operation("update:project")
def delete_retention(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Take a rule back: what holds for the tenant holds for the project again, or nothing for the tenant."""
    project_id = _checked_project(tx, principal, given)
    statement = delete(retention_rule).where(*_of(principal, project_id, given["kind"]))
    return {"success": tx.execute(statement).rowcount > 0}


def _of(principal: Principal, project_id: str | None, kind: str) -> tuple[Any, ...]:
    column = retention_rule.c.project_id
    return (
        retention_rule.c.tenant_id == principal.tenant_id,
        column.is_(None) if project_id is None else column == project_id,
        retention_rule.c.kind == kind,
    )


def _checked_project(tx: Transaction, principal: Principal, given: Input) -> str | None:
    project_id: str | None = given.get("project_id")
    if project_id is None:
        principal.require("update:tenant")
        return None
    if tx.row(_PROJECT, {"id": project_id, "tenant": principal.tenant_id}) is None:
        raise NotFound(f"There is no project {project_id}.", hint="`{ project { id name } }` lists them")
    return project_id


_PROJECT: Final = select(project.c.id).where(
    project.c.id == bindparam("id"), project.c.tenant_id == bindparam("tenant")
)
