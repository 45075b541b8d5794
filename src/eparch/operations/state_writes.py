"""Runs on their way from one state to the next, gathered in memory and written together.

In charge of keeping in order what many calls in one batch do to the same run, and of writing all of it in a few
statements; not in charge of reading runs (`run_reads`), of slots (`slots`) nor of the rules (`core.transitions`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from eparch.core.concurrency import full_reason, must_renew, queued
from eparch.core.errors import BadInput, StateUpdateFailed, VersionLocked
from eparch.core.transitions import Decision, NewState, Refusal, decide
from eparch.database.bulk import insert_rows, update_rows
from eparch.database.transactions import Transaction
from eparch.operations.heartbeats import prolong_heartbeats, write_heartbeats
from eparch.operations.identity import new_id
from eparch.operations.run_kinds import FLOW_RUN, Kind
from eparch.operations.run_reads import Known, read_runs
from eparch.operations.slots import Slots

STATE_BYTES_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A state that a run is to enter, and the versions at which its caller believes it to be; None is no belief.

    Attributes:
        only_at: the only version at which the run may enter it, whether its versions are locked or not.
        listens_until: until when the caller waits for a slot of a concurrency limit; None if it comes again by itself.
    """

    run_id: str
    new: NewState
    version: int | None = None
    flow_run_version: int | None = None
    only_at: int | None = None
    listens_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a run that was to enter a state.

    Attributes:
        version: of the run now.
        waits_for: why it waits for a slot instead; None if it has entered the state.
    """

    version: int
    waits_for: str | None = None


@dataclass(slots=True)
class StateWrites:
    """The changes of one batch of calls.

    `enter` may be called many times for one run; each call sees what the one before it did.
    """

    kind: Kind
    known: dict[str, Known]
    now: datetime
    _slots: Slots | None = None
    _states: list[dict[str, Any]] = field(default_factory=list)
    _changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _beating: dict[str, bool] = field(default_factory=dict)
    _leaving: list[str] = field(default_factory=list)
    _cancelled: dict[str, NewState] = field(default_factory=dict)
    _start_delays_s: list[float] = field(default_factory=list)

    def enter(self, tenant_id: str, wanted: Sequence[Wanted]) -> list[Entered]:
        """Let runs enter states, all or none of them; one that finds no free slot to run enters `Queued` instead.

        Raises:
            StateUpdateFailed: a run is unknown to the tenant, or a rule refuses. Nothing of this call is kept.
            VersionLocked: a run has moved on since the caller read it.
            BadInput: a state is too large.
        """
        seen = {one.run_id: self.known[one.run_id] for one in wanted if one.run_id in self.known}
        slots = None if self._slots is None else self._slots.trial()
        entered, outcomes = [], []
        for one in wanted:
            run = seen.get(one.run_id)
            if run is None or run.tenant_id != tenant_id:
                raise StateUpdateFailed(self.kind.name, one.run_id, "there is no such run.")
            _check_versions(self.kind, run, one)
            new, decision, waits_for = self._decided(run, one, slots)
            if waits_for is not None and not must_renew(run.row.state, run.waits_until, self.now):
                outcomes.append(Entered(run.row.version, waits_for))
                continue
            document = _document(new.document, run.carried)
            entered.append((run, new, decision, document))
            outcomes.append(Entered(decision.version, waits_for))
            seen[run.id] = _known_after(run, new, decision, document)
        self.known |= seen
        self._slots = slots
        for run, new, decision, document in entered:
            self._note(run, new, decision, document)
        return outcomes

    def write(self, tx: Transaction) -> None:
        """Write everything that `enter` has gathered."""
        insert_rows(tx, self.kind.states, self._states)
        tx.notes.note_states(self.kind.runs.name, (state["state"] for state in self._states))
        tx.notes.start_delays_s += self._start_delays_s
        if any(change["state_start_time"] is not None for change in self._changes.values()):
            tx.announce("queue")
        if self._slots is not None:
            for run_id, change in self._changes.items():
                change["has_slots"] = self._slots.is_marked(run_id)
        update_rows(tx, self.kind.runs, list(self._changes.values()))
        if self.kind.is_flow_run:
            if any(change["end_time"] is not None for change in self._changes.values()):
                tx.announce("flow_run_ended")
            taken = [run_id for run_id, is_taken in self._beating.items() if is_taken]
            write_heartbeats(tx, "flow_run", dict.fromkeys(taken), self.now)
            prolong_heartbeats(tx, "flow_run", self._beating.keys() - set(taken), self.now)
        if self._slots is not None:
            self._slots.write(tx)

    @property
    def without_task_runs(self) -> list[str]:
        """Flow runs that have left `Scheduled` and whose task runs have yet to be made."""
        return self._leaving

    @property
    def cancelled(self) -> Mapping[str, NewState]:
        """Flow runs that have been cancelled, with the state that their unfinished task runs share."""
        return self._cancelled

    def _decided(self, run: Known, wanted: Wanted, slots: Slots | None) -> tuple[NewState, Decision, str | None]:
        """Return the state that a run enters, what to write of it, and why it waits for a slot if it does."""
        new = wanted.new
        decision = self._decide(run, new)
        full = [] if slots is None else slots.enter(run.id, new.name, wanted.listens_until)
        if not full:
            return new, decision, None
        reason = full_reason(full)
        if new.name == "Submitted":
            raise StateUpdateFailed(self.kind.name, run.id, reason, hint="it stays in the queue until a slot is free")
        new = queued(run.document, new, reason, self.now)
        return new, self._decide(run, new), reason

    def _decide(self, run: Known, new: NewState) -> Decision:
        decision = decide(run.row, new, self.now, is_flow_run=self.kind.is_flow_run)
        if isinstance(decision, Refusal):
            raise StateUpdateFailed(self.kind.name, run.id, decision.reason)
        return decision

    def _note(self, run: Known, new: NewState, decision: Decision, document: msgspec.Raw) -> None:
        self._states.append(self._state_row(run, new, decision.version, document))
        self._changes[run.id] = {
            "id": run.id,
            "updated": self.now,
            "version": decision.version,
            "state": new.name,
            "state_timestamp": self.now,
            "state_start_time": new.start_time,
            "state_message": new.message,
            "state_result": new.result,
            "serialized_state": document,
            "start_time": decision.start_time,
            "end_time": decision.end_time,
        }
        if new.name == "Submitted" and run.due is not None:
            # An agent that fetches ahead takes runs before they are due.
            self._start_delays_s.append(max(0.0, (self.now - run.due).total_seconds()))
        if decision.beats:
            # What an agent has just taken is carried out by a process that has yet to say how often it beats.
            self._beating[run.id] = new.name == "Submitted"
        if decision.cancels_task_runs:
            self._cancelled[run.id] = new
        if not run.has_task_runs:
            self._leaving.append(run.id)

    def _state_row(self, run: Known, new: NewState, version: int, document: msgspec.Raw) -> dict[str, Any]:
        return {
            "id": new_id(),
            "created": self.now,
            "updated": self.now,
            "tenant_id": run.tenant_id,
            self.kind.run_id: run.id,
            "timestamp": self.now,
            "state": new.name,
            "message": new.message,
            "result": new.result,
            "start_time": new.start_time,
            "serialized_state": document,
            "version": version,
        }


def read_for_change(
    tx: Transaction,
    kind: Kind,
    run_ids: Iterable[str],
    now: datetime,
    *,
    entering: Iterable[tuple[str, NewState]] = (),
    reads_locks: bool = False,
) -> StateWrites:
    """Return the runs among `run_ids` that exist, locked and ready to be changed; see `run_reads.read_runs`."""
    known, slots = read_runs(tx, kind, run_ids, now, entering=entering, reads_locks=reads_locks)
    return StateWrites(kind, known, now, slots)


def _known_after(run: Known, new: NewState, decision: Decision, document: msgspec.Raw) -> Known:
    row = replace(
        run.row,
        state=new.name,
        version=decision.version,
        start_time=decision.start_time,
        end_time=decision.end_time,
    )
    carried = bytes(document).decode() if _has_cached_inputs(document) else None
    return replace(run, row=row, carried=carried, has_task_runs=True, document=new.document, waits_until=new.start_time)


def _check_versions(kind: Kind, run: Known, wanted: Wanted) -> None:
    if wanted.only_at is not None and wanted.only_at != run.row.version:
        raise StateUpdateFailed(
            kind.name, run.id, f"it has moved on while it waited for a slot: it is {run.row.state} now."
        )
    if not run.is_version_locked:
        return
    beliefs: list[tuple[str, int | None, int | None]] = [(kind.name, wanted.version, run.row.version)]
    if not kind.is_flow_run:
        beliefs.append((FLOW_RUN.name, wanted.flow_run_version, run.flow_run_version))
    for name, believed, actual in beliefs:
        if believed is not None and believed != actual:
            raise VersionLocked(
                f"Update failed for {kind.name} {run.id}: its {name} is at version {actual}, not {believed}.",
                hint="somebody else has changed it since; read it again, and go on only if that still makes sense",
            )


def _document(document: Mapping[str, Any], carried: str | None) -> msgspec.Raw:
    """Return a state's document as text, with the cached inputs of the state before where it has none of its own."""
    if carried is not None and not document.get("cached_inputs"):
        document = {**document, "cached_inputs": msgspec.json.decode(carried)["cached_inputs"]}
    encoded = msgspec.json.encode(document)
    if len(encoded) > STATE_BYTES_MAX:
        raise BadInput(
            f"State payload is too large: {len(encoded)} bytes, at most {STATE_BYTES_MAX} are taken.",
            hint="keep results in a result backend and send their location",
        )
    return msgspec.Raw(encoded)


def _has_cached_inputs(document: msgspec.Raw) -> bool:
    return b'"cached_inputs":{"' in bytes(document)
