"""Why a run waits for a slot: which limits are full for it, who holds them, and which in the line it is.

In charge of the answer for one run, for people; nothing is changed and nothing locked. Who may start is decided by
`slots`, not by this.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select

from eparch.core.concurrency import Room, Waiter, place_in_line, state_tags
from eparch.core.states import QUEUEABLE
from eparch.database.bulk import holds
from eparch.database.tables import flow_concurrency_limit, flow_run, flow_run_slot, task, task_run, task_run_slot
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp, Words
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.slot_lines import load_slots

HOLDERS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that holds a slot, and since when; a task run without a name of its own bears that of its task."""

    run_id: str
    name: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class SlotWait:
    """A limit that keeps a run from starting.

    Attributes:
        name: the label or the tag.
        slots: how many there are.
        held: how many are taken.
        holders: who has them, who has had one longest first; at most `HOLDERS_MAX`.
        place: which in the line the run is, counted from 1.
        waiting: how many wait, this run among them.
    """

    limit_id: str
    name: str
    slots: int
    held: int
    holders: tuple[Holder, ...]
    place: int
    waiting: int


def slot_waits(tx: Transaction, kind: Kind, run_id: str, now: datetime) -> list[SlotWait]:
    """Return the limits that are full for a run that wants to start, by name; none if no limit keeps it.

    Args:
        run_id: of a run that waits: Queued, or in the work queue. Whether it does, and whose it is, the caller knows.
    """
    state = tx.scalar(_STATE[kind.name], {"run": run_id})
    tags = None if kind.is_flow_run or state is None else state_tags(state)
    slots = load_slots(tx, kind, now, asking={run_id: tags}, marked=[run_id], locks=False)
    asker = slots.askers.get(run_id)
    if asker is None:
        return []
    place = slots.places.get(run_id)
    waiter = asker.waiter if place is None else place.waiter
    held = slots.held.get(run_id, frozenset())
    full = [
        slots.rooms[limit_id] for limit_id in asker.limit_ids - held if not slots.rooms[limit_id].is_open_to(waiter)
    ]
    return [_wait(tx, kind, room, waiter, now) for room in sorted(full, key=lambda one: one.limit.name)]


def _wait(tx: Transaction, kind: Kind, room: Room, waiter: Waiter, now: datetime) -> SlotWait:
    limit = room.limit
    bound = {"limit_id": limit.id, "name": limit.name, "now": now}
    line = {row.run_id: Waiter(row.run_id, row.priority, row.since) for row in tx.rows(_WAITERS[kind.name], bound)}
    if kind.is_flow_run:
        # Those in the work queue have not asked, and wait all the same.
        line = {row.run_id: Waiter(row.run_id, row.priority, row.since) for row in tx.rows(_DUE, bound)} | line
    line[waiter.run_id] = waiter
    return SlotWait(
        limit_id=limit.id,
        name=limit.name,
        slots=limit.slots,
        held=room.held,
        holders=tuple(Holder(row.run_id, row.name, row.created) for row in tx.rows(_HOLDERS[kind.name], bound)),
        place=place_in_line(waiter, line.values()),
        waiting=len(line),
    )


def _waiters(kind: Kind) -> Select[Any]:
    waiters = kind.waiters
    return select(waiters.c[kind.run_id].label("run_id"), waiters.c.priority, waiters.c.created.label("since")).where(
        waiters.c.limit_id == bindparam("limit_id")
    )


_STATE: Final = {
    kind.name: select(kind.runs.c.serialized_state).where(kind.runs.c.id == bindparam("run"))
    for kind in (FLOW_RUN, TASK_RUN)
}
_WAITERS: Final = {kind.name: _waiters(kind) for kind in (FLOW_RUN, TASK_RUN)}
_DUE: Final = (
    select(
        flow_run.c.id.label("run_id"),
        flow_run.c.priority,
        flow_run.c.state_start_time.label("since"),
    )
    .join(flow_concurrency_limit, flow_concurrency_limit.c.tenant_id == flow_run.c.tenant_id)
    .where(
        flow_concurrency_limit.c.id == bindparam("limit_id"),
        in_states(flow_run, QUEUEABLE),
        flow_run.c.held_by.is_(None),
        flow_run.c.state_start_time <= bindparam("now", type_=Timestamp()),
        holds(flow_run.c.labels, bindparam("name", type_=Words())),
    )
)
_HOLDERS: Final = {
    FLOW_RUN.name: select(flow_run_slot.c.flow_run_id.label("run_id"), flow_run.c.name, flow_run_slot.c.created)
    .join(flow_run, flow_run.c.id == flow_run_slot.c.flow_run_id)
    .where(flow_run_slot.c.limit_id == bindparam("limit_id"))
    .order_by(flow_run_slot.c.created, flow_run_slot.c.flow_run_id)
    .limit(HOLDERS_MAX),
    TASK_RUN.name: select(
        task_run_slot.c.task_run_id.label("run_id"),
        func.coalesce(task_run.c.name, task.c.name).label("name"),
        task_run_slot.c.created,
    )
    .join(task_run, task_run.c.id == task_run_slot.c.task_run_id)
    .join(task, task.c.id == task_run.c.task_id)
    .where(task_run_slot.c.limit_id == bindparam("limit_id"))
    .order_by(task_run_slot.c.created, task_run_slot.c.task_run_id)
    .limit(HOLDERS_MAX),
}
