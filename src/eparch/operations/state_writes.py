"""Runs on their way from one state to the next, gathered in memory and written together.

In charge of reading runs for a change of state (locked where the database needs it), of keeping what many calls in one
batch do to the same run in order, and of writing all of it in a few statements; not in charge of the rules
(`core.transitions`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, Table, Text, case, cast, literal_column, null, select, true

from eparch.core.errors import BadInput, StateUpdateFailed, VersionLocked
from eparch.core.transitions import NewState, Refusal, RunNow, decide
from eparch.database.bulk import insert_rows, is_one_of, listed, update_rows
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state, task_run, task_run_state
from eparch.database.transactions import Transaction
from eparch.operations.heartbeats import write_heartbeats
from eparch.operations.identity import new_id

STATE_BYTES_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two kinds of runs, and where it is kept."""

    name: str
    runs: Table
    states: Table
    is_flow_run: bool

    @property
    def run_id(self) -> str:
        """The name of the column of `states` that refers to the run."""
        return f"{self.runs.name}_id"


FLOW_RUN: Final = Kind("flow run", flow_run, flow_run_state, is_flow_run=True)
TASK_RUN: Final = Kind("task run", task_run, task_run_state, is_flow_run=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A state that a run is to enter, and the versions at which its caller believes it to be; None is no belief."""

    run_id: str
    new: NewState
    version: int | None = None
    flow_run_version: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A run as read for a change.

    Attributes:
        tenant_id: whose it is.
        row: what the rules need to know.
        carried: its present state as JSON text if that holds cached inputs, which the next state inherits; else None.
        has_task_runs: for a flow run, whether its task runs have been made.
        is_version_locked: whether a caller must know the run's version, by the settings of the flow's group.
        flow_run_version: for a task run the version of its flow run.
        due: for a flow run the instant that it waits for; None once it has left the queue.
    """

    id: str
    tenant_id: str
    row: RunNow
    carried: str | None = None
    has_task_runs: bool = True
    is_version_locked: bool = False
    flow_run_version: int | None = None
    due: datetime | None = None


@dataclass(slots=True)
class StateWrites:
    """The changes of one batch of calls.

    `enter` may be called many times for one run; each call sees what the one before it did.
    """

    kind: Kind
    known: dict[str, Known]
    now: datetime
    _states: list[dict[str, Any]] = field(default_factory=list)
    _changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    _beating: dict[str, None] = field(default_factory=dict)
    _leaving: list[str] = field(default_factory=list)
    _cancelled: dict[str, NewState] = field(default_factory=dict)
    _start_delays_s: list[float] = field(default_factory=list)

    def enter(self, tenant_id: str, wanted: Sequence[Wanted]) -> None:
        """Let runs enter states, all or none of them.

        Raises:
            StateUpdateFailed: a run is unknown to the tenant, or a rule refuses. Nothing of this call is kept.
            VersionLocked: a run has moved on since the caller read it.
            BadInput: a state is too large.
        """
        seen = {one.run_id: self.known[one.run_id] for one in wanted if one.run_id in self.known}
        entered = []
        for one in wanted:
            run_id, new = one.run_id, one.new
            run = seen.get(run_id)
            if run is None or run.tenant_id != tenant_id:
                raise StateUpdateFailed(self.kind.name, run_id, "there is no such run.")
            if run.is_version_locked:
                _check_versions(self.kind, run, one)
            decision = decide(run.row, new, self.now, is_flow_run=self.kind.is_flow_run)
            if isinstance(decision, Refusal):
                raise StateUpdateFailed(self.kind.name, run_id, decision.reason)
            document = _document(new.document, run.carried)
            entered.append((run, new, decision, document))
            row = replace(
                run.row,
                state=new.name,
                version=decision.version,
                start_time=decision.start_time,
                end_time=decision.end_time,
            )
            carried = bytes(document).decode() if _has_cached_inputs(document) else None
            seen[run_id] = replace(run, row=row, carried=carried, has_task_runs=True, due=new.start_time)
        self.known |= seen
        for run, new, decision, document in entered:
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
                self._beating[run.id] = None
            if decision.cancels_task_runs:
                self._cancelled[run.id] = new
            if not run.has_task_runs:
                self._leaving.append(run.id)

    def write(self, tx: Transaction) -> None:
        """Write everything that `enter` has gathered."""
        insert_rows(tx, self.kind.states, self._states)
        tx.notes.note_states(self.kind.runs.name, (state["state"] for state in self._states))
        tx.notes.start_delays_s += self._start_delays_s
        if any(change["state_start_time"] is not None for change in self._changes.values()):
            tx.announce("queue")
        update_rows(tx, self.kind.runs, list(self._changes.values()))
        if self.kind.is_flow_run:
            if any(change["end_time"] is not None for change in self._changes.values()):
                tx.announce("flow_run_ended")
            write_heartbeats(tx, "flow_run", self._beating, self.now)

    @property
    def without_task_runs(self) -> list[str]:
        """Flow runs that have left `Scheduled` and whose task runs have yet to be made."""
        return self._leaving

    @property
    def cancelled(self) -> Mapping[str, NewState]:
        """Flow runs that have been cancelled, with the state that their unfinished task runs share."""
        return self._cancelled

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
    tx: Transaction, kind: Kind, run_ids: Iterable[str], now: datetime, *, reads_locks: bool = False
) -> StateWrites:
    """Return the runs among `run_ids` that exist, ready to be changed.

    On PostgreSQL they are locked, in the order of their ids. Before its task runs a flow run is locked against change,
    so that it cannot be cancelled between look and leap; SQLite's only writer needs no locks.

    Args:
        reads_locks: whether to find out which runs are under version locking; needed where a caller says a version.
    """
    ids = listed(set(run_ids))
    if tx.is_postgresql and not kind.is_flow_run:
        tx.rows(_THEIR_FLOW_RUNS, {"ids": ids})
    rows = tx.rows(_FLOW_RUNS if kind.is_flow_run else _TASK_RUNS, {"ids": ids})
    locked: dict[str, int] = {}
    if reads_locks:
        statement = _LOCKED_FLOW_RUNS if kind.is_flow_run else _LOCKED_TASK_RUNS
        locked = {row.id: row.flow_run_version for row in tx.rows(statement, {"ids": ids})}
    known = {
        row.id: Known(
            row.id,
            row.tenant_id,
            RunNow(row.state, row.version, row.start_time, row.end_time, row.flow_run_state),
            row.carried,
            row.has_task_runs,
            is_version_locked=row.id in locked,
            flow_run_version=locked.get(row.id),
            due=row.due,
        )
        for row in rows
    }
    return StateWrites(kind, known, now)


