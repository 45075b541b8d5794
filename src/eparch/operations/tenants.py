"""Tenants: whose everything is.

In charge of making, renaming and deleting tenants; not in charge of who may act in one (`server.authentication`).
"""

import re
import unicodedata
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.tables import flow, tenant
from eparch.database.transactions import Transaction
from eparch.operations.deletion import delete_flows
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.tenancy import tenant_of

_NAME_CHARACTERS_MAX: Final = 255

_ALL: Final = select(tenant.c.id).order_by(tenant.c.id).with_for_update()
_KNOWN: Final = select(tenant.c.settings).where(tenant.c.id == bindparam("tenant")).with_for_update()


@operation("create:tenant")
def create_tenant(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Make a tenant."""
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "name": _checked_name(given["name"]),
        "slug": _checked_slug(given["slug"]),
        "info": None,
        "settings": {},
    }
    insert_rows(tx, tenant, [row])
    return {"id": row["id"]}


@operation("delete:tenant")
def delete_tenant(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a tenant with everything that is its."""
    if given["confirm"] is not True:
        raise BadInput("A tenant is deleted with all its flows and runs only with `confirm=True`.")
    tenant_id = _own_tenant(tx, principal, given)
    if tenant_id is None:
        return {"success": False}
    # Of two that are deleted at once, one waits here for the other, and finds out.
    if [row.id for row in tx.rows(_ALL)] == [tenant_id]:
        raise BadInput(
            f"Tenant {tenant_id} is the last one: without it nobody could act here any more.",
            hint="make another tenant first, with create_tenant",
        )
    delete_flows(tx, [row.id for row in tx.rows(select(flow.c.id).where(flow.c.tenant_id == tenant_id))], now)
    return {"success": tx.execute(delete(tenant).where(tenant.c.id == tenant_id)).rowcount > 0}


@operation("update:tenant")
def update_tenant_name(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Change the name of a tenant."""
    return _changed(tx, principal, given, now, name=_checked_name(given["name"]))


@operation("update:tenant")
def update_tenant_slug(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Change the slug of a tenant, which is part of the addresses of its pages."""
    return _changed(tx, principal, given, now, slug=_checked_slug(given["slug"]))


@operation("update:tenant")
def update_tenant_settings(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Merge settings into those that a tenant has; keys that are not named stay as they are."""
    settings = given.get("settings")
    if settings is not None and not isinstance(settings, dict):
        raise BadInput("The settings of a tenant must be a JSON object.")
    tenant_id = _own_tenant(tx, principal, given)
    row = None if tenant_id is None else tx.row(_KNOWN, {"tenant": tenant_id})
    if row is None:
        raise NotFound(f"Invalid tenant id {given.get('tenant_id') or principal.tenant_id}: there is no such tenant.")
    return _changed(tx, principal, given, now, settings={**row.settings, **(settings or {})})


def slugified(text: str) -> str:
    """Return a text as a slug: lower-case letters and digits of ASCII, in words joined by single hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _changed(tx: Transaction, principal: Principal, given: Input, now: datetime, **values: Any) -> Payload:
    tenant_id = _own_tenant(tx, principal, given)
    statement = update(tenant).where(tenant.c.id == tenant_id).values(updated=now, **values)
    if tenant_id is None or tx.execute(statement).rowcount == 0:
        raise NotFound(f"Update failed: there is no tenant {given.get('tenant_id') or principal.tenant_id}.")
    return {"id": tenant_id}


def _own_tenant(tx: Transaction, principal: Principal, given: Input) -> str | None:
    """Return the tenant that the input means, None if there is none of that id.

    Raises:
        Forbidden: it is not the principal's.
    """
    named = given.get("tenant_id")
    if named is not None and named != principal.tenant_id and tx.row(_KNOWN, {"tenant": named}) is None:
        return None
    return tenant_of(principal, given)


def _checked_name(name: str) -> str:
    if not name or len(name) > _NAME_CHARACTERS_MAX:
        raise BadInput(f"Invalid name: the name of a tenant has from 1 to {_NAME_CHARACTERS_MAX} characters.")
    return name


def _checked_slug(slug: str) -> str:
    if not slug or slug != slugified(slug) or len(slug) > _NAME_CHARACTERS_MAX:
        raise BadInput(
            f'Slug must be "slugified": {slug!r} is not.',
            hint=f"use lower-case letters, digits and hyphens, such as {slugified(slug) or 'my-tenant'!r}",
        )
    return slug
