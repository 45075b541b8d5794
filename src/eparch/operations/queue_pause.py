"""Stopping the work queue of a tenant, and letting it go on.

In charge of the switch, which is a key of the tenant's settings; not in charge of the queue (`queue`).

While it is off agents are offered nothing and still count as alive; schedules go on making runs. When it is on again,
runs that have become late are offered at once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update

from eparch.core.errors import NotFound
from eparch.core.principals import Principal
from eparch.database.tables import flow_concurrency_limit, tenant
from eparch.database.transactions import Transaction
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.tenancy import tenant_of

_KEY: Final = "work_queue_paused"
_SETTINGS: Final = select(tenant.c.settings).where(tenant.c.id == bindparam("tenant"))
_LIMITS: Final = select(flow_concurrency_limit.c.id).where(flow_concurrency_limit.c.tenant_id == tenant.c.id)
_LOOK: Final = _SETTINGS.add_columns(_LIMITS.exists().label("has_limits"))


@operation("update:tenant")
def pause_tenant_work_queue(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Offer no runs to agents until `resume_tenant_work_queue`."""
    return _switch(tx, tenant_of(principal, given), now, is_paused=True)


@operation("update:tenant")
def resume_tenant_work_queue(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Offer runs to agents again, late ones first."""
    tx.announce("queue")
    return _switch(tx, tenant_of(principal, given), now, is_paused=False)


@dataclass(frozen=True, slots=True)
class TenantLook:
    """What of a tenant decides about its work queue: the switch, and whether there are limits of flow runs."""

    is_paused: bool
    has_limits: bool


def look_at_tenant(tx: Transaction, tenant_id: str) -> TenantLook:
    """Return what the work queue of a tenant depends on, in one look-up."""
    row = tx.row(_LOOK, {"tenant": tenant_id})
    if row is None:
        return TenantLook(is_paused=False, has_limits=False)
    return TenantLook(row.settings.get(_KEY) is True, bool(row.has_limits))


def _switch(tx: Transaction, tenant_id: str, now: datetime, *, is_paused: bool) -> Payload:
    row = tx.row(_SETTINGS.with_for_update(), {"tenant": tenant_id})
    if row is None:
        raise NotFound(f"There is no tenant {tenant_id}.")
    changed = {**row.settings, _KEY: is_paused}
    tx.execute(update(tenant).where(tenant.c.id == tenant_id).values(settings=changed, updated=now))
    return {"success": True}
