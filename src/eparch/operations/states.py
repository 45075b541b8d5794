"""Changes of state: what clients report of their runs, and what people ask of them.

In charge of the mutations; the rules are in `core.transitions`, and reading and writing in `state_writes`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
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
from eparch.operations.state_writes import FLOW_RUN, TASK_RUN, Kind, StateWrites, Wanted, read_for_change
from eparch.operations.task_runs import make_task_runs


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
    writes = read_for_change(tx, kind, [run_id for run_id, _ in wanted], now)
    writes.enter(tenant_id, [Wanted(run_id, new) for run_id, new in wanted])
    _finish(tx, writes)


def _set_one(tx: Transaction, kind: Kind, principal: Principal, given: Input, now: datetime) -> Payload:
    (outcome,) = _set_states(tx, kind, [Call(principal, {"states": [given]})], now)
    if isinstance(outcome, EparchError):
        raise outcome
    return {"id": given[kind.run_id]}


def _set_states(tx: Transaction, kind: Kind, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    key = kind.run_id
    parsed = [_parsed(call.input["states"], key, now) for call in calls]
    items = [item for call in calls for item in call.input["states"]]
    says_version = any(item.get("version") is not None for item in items)
    writes = read_for_change(tx, kind, (item[key] for item in items), now, reads_locks=says_version)
    outcomes: list[Payload | EparchError] = []
    submitted: dict[str, str] = {}
    for call, wanted in zip(calls, parsed, strict=True):
        try:
            if isinstance(wanted, EparchError):
                raise wanted
            writes.enter(call.principal.tenant_id, wanted)
        except EparchError as error:
            outcomes.append(error)
            continue
        if kind.is_flow_run and call.principal.agent_id is not None:
            submitted |= {one.run_id: call.principal.agent_id for one in wanted if one.new.name == "Submitted"}
        outcomes.append({"states": [{"id": one.run_id, "status": "SUCCESS", "message": None} for one in wanted]})
    _finish(tx, writes)
    _note_agents(tx, submitted, now)
    return outcomes


def _parsed(items: Sequence[Mapping[str, Any]], key: str, now: datetime) -> list[Wanted] | EparchError:
    try:
        return [
            Wanted(item[key], parse_state(item["state"], now), item.get("version"), item.get("flow_run_version"))
            for item in items
        ]
    except EparchError as error:
        return error


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
