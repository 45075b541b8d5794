"""The work queue: which runs are due, and for which agent.

In charge of finding due runs, of handing them out, and of taking them for an agent that long-polls; not in charge of
waiting for them (`server`).

A flow run is due when it waits for an instant that has come, or when it is Running and one of its task runs waits for
an instant that has come (an approval) or, in Retrying, that passed a little ago: a process that lives makes its retries
itself, and no second one must be started beside it (`core.offers`). It fits an agent if all its labels are among the
agent's; runs without labels go only to agents without labels. The labels are compared by the database, so that any
number of other agents' runs cannot hide the ones that fit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Integer, Row, Select, Text, bindparam, func, select, true, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from eparch.core.errors import BadInput
from eparch.core.offers import RETRY_GRACE
from eparch.core.principals import Principal
from eparch.core.states import QUEUEABLE, RUNNING
from eparch.core.transitions import NewState, made_state
from eparch.database.bulk import has_any, is_one_of, listed
from eparch.database.tables import agent, flow, flow_concurrency_limit, flow_run, flow_run_slot, task_run
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.label_kinds import BY_LABELS, is_of_fitting_kind
from eparch.operations.queue_pause import look_at_tenant
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN
from eparch.operations.slot_lines import hand_out
from eparch.operations.states import enter_states
from eparch.operations.task_runs import make_task_runs
from eparch.operations.tenancy import tenant_of

RUNS_MAX: Final = 25
CLAIM_MAX: Final = 200
PREFETCH_S_MAX: Final = 3600.0

_ASKED_NO_MORE: Final = "The process that waited for a slot has not asked for it any more; scheduled anew."


@operation("update:run")
def get_runs_in_queue(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return the ids of due runs that fit an agent, first ones first; they stay in the queue until their state changes.

    Of runs with limited labels no more are offered than slots are free.
    """
    tenant_id = tenant_of(principal, given)
    _touch_agent(tx, principal, now)
    look = look_at_tenant(tx, tenant_id)
    if look.is_paused:
        return {"flow_run_ids": []}
    bound = {**_fit(tenant_id, given.get("labels")), **_instants(given.get("before") or now, now)}
    rows = _due(tx, bound, RUNS_MAX, now, has_limits=look.has_limits, locks=False)
    bare = [row.id for row in rows if not row.has_task_runs]
    if bare:
        make_task_runs(tx, bare, now)
    # Agents of Prefect 1.x start a flow run only from Scheduled. These waited for a slot in processes that are no more.
    left = [(row.id, made_state("Scheduled", _ASKED_NO_MORE, start_time=now)) for row in rows if row.state == "Queued"]
    if left:
        enter_states(tx, FLOW_RUN, tenant_id, left, now)
    return {"flow_run_ids": [row.id for row in rows]}


