"""The question why flow runs do not run.

In charge of gathering the facts, in a few statements for any number of runs; not in charge of what follows from them
(`core.explanations`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Row, bindparam, select

from eparch.core.agent_health import health_of
from eparch.core.errors import BadInput, NotFound
from eparch.core.explanation_facts import AgentFacts, RunFacts, SlotFacts, TaskFacts
from eparch.core.explanations import explain
from eparch.core.principals import Principal
from eparch.core.rescue import are_heartbeats_expected
from eparch.core.states import FINISHED, QUEUEABLE
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import (
    agent,
    edge,
    flow,
    flow_concurrency_limit,
    flow_group,
    flow_run,
    flow_run_heartbeat,
    flow_run_slot,
    flow_run_waiter,
    task,
    task_concurrency_limit,
    task_run,
    task_run_slot,
    task_run_waiter,
    tenant,
)
from eparch.database.transactions import Transaction
from eparch.operations.queue_pause import look_at_tenant
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.slot_waits import slot_waits

RUNS_MAX: Final = 100
HOLDERS_MAX: Final = 5
_TASK_RUNS_MAX: Final = 500
_AGENTS_MAX: Final = 1_000

_TABLES: Final = (
    *(agent, edge, flow, flow_group, flow_run, flow_run_heartbeat, task_run, tenant),
    *(flow_concurrency_limit, flow_run_slot, flow_run_waiter),
    *(task_concurrency_limit, task_run_slot, task_run_waiter),
)


@operation("read:run", is_read=True, tables=_TABLES)
def flow_run_explanation(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return why a flow run does not run, or what it does instead."""
    found = _explained(tx, principal, [given["flow_run_id"]], now)
    if not found:
        raise NotFound(f"There is no flow run {given['flow_run_id']}.")
    return found[0]


