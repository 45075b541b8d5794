"""Signs of life of runs.

In charge of writing heartbeats; not in charge of what happens when they stay away (`services`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select

from eparch.core.errors import EparchError
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import flow_run, flow_run_heartbeat, task_run, task_run_heartbeat
from eparch.database.transactions import Transaction
from eparch.operations.registry import Call, Payload, joined_operation

_TABLES: Final = {"flow_run": flow_run_heartbeat, "task_run": task_run_heartbeat}
_EXISTING: Final = {
    runs.name: select(runs.c.id, runs.c.tenant_id).where(is_one_of(runs.c.id, "ids")) for runs in (flow_run, task_run)
}


@joined_operation("update:run")
def update_flow_run_heartbeat(tx: Transaction, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    """Note that flow runs are alive. A run that does not exist is nothing to fail over: it may have been deleted."""
    return _beat(tx, "flow_run", calls, now)


@joined_operation("update:run")
def update_task_run_heartbeat(tx: Transaction, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    """Note that task runs are alive."""
    return _beat(tx, "task_run", calls, now)


def write_heartbeats(tx: Transaction, kind: str, run_ids: Iterable[str], now: datetime) -> None:
    """Set the heartbeat of runs that exist to `now`."""
    rows = [{f"{kind}_id": run_id, "heartbeat": now} for run_id in sorted(run_ids)]
    insert_rows(
        tx, _TABLES[kind], rows, on_conflict=f"ON CONFLICT ({kind}_id) DO UPDATE SET heartbeat = excluded.heartbeat"
    )


def _beat(tx: Transaction, kind: str, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    ids = {call.input[f"{kind}_id"] for call in calls}
    owners = {row.id: row.tenant_id for row in tx.rows(_EXISTING[kind], {"ids": listed(ids)})}
    alive = {
        call.input[f"{kind}_id"] for call in calls if owners.get(call.input[f"{kind}_id"]) == call.principal.tenant_id
    }
    write_heartbeats(tx, kind, alive, now)
    return [{"success": True} for _ in calls]
