"""The limits that concern runs, read under lock: who holds slots, who waits, whose turn it is when one becomes free.

In charge of reading and of what happens without a change of state; not in charge of what changes of state do (`slots`)
nor of the rules (`core.concurrency`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Row, Select, bindparam, func, or_, select, update

from eparch.core.concurrency import Limit, Room, Waiter
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import flow_run, task, task_run
from eparch.database.transactions import Transaction
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.slots import Asker, Place, Slots, slot_event


def load_slots(
    tx: Transaction,
    kind: Kind,
    now: datetime,
    *,
    asking: Mapping[str, frozenset[str] | None],
    marked: Iterable[str],
    locks: bool = True,
) -> Slots:
    """Return the limits that concern some runs, which the caller has locked; lock those limits.

    Args:
        asking: runs that are to start and may be limited, each with its labels or tags where the caller knows better
            than the database, else None.
        marked: runs that may hold slots or wait for one.
        locks: False to look only.
    """
    facts = {row.id: row for row in tx.rows(_FACTS[kind.name], {"ids": listed(asking)})} if asking else {}
    names = {run_id: _names(row, asking[run_id]) for run_id, row in facts.items()}
    bound = {"ids": listed(dict.fromkeys((*marked, *facts)))}
    slot_rows, place_rows = tx.rows(_SLOTS[kind.name], bound), tx.rows(_PLACES[kind.name], bound)
    by_id, by_name = _limits(
        tx,
        kind,
        {row.limit_id for row in (*slot_rows, *place_rows)},
        {name for of_run in names.values() for name in of_run},
        {row.tenant_id for row in facts.values()},
        locks=locks,
    )
    held: dict[str, frozenset[str]] = {}
    for row in slot_rows:
        # A limit that has just been deleted has taken its slots along.
        if row.limit_id in by_id:
            held[row.run_id] = held.get(row.run_id, frozenset()) | {row.limit_id}
    return Slots(
        kind,
        now,
        rooms=_rooms(tx, kind, by_id, now, coming=len(facts) + len(held), clears=locks),
        held=held,
        places={
            row.run_id: Place(row.limit_id, Waiter(row.run_id, row.priority, row.created), row.listens_until)
            for row in place_rows
            if row.limit_id in by_id
        },
        askers={run_id: _asker(row, names[run_id], by_name, now) for run_id, row in facts.items()},
        tenants={row.id: row.tenant_id for row in facts.values()},
        slot_ids={(row.run_id, row.limit_id): row.id for row in slot_rows if row.limit_id in by_id},
    )


def hand_out(
    tx: Transaction, kind: Kind, run_ids: Collection[str], now: datetime, *, locks: bool
) -> dict[str, list[str]]:
    """Return which of some runs, in this order, would find no slot to run, each with the names of the full limits.

    The others are handed out to whoever may start them. Nothing is taken yet.
    """
    if not run_ids:
        return {}
    slots = load_slots(tx, kind, now, asking=dict.fromkeys(run_ids), marked=run_ids, locks=locks)
    turned_down = {run_id: slots.enter(run_id, "Running") for run_id in run_ids}
    return {run_id: [room.limit.name for room in full] for run_id, full in turned_down.items() if full}


def wake_line(tx: Transaction, kind: Kind, limit_ids: Collection[str], now: datetime) -> None:
    """Announce to the first in the lines of limits that slots are free: as many as there are."""
    by_id, _ = _limits(tx, kind, limit_ids, (), (), locks=True)
    for room in _rooms(tx, kind, by_id, now, coming=0, clears=True).values():
        for waiter in room.line[: room.free]:
            tx.announce(slot_event(waiter.run_id))
        if kind.is_flow_run:
            tx.announce("queue")


def stop_listening(tx: Transaction, kind: Kind, run_ids: Sequence[str], now: datetime) -> None:
    """Note that the clients of runs in line have gone away; their turns pass on to the next."""
    waiters = kind.waiters
    places = [row for row in tx.rows(_PLACES[kind.name], {"ids": listed(run_ids)}) if row.listens_until is not None]
    limit_ids = {row.limit_id for row in places}
    if limit_ids:
        _limits(tx, kind, limit_ids, (), (), locks=True)
        for row in places:
            is_same = (waiters.c.id == row.id) & (waiters.c.listens_until == row.listens_until)
            tx.execute(update(waiters).where(is_same).values(listens_until=None))
        wake_line(tx, kind, limit_ids, now)


def _names(row: Row[Any], known: frozenset[str] | None) -> frozenset[str]:
    return frozenset(row.names or ()) if known is None else known


def _asker(row: Row[Any], names: Iterable[str], by_name: Mapping[tuple[str, str], Limit], now: datetime) -> Asker:
    # A run that waits for an instant has waited for a slot since then.
    since = now if row.state_start_time is None else min(row.state_start_time, now)
    found = (by_name.get((row.tenant_id, name)) for name in names)
    limit_ids = frozenset(limit.id for limit in found if limit is not None)
    return Asker(Waiter(row.id, row.priority, since), limit_ids, row.serialized_state, row.state_start_time)


def _limits(
    tx: Transaction,
    kind: Kind,
    limit_ids: Collection[str],
    names: Collection[str],
    tenant_ids: Collection[str],
    *,
    locks: bool,
) -> tuple[dict[str, Limit], dict[tuple[str, str], Limit]]:
    bound = {"ids": listed(limit_ids), "names": listed(names), "tenants": listed(tenant_ids)}
    rows = tx.rows(_LIMITS[kind.name, locks], bound)
    limits = [Limit(row.id, row.name, row.limit, kind.is_flow_run and row.counts_submitted) for row in rows]
    return (
        {limit.id: limit for limit in limits},
        {(row.tenant_id, row.name): limit for row, limit in zip(rows, limits, strict=True)},
    )


def _rooms(
    tx: Transaction, kind: Kind, limits: Mapping[str, Limit], now: datetime, *, coming: int, clears: bool
) -> dict[str, Room]:
    """Return limits with their slots and the heads of their lines.

    Args:
        coming: how many runs of this batch may give back a slot, or stand in line.
        clears: whether to take those out of the line whose clients no longer listen.
    """
    if not limits:
        return {}
    counts = {row.limit_id: row.held for row in tx.rows(_HELD[kind.name], {"ids": listed(limits)})}
    rooms = {}
    for limit_id, limit in limits.items():
        room = Room(limit, counts.get(limit_id, 0))
        line = _line(tx, kind, limit_id, now, room.free + coming, clears=clears)
        rooms[limit_id] = replace(room, line=line)
    return rooms


def _line(tx: Transaction, kind: Kind, limit_id: str, now: datetime, count: int, *, clears: bool) -> tuple[Waiter, ...]:
    while count:
        rows = tx.rows(_LINE[kind.name], {"limit_id": limit_id, "count": count})
        silent = [row.id for row in rows if row.listens_until <= now]
        if not silent or not clears:
            return tuple(Waiter(row.run_id, row.priority, row.created) for row in rows if row.listens_until > now)
        waiters = kind.waiters
        tx.execute(
            update(waiters).where(is_one_of(waiters.c.id, "ids")).values(listens_until=None), {"ids": listed(silent)}
        )
    return ()


def _place_columns(kind: Kind) -> Select[Any]:
    waiters = kind.waiters
    return select(
        waiters.c.id,
        waiters.c[kind.run_id].label("run_id"),
        waiters.c.limit_id,
        waiters.c.priority,
        waiters.c.created,
        waiters.c.listens_until,
    )


def _limit_rows(kind: Kind) -> Select[Any]:
    limits = kind.limits
    is_named = is_one_of(limits.c.name, "names") & is_one_of(limits.c.tenant_id, "tenants")
    return select(limits).where(or_(is_one_of(limits.c.id, "ids"), is_named)).order_by(limits.c.id)


_KINDS: Final = (FLOW_RUN, TASK_RUN)
_FACTS: Final = {
    FLOW_RUN.name: select(
        flow_run.c.id,
        flow_run.c.tenant_id,
        flow_run.c.serialized_state,
        flow_run.c.state_start_time,
        flow_run.c.priority,
        flow_run.c.labels.label("names"),
    ).where(is_one_of(flow_run.c.id, "ids")),
    TASK_RUN.name: select(
        task_run.c.id,
        task_run.c.tenant_id,
        task_run.c.serialized_state,
        task_run.c.state_start_time,
        flow_run.c.priority,
        task.c.tags.label("names"),
    )
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .join(task, task.c.id == task_run.c.task_id)
    .where(is_one_of(task_run.c.id, "ids")),
}
_SLOTS: Final = {
    kind.name: select(kind.slots.c.id, kind.slots.c[kind.run_id].label("run_id"), kind.slots.c.limit_id).where(
        is_one_of(kind.slots.c[kind.run_id], "ids")
    )
    for kind in _KINDS
}
_PLACES: Final = {
    kind.name: _place_columns(kind).where(is_one_of(kind.waiters.c[kind.run_id], "ids")) for kind in _KINDS
}
# FOR NO KEY UPDATE: a new slot, which refers to the limit, does not wait for itself.
_LIMITS: Final = {
    (kind.name, locks): _limit_rows(kind).with_for_update(key_share=True) if locks else _limit_rows(kind)
    for kind in _KINDS
    for locks in (True, False)
}
_HELD: Final = {
    kind.name: select(kind.slots.c.limit_id, func.count().label("held"))
    .where(is_one_of(kind.slots.c.limit_id, "ids"))
    .group_by(kind.slots.c.limit_id)
    for kind in _KINDS
}
_LINE: Final = {
    kind.name: _place_columns(kind)
    .where(kind.waiters.c.limit_id == bindparam("limit_id"), kind.waiters.c.listens_until.is_not(None))
    .order_by(kind.waiters.c.priority.desc(), kind.waiters.c.created, kind.waiters.c[kind.run_id])
    .limit(bindparam("count", type_=Integer()))
    for kind in _KINDS
}
