"""Changes of state: what clients report of their runs, and what people ask of them.

In charge of the mutations; the rules are in `core.transitions`, and reading and writing in `state_writes`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from eparch.core.errors import BadInput, EparchError
from eparch.core.principals import Principal
from eparch.core.states import FINISHED
from eparch.core.transitions import NewState, cancellation, made_state, parse_state
from eparch.database.bulk import is_one_of, listed, update_rows
from eparch.database.tables import agent, flow_run, task_run
from eparch.database.transactions import Transaction
from eparch.operations.registry import Call, Input, Payload, joined_operation, operation
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.state_writes import Entered, StateWrites, Wanted, read_for_change
from eparch.operations.task_runs import make_task_runs

WAIT_S_MAX: Final = 60.0
"""How long a client may wait for a slot in one call."""

ONLY_AT: Final = "only_at"
"""A member of an item that clients cannot send: the only version at which the run may enter the state."""

# For the way to the client and back, before its turn passes to the next.
_GRACE: Final = timedelta(seconds=5)


@joined_operation("update:run")
def set_flow_run_states(tx: Transaction, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    """Let flow runs enter states: each call all of its runs, or none."""
    return _set_states(tx, FLOW_RUN, calls, now)


@joined_operation("update:run")
def set_task_run_states(tx: Transaction, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    """Let task runs enter states: each call all of its runs, or none."""
    return _set_states(tx, TASK_RUN, calls, now)


@operation("update:run")
def set_flow_run_state(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Let one flow run enter a state."""
    return _set_one(tx, FLOW_RUN, principal, given, now)


