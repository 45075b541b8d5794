"""The runs of backfills: made a few at a time, as those before them end.

In charge of one step of one backfill; not in charge of when it happens (`services.backfiller`).

The backfill is locked meanwhile, so that of two servers one takes the step, and never more runs than its concurrency
are unfinished. A run has the key that the schedule would have given it, so an instant has one run, whoever makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Row, bindparam, func, select

from eparch.core.backfills import BackfillState
from eparch.core.errors import BadInput
from eparch.core.run_defaults import run_config_of_run, run_labels, run_parameters
from eparch.core.schedules import auto_schedule_key
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import backfill, backfill_instant, flow, flow_group, flow_run
from eparch.database.transactions import Transaction
from eparch.operations.run_rows import flow_run_row
from eparch.operations.scheduled_flows import CURRENT, defaults_of, insert_runs

_INSTANTS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a backfill has come to.

    Attributes:
        flow_runs: how many runs were made.
        has_more: whether another step could be taken at once.
        has_ended: whether the backfill has ended with it.
    """

    flow_runs: int = 0
    has_more: bool = False
    has_ended: bool = False


def running_backfills(tx: Transaction, *, limit: int) -> list[tuple[str, str]]:
    """Return the ids of backfills that have not ended, and of their flow groups, oldest first."""
    return [(row.id, row.flow_group_id) for row in tx.rows(_RUNNING, {"limit": limit})]


def existing_keys(tx: Transaction, group_id: str, keys: Sequence[str]) -> set[str]:
    """Return those of the keys of instants that have a run, in any version of the flow."""
    return {row.idempotency_key for row in tx.rows(_EXISTING, {"group": group_id, "keys": listed(keys)})}


def advance(tx: Transaction, backfill_id: str, group_id: str, now: datetime) -> Step:
    """Make the runs for which a backfill has room, and end it when all of them have ended."""
    # The flow before the backfill: the order in which whoever deletes a flow group takes them.
    current = tx.row(_CURRENT, {"group": group_id})
    row = tx.row(_LOCKED, {"id": backfill_id})
    if row is None:
        return Step()
    if current is None:
        return _end(tx, row, BackfillState.FAILED, "Its flow group has no flow that is not archived.", now)
    unfinished: int = tx.scalar(_UNFINISHED, {"id": backfill_id})
    free = row.concurrency - unfinished
    done = row.made_count + row.skipped_count
    if done == row.instant_count:
        return Step() if unfinished else _end(tx, row, BackfillState.FINISHED, None, now)
    if free <= 0:
        return Step()
    instants = tx.rows(_NEXT, {"id": backfill_id, "number": done, "limit": min(free + 50, _INSTANTS_MAX)})
    keys = [auto_schedule_key(one.scheduled_start_time, one.parameters, one.labels) for one in instants]
    existing = existing_keys(tx, group_id, keys)
    runs: list[dict[str, Any]] = []
    taken = 0
    try:
        for one, key in zip(instants, keys, strict=True):
            if len(runs) == free:
                break
            taken += 1
            if key not in existing or row.repeat_existing:
                runs.append(_run(current, row, one, f"backfill:{row.id}:{key}" if key in existing else key, now))
    except BadInput as error:
        return _end(tx, row, BackfillState.FAILED, f"{error.message}", now)
    made = insert_runs(tx, runs)
    counts = {"made_count": row.made_count + made, "skipped_count": row.skipped_count + taken - made}
    tx.execute(backfill.update().where(backfill.c.id == row.id).values(updated=now, **counts))
    # With nothing made and nothing left, the next step ends it.
    return Step(made, has_more=made < free and taken > 0)


def _run(current: Row[Any], row: Row[Any], one: Row[Any], key: str, now: datetime) -> dict[str, Any]:
    defaults = defaults_of(current)
    return flow_run_row(
        tenant_id=row.tenant_id,
        flow_id=current.id,
        now=now,
        scheduled_start_time=one.scheduled_start_time,
        start_time=now,
        labels=run_labels(defaults, one.labels if row.labels is None else row.labels, None),
        parameters=run_parameters(defaults, {**one.parameters, **row.parameters}),
        run_config=run_config_of_run(defaults, None),
        idempotency_key=key,
        backfill_id=row.id,
    )


def _end(tx: Transaction, row: Row[Any], state: BackfillState, message: str | None, now: datetime) -> Step:
    values = {"state": state, "message": message, "end_time": now, "updated": now}
    tx.execute(backfill.update().where(backfill.c.id == row.id).values(values))
    return Step(has_ended=True)


_RUNNING: Final = (
    select(backfill.c.id, backfill.c.flow_group_id)
    .where(backfill.c.end_time.is_(None))
    .order_by(backfill.c.id)
    .limit(bindparam("limit", type_=Integer()))
)
_CURRENT: Final = CURRENT.with_for_update(read=True, of=[flow, flow_group])
_LOCKED: Final = (
    select(backfill).where(backfill.c.id == bindparam("id"), backfill.c.end_time.is_(None)).with_for_update(of=backfill)
)
_UNFINISHED: Final = select(func.count()).where(
    flow_run.c.backfill_id == bindparam("id"), flow_run.c.end_time.is_(None)
)
_NEXT: Final = (
    select(backfill_instant)
    .where(backfill_instant.c.backfill_id == bindparam("id"), backfill_instant.c.number >= bindparam("number"))
    .order_by(backfill_instant.c.number)
    .limit(bindparam("limit", type_=Integer()))
)
_EXISTING: Final = (
    select(flow_run.c.idempotency_key)
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .where(flow.c.flow_group_id == bindparam("group"), is_one_of(flow_run.c.idempotency_key, "keys"))
)