@operation("read:run", is_read=True, tables=_TABLES)
def flow_run_explanations(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return the same for several flow runs, in their order; those that do not exist are left out."""
    run_ids = list(dict.fromkeys(given["flow_run_ids"]))
    if len(run_ids) > RUNS_MAX:
        raise BadInput(f"{len(run_ids)} flow runs are too many at once: at most {RUNS_MAX} are explained.")
    return _explained(tx, principal, run_ids, now)


@operation("read:agent", is_read=True, tables=[agent])
def agent_health(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return how each agent is, those that asked last first."""
    rows = tx.rows(_AGENTS, {"tenant": principal.tenant_id, "most": _AGENTS_MAX})
    return [{**row._asdict(), "health": health_of(row.last_queried, now)} for row in rows]


def _explained(tx: Transaction, principal: Principal, run_ids: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    rows = {row.id: row for row in tx.rows(_RUNS, {"ids": listed(run_ids), "tenant": principal.tenant_id})}
    if not rows:
        return []
    look = look_at_tenant(tx, principal.tenant_id)
    agents = [_agent_facts(row) for row in tx.rows(_AGENTS, {"tenant": principal.tenant_id, "most": _AGENTS_MAX})]
    tasks = _unfinished_task_runs(tx, [row.id for row in rows.values() if row.state == "Running"])
    slots = _Slots(tx, now)
    found = []
    for run_id in run_ids:
        if (row := rows.get(run_id)) is None:
            continue
        of_run = tasks.get(run_id, ())
        full = slots.of_flow_run(row) if look.has_limits else ()
        facts = _facts(row, of_run, full or slots.of_task_runs(of_run), is_queue_paused=look.is_paused)
        reasons = explain(facts, agents, now)
        found.append(
            {
                "flow_run_id": run_id,
                "state": row.state,
                "code": reasons[0].code,
                "text": reasons[0].text,
                "reasons": [
                    {"code": one.code, "text": one.text, "hint": one.hint or None, "detail": dict(one.detail)}
                    for one in reasons
                ],
            }
        )
    return found


class _Slots:
    """The limits that keep runs from starting, looked up once for all runs that need the same.

    Their place in line is told only where it was looked up for the very run.
    """

    def __init__(self, tx: Transaction, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._by_labels: dict[frozenset[str], tuple[SlotFacts, ...]] = {}

    def of_flow_run(self, row: Row[Any]) -> tuple[SlotFacts, ...]:
        """Return the full limits of a flow run that is in the queue or was turned down."""
        labels = frozenset(row.labels)
        is_due = row.state_start_time is not None and row.state_start_time <= self._now
        if not labels or not (row.state == "Queued" or (row.state in QUEUEABLE and is_due)):
            return ()
        if labels in self._by_labels:
            return tuple(replace(one, ahead=None) for one in self._by_labels[labels])
        found = self._by_labels[labels] = self._waits(FLOW_RUN, row.id)
        return found

    def of_task_runs(self, tasks: Sequence[TaskFacts]) -> tuple[SlotFacts, ...]:
        """Return the full limits of the first task run that was turned down."""
        first = next((task.id for task in tasks if task.state == "Queued"), None)
        return () if first is None else self._waits(TASK_RUN, first)

    def _waits(self, kind: Kind, run_id: str) -> tuple[SlotFacts, ...]:
        return tuple(
            SlotFacts(
                wait.name,
                wait.slots,
                tuple((one.run_id, one.name or one.run_id) for one in wait.holders[:HOLDERS_MAX]),
                wait.place - 1,
            )
            for wait in slot_waits(self._tx, kind, run_id, self._now)
        )


def _facts(
    row: Row[Any], tasks: Sequence[TaskFacts], slots: tuple[SlotFacts, ...], *, is_queue_paused: bool
) -> RunFacts:
    return RunFacts(
        id=row.id,
        state=row.state,
        state_message=row.state_message,
        state_timestamp=row.state_timestamp,
        state_start_time=row.state_start_time,
        labels=frozenset(row.labels),
        is_queue_paused=is_queue_paused,
        is_flow_archived=row.archived,
        are_heartbeats_expected=are_heartbeats_expected(row.settings),
        agent=row.agent_name,
        heartbeat=row.heartbeat,
        missed_at=row.missed_at,
        tasks=tuple(tasks),
        held_by=row.held_by,
        slots=slots,
    )


def _agent_facts(row: Row[Any]) -> AgentFacts:
    return AgentFacts(row.id, row.name, frozenset(row.labels), row.last_queried)


def _unfinished_task_runs(tx: Transaction, run_ids: Sequence[str]) -> dict[str, list[TaskFacts]]:
    """Return the task runs of Running flow runs that are not finished, with what each waits for, by flow run."""
    if not run_ids:
        return {}
    rows = tx.rows(_TASK_RUNS, {"ids": listed(run_ids), "most": _TASK_RUNS_MAX})
    pending = [row.task_id for row in rows if row.state == "Pending"]
    upstream: dict[tuple[str, str], list[tuple[str, str]]] = {}
    if pending:
        before = tx.rows(_UPSTREAM, {"ids": listed(run_ids), "task_ids": listed(sorted(set(pending)))})
        for row in before:
            upstream.setdefault((row.flow_run_id, row.downstream_task_id), []).append((row.name, row.state))
    found: dict[str, list[TaskFacts]] = {}
    for row in rows:
        waits_for = upstream.get((row.flow_run_id, row.task_id), []) if row.state == "Pending" else []
        name = row.name if row.map_index < 0 else f"{row.name}[{row.map_index}]"
        found.setdefault(row.flow_run_id, []).append(
            TaskFacts(row.id, name, row.state, row.state_start_time, tuple(waits_for))
        )
    return found


_RUNS: Final = (
    select(
        *(flow_run.c.id, flow_run.c.state, flow_run.c.state_message, flow_run.c.state_timestamp),
        *(flow_run.c.state_start_time, flow_run.c.labels, flow_run.c.held_by, flow.c.archived, flow_group.c.settings),
        agent.c.name.label("agent_name"),
        *(flow_run_heartbeat.c.heartbeat, flow_run_heartbeat.c.missed_at),
    )
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .outerjoin(agent, agent.c.id == flow_run.c.agent_id)
    .outerjoin(flow_run_heartbeat, flow_run_heartbeat.c.flow_run_id == flow_run.c.id)
    .where(is_one_of(flow_run.c.id, "ids"), flow_run.c.tenant_id == bindparam("tenant"))
)
_AGENTS: Final = (
    select(agent.c.id, agent.c.name, agent.c.type, agent.c.labels, agent.c.last_queried)
    .where(agent.c.tenant_id == bindparam("tenant"))
    .order_by(agent.c.last_queried.desc(), agent.c.id)
    .limit(bindparam("most", type_=Integer()))
)
_TASK_RUNS: Final = (
    select(
        *(task_run.c.id, task_run.c.flow_run_id, task_run.c.task_id, task_run.c.map_index),
        *(task_run.c.state, task_run.c.state_start_time, task.c.name),
    )
    .join(task, task.c.id == task_run.c.task_id)
    .where(is_one_of(task_run.c.flow_run_id, "ids"), task_run.c.state.not_in(sorted(FINISHED)))
    .order_by(task_run.c.flow_run_id, task_run.c.id)
    .limit(bindparam("most", type_=Integer()))
)
_UPSTREAM: Final = (
    select(task_run.c.flow_run_id, edge.c.downstream_task_id, task.c.name, task_run.c.state)
    .distinct()
    .join(edge, edge.c.upstream_task_id == task_run.c.task_id)
    .join(task, task.c.id == task_run.c.task_id)
    .where(
        is_one_of(task_run.c.flow_run_id, "ids"),
        is_one_of(edge.c.downstream_task_id, "task_ids"),
        task_run.c.map_index < 0,
        task_run.c.state.not_in(sorted(FINISHED)),
    )
    .order_by(task_run.c.flow_run_id, edge.c.downstream_task_id, task.c.name)
)
