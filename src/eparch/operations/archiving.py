"""Archiving: flows that are no longer run, and back.

In charge of what happens to a flow's waiting runs; not in charge of registering the version that takes its place.

`is_schedule_active` is what people want of a flow's schedule: an archived flow keeps it, and gets no runs all the same.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update

from eparch.core.principals import Principal
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import flow, flow_run
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.locks import lock_flow
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.schedule_runs import forget_schedules, schedule_flow_runs
from eparch.operations.states import cancel_flow_runs


@operation("update:flow")
def archive_flow(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Archive a flow: nobody can run it, and its runs that wait are cancelled, or deleted if a schedule made them."""
    row = lock_flow(tx, principal.tenant_id, given["flow_id"])
    if row is None:
        return {"success": False}
    archive_flows(tx, principal.tenant_id, [row.id], now)
    return {"success": True}


@operation("update:flow")
def unarchive_flow(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Make an archived flow the current version of its group again; its schedule goes on if it was active."""
    row = lock_flow(tx, principal.tenant_id, given["flow_id"])
    if row is None:
        return {"success": False}
    archive_other_versions(tx, principal.tenant_id, row.flow_group_id, row.id, now)
    if row.archived:
        tx.execute(update(flow).where(flow.c.id == row.id).values(archived=False, updated=now))
    schedule_flow_runs(tx, [row.id], now)
    return {"success": True}


def archive_other_versions(tx: Transaction, tenant_id: str, flow_group_id: str, flow_id: str, now: datetime) -> None:
    """Archive all flows of a locked group but one."""
    others = tx.rows(_OTHERS, {"group": flow_group_id, "current": flow_id})
    archive_flows(tx, tenant_id, [row.id for row in others], now)


def archive_flows(tx: Transaction, tenant_id: str, flow_ids: Sequence[str], now: datetime) -> None:
    """Archive flows of one tenant. Their runs that have started go on."""
    if not flow_ids:
        return
    bound = {"flows": listed(flow_ids)}
    tx.execute(_ARCHIVE, {**bound, "now": now})
    forget_schedules(tx, flow_ids, now)
    waiting = [row.id for row in tx.rows(_WAITING, bound)]
    if waiting:
        cancel_flow_runs(tx, tenant_id, waiting, now, reason="its flow has been archived")


_OTHERS: Final = (
    select(flow.c.id)
    .where(flow.c.flow_group_id == bindparam("group"), flow.c.id != bindparam("current"), flow.c.archived.is_(False))
    .order_by(flow.c.id)
    .with_for_update(key_share=True)
)
_ARCHIVE: Final = (
    update(flow)
    .where(is_one_of(flow.c.id, "flows"), flow.c.archived.is_(False))
    .values(archived=True, updated=bindparam("now", type_=Timestamp()))
)
_WAITING: Final = (
    select(flow_run.c.id)
    .where(is_one_of(flow_run.c.flow_id, "flows"), flow_run.c.state == "Scheduled")
    .order_by(flow_run.c.id)
    .with_for_update()
)