@operation("update:run")
def claim_flow_runs(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Take due runs that fit an agent: mark them Submitted, and return all that is needed to start them.

    Of several agents that ask at once each run goes to one. An empty list means that nothing is due, or that no slot is
    free for what is.
    """
    limit = 10 if given.get("limit") is None else given["limit"]
    if not 1 <= limit <= CLAIM_MAX:
        raise BadInput(f"A limit of {limit} runs is not possible: it is from 1 to {CLAIM_MAX}.")
    prefetch_s = given.get("prefetch_s") or 0.0
    if not 0 <= prefetch_s <= PREFETCH_S_MAX:
        raise BadInput(f"prefetch_s is {prefetch_s}: it is from 0 to {PREFETCH_S_MAX:.0f} seconds.")
    tenant_id = tenant_of(principal, given)
    _touch_agent(tx, principal, now)
    look = look_at_tenant(tx, tenant_id)
    if look.is_paused:
        return {"flow_runs": []}
    instants = _instants(now + timedelta(seconds=prefetch_s), now)
    bound = {**_fit(tenant_id, given.get("labels")), **instants}
    rows = _due(tx, bound, limit, now, has_limits=look.has_limits, locks=tx.is_postgresql)
    waiting = [row for row in rows if row.state in QUEUEABLE]
    documents = {row.id: row.serialized_state for row in tx.rows(_DOCUMENTS, {"ids": listed(r.id for r in waiting)})}
    enter_states(tx, FLOW_RUN, tenant_id, [(row.id, _submitted(documents[row.id])) for row in waiting], now)
    if principal.agent_id is not None and rows:
        _sign(tx, [row.id for row in waiting], principal.agent_id)
    resumed = _submit_task_runs(tx, tenant_id, [row.id for row in rows if row.state not in QUEUEABLE], instants, now)
    # A run that is neither was taken by another agent after this one looked and before it had the lock.
    mine = [row.id for row in rows if row.state in QUEUEABLE or row.id in resumed]
    return {"flow_runs": _claimed(tx, mine, resumed)}


def next_due(
    tx: Transaction, tenant_id: str, labels: Sequence[str] | None, now: datetime, prefetch: timedelta = timedelta()
) -> datetime | None:
    """Return the instant after `now` at which a claim gets the next run that fits an agent; None if none waits.

    Args:
        prefetch: how far the claim looks ahead; to a retry it never does.
    """
    bound = {**_fit(tenant_id, labels), "after": now + prefetch, "retries_after": now - RETRY_GRACE}
    ahead = {_NEXT: -prefetch, _NEXT_RESUMING: -prefetch, _NEXT_RETRYING: RETRY_GRACE}
    found = [(tx.scalar(statement, bound), offset) for statement, offset in ahead.items()]
    return min((instant + offset for instant, offset in found if instant is not None), default=None)


def _due(
    tx: Transaction, bound: Mapping[str, object], limit: int, now: datetime, *, has_limits: bool, locks: bool
) -> list[Row[Any]]:
    """Return the first due runs that fit an agent and for which slots are free.

    Runs whose labels are limited are looked at only while slots are free: the work does not grow with those that wait.
    """
    bound = {**bound, "limit": limit}
    if not has_limits:
        return list(tx.rows(_DUE[locks, False], bound))
    full = {row.name for row in tx.rows(_FULL, {"tenant_id": bound["tenant_id"]})}
    found: list[Row[Any]] = []
    seen: list[str] = []
    while len(found) < limit:
        rows = tx.rows(_DUE[locks, True], {**bound, "full": listed(full), "seen": listed(seen)})
        waiting = [row.id for row in rows if row.state in QUEUEABLE]
        turn_down = hand_out(tx, FLOW_RUN, waiting, now, locks=locks)
        found += [row for row in rows if row.id not in turn_down]
        seen += [row.id for row in rows]
        if len(rows) < limit or not turn_down:
            break
        full |= {name for names in turn_down.values() for name in names}
    return found[:limit]


def _fit(tenant_id: str, labels: Sequence[str] | None) -> dict[str, object]:
    return {"tenant_id": tenant_id, "labels": listed(sorted(set(labels or ()))), "is_bare": not labels}


def _instants(before: datetime, now: datetime) -> dict[str, datetime]:
    """Return until when a run may be due. However far an agent looks ahead, a retry has its grace."""
    return {"before": before, "retries_before": min(before, now) - RETRY_GRACE}


def _touch_agent(tx: Transaction, principal: Principal, now: datetime) -> None:
    """Note that an agent has asked. Its health is judged by this alone."""
    if principal.agent_id is not None:
        tx.execute(
            agent.update()
            .where(agent.c.id == principal.agent_id, agent.c.tenant_id == principal.tenant_id)
            .values(last_queried=now, updated=now)
        )


def _sign(tx: Transaction, run_ids: Sequence[str], agent_id: str) -> None:
    known = select(agent.c.id).where(agent.c.id == agent_id).scalar_subquery()
    tx.execute(
        flow_run.update().where(is_one_of(flow_run.c.id, "ids")).values(agent_id=known), {"ids": listed(run_ids)}
    )


def _submitted(document: Any) -> NewState:
    new = made_state("Submitted", "Submitted for execution.")
    return NewState(new.name, {**new.document, "state": document}, new.message, None)


def _submit_task_runs(
    tx: Transaction, tenant_id: str, flow_run_ids: Sequence[str], instants: Mapping[str, datetime], now: datetime
) -> dict[str, list[dict[str, Any]]]:
    """Mark due task runs Submitted, so that they are handed out once; return what they waited as, by flow run."""
    rows = tx.rows(_DUE_TASK_RUNS, {"flow_run_ids": listed(flow_run_ids), **instants}) if flow_run_ids else []
    enter_states(tx, TASK_RUN, tenant_id, [(row.id, _submitted(row.serialized_state)) for row in rows], now)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        shown = {"id": row.id, "version": row.version, "state": row.state, "serialized_state": row.serialized_state}
        found.setdefault(row.flow_run_id, []).append(shown)
    return found


def _claimed(tx: Transaction, run_ids: Sequence[str], resumed: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    rows = {row.id: row for row in tx.rows(_DETAILS, {"ids": listed(run_ids)})}
    return [
        {
            **{column.name: getattr(row, column.name) for column in _RUN_DETAILS},
            "flow": {column.name: getattr(row, f"flow_{column.name}") for column in _FLOW_DETAILS},
            "task_runs": resumed.get(row.id, []),
        }
        for row in (rows[run_id] for run_id in run_ids)
    ]


class _Fits(FunctionElement[bool]):
    """All of a run's labels are among an agent's."""

    type = Boolean()
    inherit_cache = True


@compiles(_Fits, "sqlite")
def _fits_sqlite(element: _Fits, compiler: SQLCompiler, **options: Any) -> str:
    run, mine = (compiler.process(clause, **options) for clause in element.clauses)
    return f"NOT EXISTS (SELECT 1 FROM json_each({run}) WHERE value NOT IN (SELECT value FROM json_each({mine})))"


@compiles(_Fits, "postgresql")
def _fits_postgresql(element: _Fits, compiler: SQLCompiler, **options: Any) -> str:
    run, mine = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST({run} AS jsonb) <@ CAST({mine} AS jsonb)"


_LABELS = bindparam("labels", type_=Text())
_FITS: Final[ColumnElement[bool]] = _Fits(flow_run.c.labels, _LABELS) & (
    (func.json_array_length(flow_run.c.labels, type_=Integer()) == 0) == bindparam("is_bare", type_=Boolean())
)

_WAITS: Final = in_states(flow_run, QUEUEABLE) & flow_run.c.held_by.is_(None)
_TASK_WAITS: Final = in_states(task_run, QUEUEABLE)
_ACTIVE: Final = in_states(flow_run, RUNNING | {"Submitted"})

_BEFORE = bindparam("before", type_=Timestamp())
_TASK_DUE: Final = (
    _TASK_WAITS
    & (task_run.c.state_start_time <= _BEFORE)
    & (
        (task_run.c.state != "Retrying")
        | (task_run.c.state_start_time <= bindparam("retries_before", type_=Timestamp()))
    )
)
_MINE = flow_run.c.tenant_id == bindparam("tenant_id")
_COLUMNS = (flow_run.c.id, flow_run.c.state, flow_run.c.has_task_runs, flow_run.c.priority)

_WAITING = (
    select(*_COLUMNS, flow_run.c.state_start_time.label("due"))
    .where(_MINE, _WAITS, flow_run.c.state_start_time <= _BEFORE, is_of_fitting_kind())
    .with_hint(flow_run, BY_LABELS, "sqlite")
)
_RESUMING = (
    select(*_COLUMNS, func.min(task_run.c.state_start_time, type_=Timestamp()).label("due"))
    .join(task_run, task_run.c.flow_run_id == flow_run.c.id)
    .where(_MINE, _ACTIVE, flow_run.c.state == "Running", _TASK_DUE, _FITS)
    .group_by(*_COLUMNS)
)


def _due_runs(*, locks: bool, has_limits: bool) -> Select[Any]:
    """Return the statement for due runs: the higher priority first, then the longest due."""
    waiting = _WAITING
    if has_limits:
        waiting = waiting.where(~has_any(flow_run.c.labels, "full"), ~is_one_of(flow_run.c.id, "seen"))
    both = union_all(waiting, _RESUMING).subquery("both")
    limit = bindparam("limit", type_=Integer())
    ordered = select(both).order_by(both.c.priority.desc(), both.c.due, both.c.id)
    if not locks:
        return ordered.limit(limit)
    # Each run is looked up by its id and locked when its turn comes. To a plain join PostgreSQL, which guesses that
    # thousands of runs fit, would bring all runs in the order of their ids: 60 ms for one that fits among 100,000.
    queue = ordered.subquery("queue")
    locked = select(*_COLUMNS).where(flow_run.c.id == queue.c.id).with_for_update(skip_locked=True).lateral("locked")
    joined = select(locked).select_from(queue).join(locked, true())
    return joined.order_by(queue.c.priority.desc(), queue.c.due, queue.c.id).limit(limit)


_DUE: Final = {
    (locks, has_limits): _due_runs(locks=locks, has_limits=has_limits)
    for locks in (True, False)
    for has_limits in (True, False)
}
_TAKEN: Final = (
    select(func.count(type_=Integer())).where(flow_run_slot.c.limit_id == flow_concurrency_limit.c.id).scalar_subquery()
)
_FULL: Final = select(flow_concurrency_limit.c.name).where(
    flow_concurrency_limit.c.tenant_id == bindparam("tenant_id"), flow_concurrency_limit.c.limit <= _TAKEN
)
_NEXT: Final[Select[Any]] = (
    select(func.min(flow_run.c.state_start_time, type_=Timestamp()))
    .where(_MINE, _WAITS, flow_run.c.state_start_time > bindparam("after", type_=Timestamp()), is_of_fitting_kind())
    .with_hint(flow_run, BY_LABELS, "sqlite")
)
_NEXT_TASK_RUN: Final = (
    select(func.min(task_run.c.state_start_time, type_=Timestamp()))
    .join(flow_run, flow_run.c.id == task_run.c.flow_run_id)
    .where(_MINE, _ACTIVE, flow_run.c.state == "Running", _TASK_WAITS, _FITS)
)
_NEXT_RESUMING: Final = _NEXT_TASK_RUN.where(
    task_run.c.state != "Retrying", task_run.c.state_start_time > bindparam("after", type_=Timestamp())
)
_NEXT_RETRYING: Final = _NEXT_TASK_RUN.where(
    task_run.c.state == "Retrying", task_run.c.state_start_time > bindparam("retries_after", type_=Timestamp())
)
_DUE_TASK_RUNS: Final = (
    select(task_run.c.id, task_run.c.flow_run_id, task_run.c.version, task_run.c.state, task_run.c.serialized_state)
    .where(is_one_of(task_run.c.flow_run_id, "flow_run_ids"), _TASK_DUE)
    .order_by(task_run.c.id)
)
_DOCUMENTS: Final = select(flow_run.c.id, flow_run.c.serialized_state).where(is_one_of(flow_run.c.id, "ids"))
_RUN_DETAILS = (
    *(flow_run.c.id, flow_run.c.name, flow_run.c.version, flow_run.c.parameters, flow_run.c.context),
    *(flow_run.c.labels, flow_run.c.run_config, flow_run.c.scheduled_start_time, flow_run.c.serialized_state),
)
_FLOW_DETAILS = (
    *(flow.c.id, flow.c.flow_group_id, flow.c.name, flow.c.version, flow.c.core_version),
    *(flow.c.storage, flow.c.run_config, flow.c.serialized_flow),
)
_DETAILS: Final = (
    select(*_RUN_DETAILS, *(column.label(f"flow_{column.name}") for column in _FLOW_DETAILS))
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .where(is_one_of(flow_run.c.id, "ids"))
)
