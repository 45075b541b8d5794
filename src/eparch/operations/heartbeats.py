"""Signs of life of runs.

In charge of writing heartbeats; not in charge of what happens when they stay away (`services`).

A client may say how often it beats. Its run then has a lease, which every beat renews: it is missed much sooner. A beat
that does not say so takes the lease away, and so does an agent that takes the run, until the next that does.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from eparch.core.errors import BadInput, EparchError
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import flow_run, flow_run_heartbeat, task_run, task_run_heartbeat
from eparch.database.transactions import Transaction
from eparch.operations.registry import Call, Payload, joined_operation

INTERVAL_S_MAX: Final = 3600.0

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


def write_heartbeats(tx: Transaction, kind: str, intervals_s: Mapping[str, float | None], now: datetime) -> None:
    """Set the heartbeat of runs that exist to `now`.

    Args:
        intervals_s: by run, how often it beats; None where nobody said.
    """
    rows = [
        {
            f"{kind}_id": run_id,
            "heartbeat": now,
            "missed_at": None if interval_s is None else now + timedelta(seconds=2 * interval_s),
        }
        for run_id, interval_s in sorted(intervals_s.items())
    ]
    changes = "heartbeat = excluded.heartbeat, missed_at = excluded.missed_at"
    insert_rows(tx, _TABLES[kind], rows, on_conflict=f"ON CONFLICT ({kind}_id) DO UPDATE SET {changes}")


def prolong_heartbeats(tx: Transaction, kind: str, run_ids: Iterable[str], now: datetime) -> None:
    """Set the heartbeat of runs that exist to `now`; how often they beat stays as it was said."""
    rows = [{f"{kind}_id": run_id, "heartbeat": now} for run_id in sorted(run_ids)]
    changes = "heartbeat = excluded.heartbeat"
    insert_rows(tx, _TABLES[kind], rows, on_conflict=f"ON CONFLICT ({kind}_id) DO UPDATE SET {changes}")


def _beat(tx: Transaction, kind: str, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    ids = {call.input[f"{kind}_id"] for call in calls}
    owners = {row.id: row.tenant_id for row in tx.rows(_EXISTING[kind], {"ids": listed(ids)})}
    found: list[Payload | EparchError] = []
    alive: dict[str, float | None] = {}
    for call in calls:
        run_id, interval_s = call.input[f"{kind}_id"], call.input.get("interval_s")
        if interval_s is not None and not 0 < interval_s <= INTERVAL_S_MAX:
            what = f"interval_s is {interval_s}: beats are more than 0 and at most {INTERVAL_S_MAX:.0f} seconds apart."
            found.append(BadInput(what))
            continue
        if owners.get(run_id) == call.principal.tenant_id:
            alive[run_id] = interval_s
        found.append({"success": True})
    write_heartbeats(tx, kind, alive, now)
    return found
