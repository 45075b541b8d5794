"""Registration: a serialized flow becomes a version of a flow.

In charge of versions, groups and idempotency keys; not in charge of reading the document (`core.flow_documents`) nor of
its tasks and edges (`task_graphs`).
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, select, update

from eparch.core.errors import BadInput, NotFound
from eparch.core.flow_documents import FlowDocument, decompressed, read_flow
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.tables import flow, flow_group
from eparch.database.transactions import Transaction
from eparch.operations.archiving import archive_other_versions
from eparch.operations.identity import new_id
from eparch.operations.locks import lock_flow_group, lock_project
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.schedules import activate
from eparch.operations.task_graphs import insert_graph

logger: Final = logging.getLogger("eparch.registration")


@operation("create:flow")
def create_flow(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Register a flow as the newest version of its group, and archive the versions before it.

    If the group's last registration had the same idempotency key and is not archived, it is returned, and nothing is
    changed.
    """
    return {"id": _register(tx, principal, given, given["serialized_flow"], now)}


@operation("create:flow")
def create_flow_from_compressed_string(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Do the same with a flow that is base64 of gzip of JSON."""
    return {"id": _register(tx, principal, given, decompressed(given["serialized_flow"]), now)}


def _register(tx: Transaction, principal: Principal, given: Input, serialized: Any, now: datetime) -> str:
    document = read_flow(serialized)
    # Two first registrations of one name at once must find each other, or each would make a group.
    if not lock_project(tx, principal.tenant_id, given["project_id"]):
        raise NotFound(f"Invalid project: there is no project {given['project_id']}.")
    name = given.get("version_group_id") or _version_group(tx, given["project_id"], document.name)
    key = given.get("idempotency_key") or None
    group = _group(tx, principal.tenant_id, name, key, now)
    earlier = _repeated(tx, group, key)
    if earlier is not None:
        return earlier
    if group.settings.get("idempotency_key") != key:
        settings = {**group.settings, "idempotency_key": key}
        tx.execute(update(flow_group).where(flow_group.c.id == group.id).values(settings=settings, updated=now))
    version = (tx.scalar(_NEWEST_VERSION, {"group": group.id}) or 0) + 1
    row = _row(principal.tenant_id, group.id, name, version, document, serialized, given, now)
    insert_rows(tx, flow, [row])
    insert_graph(tx, principal.tenant_id, row["id"], document, now)
    archive_other_versions(tx, principal.tenant_id, group.id, row["id"], now)
    if given.get("set_schedule_active") is not False:
        _try_to_activate(tx, row["id"], now)
    flow_id: str = row["id"]
    return flow_id


def _version_group(tx: Transaction, project_id: str, flow_name: str) -> str:
    """Return the group of the project's last flow of that name, a new one if there has been none."""
    name: str | None = tx.scalar(_LAST_OF_NAME, {"project": project_id, "flow_name": flow_name})
    return name or new_id()


def _group(tx: Transaction, tenant_id: str, name: str, key: str | None, now: datetime) -> Row[Any]:
    """Return the locked flow group of that name, made if it is not there."""
    group_id = tx.scalar(_GROUP_ID, {"tenant": tenant_id, "group_name": name})
    if group_id is None:
        settings = {
            "heartbeat_enabled": True,
            "lazarus_enabled": True,
            "version_locking_enabled": False,
            "idempotency_key": key,
        }
        row = {
            "id": new_id(),
            "created": now,
            "updated": now,
            "tenant_id": tenant_id,
            "name": name,
            "settings": settings,
            "default_parameters": {},
        }
        # Whoever is second waits here until the first is done, and then takes the first's group.
        insert_rows(tx, flow_group, [row], on_conflict="ON CONFLICT (tenant_id, name) DO NOTHING")
        group_id = tx.scalar(_GROUP_ID, {"tenant": tenant_id, "group_name": name})
    group = lock_flow_group(tx, tenant_id, group_id)
    if group is None:
        raise NotFound(f"Flow group {name} was deleted during the registration.", hint="register the flow again")
    return group


def _repeated(tx: Transaction, group: Row[Any], key: str | None) -> str | None:
    """Return the flow that the last registration with the same key has made, if it is not archived."""
    if key is None or group.settings.get("idempotency_key") != key:
        return None
    flow_id: str | None = tx.scalar(_CURRENT, {"group": group.id})
    return flow_id


def _row(
    tenant_id: str,
    group_id: str,
    group_name: str,
    version: int,
    document: FlowDocument,
    serialized: Mapping[str, Any],
    given: Input,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": tenant_id,
        "project_id": given["project_id"],
        "flow_group_id": group_id,
        "name": document.name,
        "description": given.get("description"),
        "version": version,
        "version_group_id": group_name,
        "archived": False,
        "core_version": document.core_version,
        "environment": document.environment,
        "run_config": document.run_config,
        "storage": document.storage,
        "parameters": document.parameters,
        "schedule": document.schedule,
        "is_schedule_active": False,
        "serialized_flow": serialized,
        "settings": {},
    }


def _try_to_activate(tx: Transaction, flow_id: str, now: datetime) -> None:
    try:
        activate(tx, flow_id, now)
    except BadInput as error:
        # The flow is good for runs with parameters of their own, so its registration stands.
        logger.warning("Flow %s is registered with its schedule switched off: %s", flow_id, error)


_LAST_OF_NAME: Final = (
    select(flow.c.version_group_id)
    .where(flow.c.project_id == bindparam("project"), flow.c.name == bindparam("flow_name"))
    .order_by(flow.c.created.desc(), flow.c.id.desc())
    .limit(1)
)
_GROUP_ID: Final = select(flow_group.c.id).where(
    flow_group.c.tenant_id == bindparam("tenant"), flow_group.c.name == bindparam("group_name")
)
_NEWEST_VERSION: Final = select(func.max(flow.c.version)).where(flow.c.flow_group_id == bindparam("group"))
_CURRENT: Final = (
    select(flow.c.id)
    .where(flow.c.flow_group_id == bindparam("group"), flow.c.archived.is_(False))
    .order_by(flow.c.version.desc())
    .limit(1)
)
