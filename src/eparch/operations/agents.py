"""Agents and their configs: who asks for runs.

In charge of registering them; not in charge of handing out runs (`queue`) nor of judging who is healthy (clients do, by
`last_queried`).
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.tables import agent, agent_config
from eparch.database.transactions import Transaction
from eparch.database.types import encode_json
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.tenancy import tenant_of

# An agent that registers anew is alive, and may have been given another config.
_KEPT: Final = (
    "ON CONFLICT (tenant_id, fingerprint) DO UPDATE SET agent_config_id = excluded.agent_config_id,"
    " last_queried = excluded.last_queried, updated = excluded.updated"
)
_KNOWN: Final = select(agent.c.id).where(
    agent.c.tenant_id == bindparam("tenant"), agent.c.fingerprint == bindparam("print")
)


@operation("create:agent")
def register_agent(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Register an agent. One with the same name, type, library version and labels is the same agent."""
    tenant_id = tenant_of(principal, given)
    labels = sorted(set(given.get("labels") or ()))
    config_id = given.get("agent_config_id")
    if config_id is not None and tx.row(_mine(principal, config_id)) is None:
        raise NotFound(f"Invalid agent config ID {config_id}: there is no such agent config.")
    fingerprint = agent_fingerprint(given.get("name"), given["type"], principal.core_version, labels)
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": tenant_id,
        "agent_config_id": config_id,
        "name": given.get("name"),
        "type": given["type"],
        "core_version": principal.core_version,
        "labels": labels,
        "last_queried": now,
        "fingerprint": fingerprint,
    }
    insert_rows(tx, agent, [row], on_conflict=_KEPT)
    return {"id": tx.scalar(_KNOWN, {"tenant": tenant_id, "print": fingerprint})}


@operation("delete:agent")
def delete_agent(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete an agent. The runs that it took stay."""
    statement = delete(agent).where(agent.c.id == given["agent_id"], agent.c.tenant_id == principal.tenant_id)
    return {"success": tx.execute(statement).rowcount > 0}


@operation("create:agent")
def create_agent_config(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Make a config that agents may be started with."""
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": tenant_of(principal, given),
        "name": given.get("name"),
        "settings": _checked_settings(given.get("settings")) or {},
    }
    insert_rows(tx, agent_config, [row])
    return {"id": row["id"]}


@operation("update:agent")
def update_agent_config(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Change name or settings of a config; what is null or not given stays. Settings are replaced as a whole."""
    wanted = {"name": given.get("name"), "settings": _checked_settings(given.get("settings"))}
    values: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    statement = (
        update(agent_config)
        .where(agent_config.c.id == given["agent_config_id"], agent_config.c.tenant_id == principal.tenant_id)
        .values(updated=now, **values)
    )
    return {"success": tx.execute(statement).rowcount > 0}


@operation("delete:agent")
def delete_agent_config(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a config. The agents that had it stay, without one."""
    statement = delete(agent_config).where(
        agent_config.c.id == given["agent_config_id"], agent_config.c.tenant_id == principal.tenant_id
    )
    return {"success": tx.execute(statement).rowcount > 0}


def agent_fingerprint(name: str | None, kind: str, core_version: str | None, labels: Sequence[str]) -> str:
    """Return a digest of what makes two registrations one agent. Null and any text differ.

    Stored in databases, so it must never change for the same arguments.
    """
    return hashlib.sha256(encode_json([name, kind, core_version, sorted(labels)]).encode()).hexdigest()


def _mine(principal: Principal, config_id: str) -> Any:
    return select(agent_config.c.id).where(
        agent_config.c.id == config_id, agent_config.c.tenant_id == principal.tenant_id
    )


def _checked_settings(settings: Any) -> dict[str, Any] | None:
    if settings is not None and not isinstance(settings, dict):
        raise BadInput("The settings of an agent config must be a JSON object.")
    return settings
