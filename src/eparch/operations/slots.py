"""Slots of concurrency limits: taken, kept and given back in the transaction that changes the state of their run.

In charge of what many changes in one batch do to limits, of writing the difference and of announcing whose turn it is;
not in charge of reading limits (`slot_lines`), of the rules (`core.concurrency`) nor of limits themselves
(`concurrency_limits`).

Limits are locked after the runs, in the order of their ids, by whoever takes a slot and by whoever gives one back. So
between the look and the leap nobody takes the slot away, and nobody joins the line unseen by him who frees a slot.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete as delete_from

from eparch.core.concurrency import ASKS, Room, Waiter, to_wake
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.transactions import Transaction
from eparch.operations.identity import new_id
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind


@dataclass(frozen=True, slots=True)
class Asker:
    """A run that wants to start, and to which limits apply.

    Attributes:
        waiter: what its turn depends on.
        limit_ids: of the limits that apply.
        document: its present state.
        waits_until: the start time of that state.
    """

    waiter: Waiter
    limit_ids: frozenset[str]
    document: Mapping[str, Any] | None
    waits_until: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run that was turned down waits, and until when its client listens; None where it polls."""

    limit_id: str
    waiter: Waiter
    listens_until: datetime | None


@dataclass(slots=True)
class Slots:
    """The limits that concern a batch of runs, as they are and as the batch leaves them."""

    kind: Kind
    now: datetime
    rooms: dict[str, Room]
    held: dict[str, frozenset[str]]
    places: dict[str, Place]
    askers: dict[str, Asker]
    tenants: dict[str, str]
    slot_ids: Mapping[tuple[str, str], str]
    asked: set[str] = field(default_factory=set)
    _rooms_before: Mapping[str, Room] = field(default_factory=dict)
    _places_before: Mapping[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self._rooms_before:
            self._rooms_before, self._places_before = dict(self.rooms), dict(self.places)

    def trial(self) -> "Slots":
        """Return a copy, to see what comes of a call that may yet fail."""
        return replace(
            self, rooms=dict(self.rooms), held=dict(self.held), places=dict(self.places), asked=set(self.asked)
        )

    def enter(self, run_id: str, state: str, listens_until: datetime | None = None) -> list[Room]:
        """Let a run take, keep or give back slots as `state` wants it; return the limits that are full for it.

        Where some are full, the run has taken none. To start it then has to wait: it gives back what it has and stands
        in line. A run that is to be submitted stays as it is.

        Args:
            listens_until: until when the caller waits for an answer, None if it comes again by itself.
        """
        asker = self.askers.get(run_id)
        if asker is None or state not in ASKS:
            self._keep(run_id, state)
            return []
        self.asked.add(run_id)
        held = self.held.get(run_id, frozenset())
        needed = {one for one in asker.limit_ids if self.rooms[one].limit.is_held_in(state)}
        place = self.places.get(run_id)
        # Who has waited keeps his age, and may have got another priority.
        waiter = asker.waiter if place is None else replace(asker.waiter, since=place.waiter.since)
        full = [self.rooms[one] for one in sorted(needed - held) if not self.rooms[one].is_open_to(waiter)]
        if not full:
            for limit_id in needed - held:
                self.rooms[limit_id] = self.rooms[limit_id].taken()
            self.held[run_id] = held | needed
            self._leave_line(run_id)
        elif state != "Submitted":
            self._keep(run_id, "Queued")
            self._stand_in_line(Place(full[0].limit.id, waiter, listens_until))
        return full

    def is_marked(self, run_id: str) -> bool:
        """Return whether a run holds slots or waits for one."""
        return bool(self.held.get(run_id)) or run_id in self.places

    def write(self, tx: Transaction) -> None:
        """Write what has changed, and announce whose turn it is."""
        slots, waiters = self.kind.slots, self.kind.waiters
        now_held = {(run_id, limit_id) for run_id, limit_ids in self.held.items() for limit_id in limit_ids}
        if left := [slot_id for pair, slot_id in self.slot_ids.items() if pair not in now_held]:
            tx.execute(delete_from(slots).where(is_one_of(slots.c.id, "ids")), {"ids": listed(left)})
        taken = sorted(now_held - self.slot_ids.keys())
        insert_rows(tx, slots, [{**self._row(run_id), "limit_id": limit_id} for run_id, limit_id in taken])
        if gone := self._places_before.keys() - self.places.keys():
            run_column = waiters.c[self.kind.run_id]
            tx.execute(delete_from(waiters).where(is_one_of(run_column, "ids")), {"ids": listed(sorted(gone))})
        moved = [place for run_id, place in self.places.items() if place != self._places_before.get(run_id)]
        insert_rows(tx, waiters, [self._place_row(place) for place in moved], on_conflict=_MOVE[self.kind.name])
        self._announce(tx, gone)

    def _keep(self, run_id: str, state: str) -> None:
        """Give back the slots that a run does not hold in `state`."""
        held = self.held.get(run_id, frozenset())
        kept = frozenset(one for one in held if self.rooms[one].limit.is_held_in(state))
        for limit_id in held - kept:
            self.rooms[limit_id] = self.rooms[limit_id].left()
        self.held[run_id] = kept
        if state != "Queued":
            self._leave_line(run_id)

    def _leave_line(self, run_id: str) -> None:
        place = self.places.pop(run_id, None)
        if place is not None:
            self.rooms[place.limit_id] = self.rooms[place.limit_id].without(run_id)

    def _stand_in_line(self, place: Place) -> None:
        self._leave_line(place.waiter.run_id)
        self.places[place.waiter.run_id] = place
        if place.listens_until is not None:
            self.rooms[place.limit_id] = self.rooms[place.limit_id].joined(place.waiter)

    def _row(self, run_id: str) -> dict[str, Any]:
        common = {"id": new_id(), "created": self.now, "updated": self.now}
        return {**common, "tenant_id": self.tenants[run_id], self.kind.run_id: run_id}

    def _place_row(self, place: Place) -> dict[str, Any]:
        return {
            **self._row(place.waiter.run_id),
            "created": place.waiter.since,
            "limit_id": place.limit_id,
            "priority": place.waiter.priority,
            "listens_until": place.listens_until,
        }

    def _announce(self, tx: Transaction, gone: Collection[str]) -> None:
        # Whoever listens for a run that somebody else has taken out of the line is to learn of it.
        turns = [run_id for run_id in gone if run_id not in self.asked and self._places_before[run_id].listens_until]
        for limit_id, room in self.rooms.items():
            before = self._rooms_before[limit_id]
            turns += to_wake(before, room, self.asked)
            if self.kind.is_flow_run and room.free > before.free:
                tx.announce("queue")
        for run_id in turns:
            tx.announce(slot_event(run_id))


def slot_event(run_id: str) -> str:
    """Return the event that tells those who wait for a slot on behalf of a run that its turn may have come."""
    return f"slot/{run_id}"


_MOVE: Final = {
    kind.name: f"ON CONFLICT ({kind.run_id}) DO UPDATE SET limit_id = excluded.limit_id, "
    "priority = excluded.priority, listens_until = excluded.listens_until, updated = excluded.updated"
    for kind in (FLOW_RUN, TASK_RUN)
}
