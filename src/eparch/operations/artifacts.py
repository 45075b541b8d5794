"""Artifacts: links, texts and tables that a task run leaves for people.

In charge of storing them; not in charge of showing them.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import delete, select, update

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.tables import task_run, task_run_artifact
from eparch.database.transactions import Transaction
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation

DATA_BYTES_MAX: Final = 1_000_000


@operation("update:run")
def create_task_run_artifact(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Add an artifact to a task run."""
    if given.get("tenant_id") not in (None, principal.tenant_id):
        raise BadInput(f"Invalid tenant ID {given['tenant_id']}: it is not the tenant of the task run.")
    if not given["kind"]:
        raise BadInput("Invalid kind: the kind of an artifact cannot be empty.")
    data = _checked_data(given["data"])
    mine = select(task_run.c.id).where(
        task_run.c.id == given["task_run_id"], task_run.c.tenant_id == principal.tenant_id
    )
    if tx.row(mine) is None:
        raise NotFound(f"Task run {given['task_run_id']} was not found.")
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": principal.tenant_id,
        "task_run_id": given["task_run_id"],
        "kind": given["kind"],
        "data": data,
    }
    insert_rows(tx, task_run_artifact, [row])
    return {"id": row["id"]}


@operation("update:run")
def update_task_run_artifact(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Replace the data of an artifact."""
    statement = update(task_run_artifact).where(*_mine(principal, given))
    return {"success": tx.execute(statement.values(data=_checked_data(given["data"]), updated=now)).rowcount > 0}


@operation("update:run")
def delete_task_run_artifact(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete an artifact."""
    return {"success": tx.execute(delete(task_run_artifact).where(*_mine(principal, given))).rowcount > 0}


def _mine(principal: Principal, given: Input) -> tuple[Any, ...]:
    return (
        task_run_artifact.c.id == given["task_run_artifact_id"],
        task_run_artifact.c.tenant_id == principal.tenant_id,
    )


def _checked_data(data: Any) -> msgspec.Raw:
    """Return data as JSON text, which is made once for measuring and storing.

    Raises:
        BadInput: it is null, or too large.
    """
    if data is None:
        raise BadInput("The data of an artifact cannot be null.")
    encoded = msgspec.json.encode(data)
    if len(encoded) > DATA_BYTES_MAX:
        raise BadInput(
            f"The data of an artifact exceed the limit: {len(encoded)} bytes, at most {DATA_BYTES_MAX} are taken.",
            hint="store them elsewhere and leave a link",
        )
    return msgspec.Raw(encoded)