@operation("update:run")
def set_task_run_state(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Let one task run enter a state."""
    return _set_one(tx, TASK_RUN, principal, given, now)


@operation("update:run")
def cancel_flow_run(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Cancel a flow run: at once if it has not started, else it is asked to stop. Return the state it is in then."""
    run_id = given["flow_run_id"]
    states = cancel_flow_runs(tx, principal.tenant_id, [run_id], now)
    if run_id not in states:
        raise BadInput(f"Invalid flow run ID {run_id}: there is no such flow run.")
    return {"state": states[run_id]}


def cancel_flow_runs(
    tx: Transaction, tenant_id: str, run_ids: Sequence[str], now: datetime, *, reason: str = ""
) -> dict[str, str | None]:
    """Cancel those of `run_ids` that are not finished, in a few statements.

    Args:
        reason: put into the message of the state.
    Returns:
        The state of each run that exists in the tenant.
    """
    writes = read_for_change(tx, FLOW_RUN, run_ids, now)
    runs = {run.id: run.row.state for run in writes.known.values() if run.tenant_id == tenant_id}
    wanted = []
    for run_id, state in runs.items():
        target = cancellation(state)
        if target is not None:
            message = f"Flow run is {target.lower()}{f': {reason}' if reason else ''}."
            wanted.append(Wanted(run_id, made_state(target, message)))
            runs[run_id] = target
    writes.enter(tenant_id, wanted)
    _finish(tx, writes)
    return runs


def enter_states(
    tx: Transaction, kind: Kind, tenant_id: str, wanted: Sequence[tuple[str, NewState]], now: datetime
) -> None:
    """Let runs enter states that the server itself gives them.

    Raises:
        StateUpdateFailed: a run is unknown to the tenant, or a rule refuses; nothing is written.
    """
    writes = read_for_change(tx, kind, [run_id for run_id, _ in wanted], now, entering=wanted)
    writes.enter(tenant_id, [Wanted(run_id, new) for run_id, new in wanted])
    _finish(tx, writes)


def _set_one(tx: Transaction, kind: Kind, principal: Principal, given: Input, now: datetime) -> Payload:
    (outcome,) = _set_states(tx, kind, [Call(principal, {"states": [given]})], now)
    if isinstance(outcome, EparchError):
        raise outcome
    return {"id": given[kind.run_id]}


def _set_states(tx: Transaction, kind: Kind, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    key = kind.run_id
    parsed = [_parsed(call.input, key, now) for call in calls]
    entering = [(one.run_id, one.new) for wanted in parsed if not isinstance(wanted, EparchError) for one in wanted]
    items = [item for call in calls for item in call.input["states"]]
    says_version = any(item.get("version") is not None for item in items)
    writes = read_for_change(tx, kind, (item[key] for item in items), now, entering=entering, reads_locks=says_version)
    outcomes: list[Payload | EparchError] = []
    submitted: dict[str, str] = {}
    for call, wanted in zip(calls, parsed, strict=True):
        try:
            if isinstance(wanted, EparchError):
                raise wanted
            entered = writes.enter(call.principal.tenant_id, wanted)
        except EparchError as error:
            outcomes.append(error)
            continue
        if kind.is_flow_run and call.principal.agent_id is not None:
            submitted |= {one.run_id: call.principal.agent_id for one in wanted if one.new.name == "Submitted"}
        outcomes.append({"states": [_told(one, became) for one, became in zip(wanted, entered, strict=True)]})
    _finish(tx, writes)
    _note_agents(tx, submitted, now)
    return outcomes


def _parsed(given: Input, key: str, now: datetime) -> list[Wanted] | EparchError:
    try:
        listens_until = _listens_until(given, now)
        return [
            Wanted(
                item[key],
                parse_state(item["state"], now),
                item.get("version"),
                item.get("flow_run_version"),
                item.get(ONLY_AT),
                listens_until,
            )
            for item in given["states"]
        ]
    except EparchError as error:
        return error


def _listens_until(given: Input, now: datetime) -> datetime | None:
    wait_s = given.get("wait_s") or 0.0
    if not 0 <= wait_s <= WAIT_S_MAX:
        raise BadInput(f"wait_s is {wait_s}: it is from 0 to {WAIT_S_MAX:.0f} seconds.")
    if wait_s and len(given["states"]) != 1:
        raise BadInput(
            f"wait_s waits for the slot of one run, and here are {len(given['states'])}.",
            hint="set each state in a call of its own",
        )
    return now + timedelta(seconds=wait_s) + _GRACE if wait_s else None


def _told(wanted: Wanted, became: Entered) -> dict[str, Any]:
    status = "SUCCESS" if became.waits_for is None else "QUEUED"
    return {"id": wanted.run_id, "status": status, "message": became.waits_for, "version": became.version}


def _finish(tx: Transaction, writes: StateWrites) -> None:
    """Write the changes, and what follows from them: task runs made late, task runs that end with their flow run."""
    if writes.without_task_runs:
        make_task_runs(tx, writes.without_task_runs, writes.now)
    if writes.cancelled:
        _cancel_task_runs(tx, writes.cancelled, writes.now)
    writes.write(tx)


_UNFINISHED: Final = select(task_run.c.id, task_run.c.tenant_id, task_run.c.flow_run_id).where(
    is_one_of(task_run.c.flow_run_id, "flow_run_ids"), task_run.c.state.not_in(sorted(FINISHED))
)


def _cancel_task_runs(tx: Transaction, cancelled: Mapping[str, NewState], now: datetime) -> None:
    """End the unfinished task runs of cancelled flow runs, with the very state of their flow run."""
    unfinished = tx.rows(_UNFINISHED, {"flow_run_ids": listed(cancelled)})
    writes = read_for_change(tx, TASK_RUN, [row.id for row in unfinished], now)
    for row in unfinished:
        writes.enter(row.tenant_id, [Wanted(row.id, cancelled[row.flow_run_id])])
    writes.write(tx)


_AGENTS: Final = select(agent.c.id).where(is_one_of(agent.c.id, "ids"))


def _note_agents(tx: Transaction, agents: Mapping[str, str], now: datetime) -> None:
    """Remember which agent took which run. An agent that has been deleted since is left out."""
    if agents:
        existing = {row.id for row in tx.rows(_AGENTS, {"ids": listed(set(agents.values()))})}
        rows = [
            {"id": run_id, "agent_id": agent_id, "updated": now}
            for run_id, agent_id in agents.items()
            if agent_id in existing
        ]
        update_rows(tx, flow_run, rows)