def _check_versions(kind: Kind, run: Known, wanted: Wanted) -> None:
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


def _for_change(runs: Table) -> Select[Any]:
    serialized = cast(runs.c.serialized_state, Text)
    # Few states hold cached inputs; the others' documents need not be read at all.
    carried = case((serialized.like('%"cached_inputs":{"%'), serialized)).label("carried")
    columns = (runs.c.id, runs.c.tenant_id, runs.c.state, runs.c.version, runs.c.start_time, runs.c.end_time)
    return select(*columns, carried).where(is_one_of(runs.c.id, "ids")).order_by(runs.c.id)


_THEIR_FLOW_RUNS: Final = (
    select(flow_run.c.id)
    .where(flow_run.c.id.in_(select(task_run.c.flow_run_id).where(is_one_of(task_run.c.id, "ids"))))
    .order_by(flow_run.c.id)
    .with_for_update(read=True)
)
_FLOW_RUNS: Final = (
    _for_change(flow_run)
    .add_columns(flow_run.c.has_task_runs, null().label("flow_run_state"), flow_run.c.state_start_time.label("due"))
    .with_for_update(of=flow_run)
)
_TASK_RUNS: Final = (
    _for_change(task_run)
    .add_columns(true().label("has_task_runs"), flow_run.c.state.label("flow_run_state"), null().label("due"))
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .with_for_update(of=task_run)
)

# `->>` gives true as 1 on SQLite and as text on PostgreSQL.
_IS_LOCKED = cast(flow_group.c.settings.op("->>")(literal_column("'version_locking_enabled'")), Text).in_(["1", "true"])
_LOCKED_FLOW_RUNS: Final = (
    select(flow_run.c.id, flow_run.c.version.label("flow_run_version"))
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .where(is_one_of(flow_run.c.id, "ids"), _IS_LOCKED)
)
_LOCKED_TASK_RUNS: Final = (
    select(task_run.c.id, flow_run.c.version.label("flow_run_version"))
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .where(is_one_of(task_run.c.id, "ids"), _IS_LOCKED)
)
