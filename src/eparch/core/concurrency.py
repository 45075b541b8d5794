"""Concurrency limits: which states hold a slot, who may take one, whose turn it is.

In charge of the rules, which are pure; not in charge of reading and writing slots (`operations.slots`).

A run holds a slot of each limit that applies to it (of its labels, of its tags) while it is being carried out. It gets
all of them or none: nobody holds one slot while waiting for another, so nobody waits in a circle. Who is turned down
stands in the line of the first limit that was full, in order of priority, then of age.

Only those in the line who listen, and so can start at once, are waited for. A client that polls may come in half a
minute, and its slot would lie idle until then: it takes what is free at the moment when it asks and is not due to
somebody ahead of it who listens.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from eparch.core.errors import BadInput
from eparch.core.states import RUNNING
from eparch.core.transitions import NewState, made_state

SLOTS_MAX: Final = 1_000_000
PRIORITY_MAX: Final = 1_000_000

QUEUED_FOR_S: Final = 600.0
"""How long a Queued run is left to the client that asks for it again and again; then agents are offered the run."""

ASKS: Final = frozenset({"Running", "Submitted"})
"""States in which a slot is taken. Others of the family `Running` keep those that a run has."""

META: Final = frozenset({"Queued", "Submitted"})
"""States that wrap the one that a run is taken up from again."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many runs with a label or a tag may be carried out at once.

    Attributes:
        name: the label or the tag.
        slots: how many; 0 stops everything.
        counts_submitted: of flow runs, whether one holds its slot as soon as an agent has taken it.
    """

    id: str
    name: str
    slots: int
    counts_submitted: bool = False

    def is_held_in(self, state: str | None) -> bool:
        """Return whether a run in `state` holds a slot."""
        return state in RUNNING or (state == "Submitted" and self.counts_submitted)


@dataclass(frozen=True, slots=True)
class Waiter:
    """A run that wants a slot, and what its turn depends on."""

    run_id: str
    priority: int
    since: datetime

    @property
    def turn(self) -> tuple[int, datetime, str]:
        """The key that orders a line: the higher priority first, then who has waited longer."""
        return -self.priority, self.since, self.run_id


@dataclass(frozen=True, slots=True)
class Room:
    """A limit as it is now.

    Attributes:
        held: how many slots are taken; more than there are after a limit was lowered.
        line: the first of those who wait and listen, in order; at least as many as slots are free or become so.
    """

    limit: Limit
    held: int
    line: tuple[Waiter, ...] = ()

    @property
    def free(self) -> int:
        """How many slots can be taken."""
        return max(0, self.limit.slots - self.held)

    def is_open_to(self, asker: Waiter) -> bool:
        """Return whether a slot is free that is not due to somebody ahead of `asker`."""
        ahead = sum(one.run_id != asker.run_id and one.turn < asker.turn for one in self.line[: self.free + 1])
        return ahead < self.free

    def taken(self) -> "Room":
        """Return the room with one slot more taken."""
        return replace(self, held=self.held + 1)

    def left(self) -> "Room":
        """Return the room with one slot less taken."""
        return replace(self, held=self.held - 1)

    def joined(self, waiter: Waiter) -> "Room":
        """Return the room with somebody in the line who listens."""
        others = self.without(waiter.run_id).line
        return replace(self, line=tuple(sorted((*others, waiter), key=lambda one: one.turn)))

    def without(self, run_id: str) -> "Room":
        """Return the room without a run in its line."""
        return replace(self, line=tuple(one for one in self.line if one.run_id != run_id))


def to_wake(before: Room, after: Room, asked: Collection[str]) -> list[str]:
    """Return the runs whose turn it has become: one for each slot that has become free, or that was passed on.

    Args:
        asked: runs that have asked in between, and have their answer; those that were on their way before are not
            woken again, unless they came and went away without what they came for.
    """
    on_their_way = {one.run_id for one in before.line[: before.free]} - set(asked)
    return [one.run_id for one in after.line[: after.free] if one.run_id not in on_their_way]


def place_in_line(waiter: Waiter, others: Iterable[Waiter]) -> int:
    """Return which in the line a run is, counted from 1."""
    return 1 + sum(other.run_id != waiter.run_id and other.turn < waiter.turn for other in others)


def full_reason(rooms: Sequence[Room]) -> str:
    """Return a sentence for people: which limits a run waits for."""
    shown = [f"{room.limit.name!r} ({room.held} of {room.limit.slots} slots are taken)" for room in rooms]
    noun = "limit" if len(shown) == 1 else "limits"
    return f"Waiting for a free slot of the concurrency {noun} {', '.join(shown)}."


def queued(previous: Mapping[str, Any] | None, asked: NewState, reason: str, now: datetime) -> NewState:
    """Return the state of a run that was turned down: it wraps the state that the run will be taken up from.

    Args:
        asked: the state that it wanted to enter; its context, with the tags, is kept.
    """
    new = made_state("Queued", reason, start_time=now + timedelta(seconds=QUEUED_FOR_S))
    while previous is not None and previous.get("type") in META:
        previous = previous.get("state")
    context = {"context": asked.document["context"]} if asked.document.get("context") else {}
    return NewState(new.name, {**new.document, **context, "state": previous}, new.message, new.start_time)


def must_renew(state: str | None, start_time: datetime | None, now: datetime) -> bool:
    """Return whether a run that was turned down gets a new state; a Queued one keeps its own for half its time."""
    return state != "Queued" or start_time is None or start_time - now < timedelta(seconds=QUEUED_FOR_S / 2)


def state_tags(document: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the tags of a task that its client names in a state, None where it names none."""
    context = document.get("context")
    tags = context.get("tags") if isinstance(context, Mapping) else None
    return frozenset(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else None


def checked_name(name: str, noun: str) -> str:
    """Return the label or tag of a limit.

    Raises:
        BadInput: it is empty.
    """
    if not name:
        raise BadInput(f"A concurrency limit needs the {noun} that it limits; it cannot be empty.")
    return name


def checked_slots(slots: int, name: str) -> int:
    """Return how many slots a limit has.

    Raises:
        BadInput: below 0 or beyond all sense.
    """
    if not 0 <= slots <= SLOTS_MAX:
        raise BadInput(
            f"A limit of {slots} for {name!r} is not possible: it is from 0 to {SLOTS_MAX}.",
            hint="0 stops everything; delete the limit to have none",
        )
    return slots


def checked_priority(priority: int) -> int:
    """Return the priority of a run.

    Raises:
        BadInput: it is beyond all sense.
    """
    if not -PRIORITY_MAX <= priority <= PRIORITY_MAX:
        raise BadInput(f"A priority of {priority} is not possible: it is from {-PRIORITY_MAX} to {PRIORITY_MAX}.")
    return priority
