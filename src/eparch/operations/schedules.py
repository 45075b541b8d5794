"""Schedules: switched on and off, and turned into runs.

In charge of keeping the next runs of every active schedule in the database; not in charge of what a schedule means
(`core.schedules`) nor of doing so again and again (`services.scheduler`).

A run that a schedule makes carries a key of its instant, parameters and labels, unique within the version of the flow.
So it does not matter how often, from how many servers at once, or after which crash runs are made: each is there once.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Row, Select, bindparam, false, or_, select, true

from eparch.core.errors import BadInput, EparchError
from eparch.core.principals import Principal
from eparch.core.run_defaults import FlowDefaults, run_config_of_run, run_labels, run_parameters, unfilled_parameters
from eparch.core.schedules import Event, ScheduleError, auto_schedule_key, next_events, parse_schedule
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.deletion import delete_auto_scheduled_runs
from eparch.operations.locks import lock_flow
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.run_rows import first_state_row, flow_run_row

logger: Final = logging.getLogger("eparch.schedules")

RUNS_AHEAD: Final = 10
"""How many future runs of a flow are kept in the database."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one look at schedules has come to.

    Attributes:
        flows: how many active schedules were looked at.
        flow_runs: how many runs were made.
        failed_flows: how many flows had a schedule that cannot be carried out.
    """

    flows: int = 0
    flow_runs: int = 0
    failed_flows: int = 0


@dataclass(frozen=True, slots=True)
class Lacking:
    """A page of active schedules, as seen without changing anything.

    Attributes:
        flow_ids: the flows that lack runs.
        last_flow_id: where the next page begins; None at the end.
    """

    counts: Counts
    flow_ids: list[str]
    last_flow_id: str | None


@operation("create:run")
def set_schedule_active(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Switch the schedule of a flow on and make its next runs."""
    row = lock_flow(tx, principal.tenant_id, given["flow_id"])
    return {"success": row is not None and activate(tx, row.id, now)}


@operation("delete:run")
def set_schedule_inactive(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Switch the schedule of a flow off and delete the runs that it has made and that have not been taken yet."""
    row = lock_flow(tx, principal.tenant_id, given["flow_id"])
    if row is None:
        return {"success": False}
    if row.is_schedule_active:
        tx.execute(flow.update().where(flow.c.id == row.id).values(is_schedule_active=False, updated=now))
    delete_auto_scheduled_runs(tx, [row.id])
    return {"success": True}


def activate(tx: Transaction, flow_id: str, now: datetime) -> bool:
    """Switch the schedule of a locked flow on and make its next runs; return False where it has no schedule.

    An archived flow is switched on too, for the day when it is unarchived, and gets no runs.

    Raises:
        BadInput: the schedule cannot be carried out, or a clock does not give a required parameter. Nothing is changed.
    """
    row = tx.row(_ONE, {"flow": flow_id})
    if row is None:
        return False
    _check(row)
    if not row.is_schedule_active:
        tx.execute(flow.update().where(flow.c.id == flow_id).values(is_schedule_active=True, updated=now))
    schedule_flow_runs(tx, [flow_id], now)
    return True


def check_schedules(tx: Transaction, flow_ids: Sequence[str]) -> None:
    """Do nothing, or raise if the active schedule of a flow among `flow_ids` cannot be carried out.

    Raises:
        BadInput: its clocks do not give a required parameter, or the schedule is not one.
    """
    for row in tx.rows(_ACTIVE.where(is_one_of(flow.c.id, "flows")), {"flows": listed(flow_ids)}):
        _check(row)


def schedule_flow_runs(
    tx: Transaction, flow_ids: Sequence[str] | None, now: datetime, runs_ahead: int = RUNS_AHEAD, *, waits: bool = True
) -> Counts:
    """Make the runs that the active schedules of flows lack.

    Args:
        flow_ids: None means all.
        runs_ahead: how many events after `now` must have a run; events in the past never get one.
        waits: on PostgreSQL, whether to wait for flows that are being changed at this moment, or to leave them out.
    """
    bound = {} if flow_ids is None else {"flows": listed(flow_ids)}
    rows = tx.rows(_TO_SCHEDULE[flow_ids is None, waits], bound)
    runs, failed_count = _missing_runs(tx, rows, now, runs_ahead)
    return Counts(len(rows), _insert(tx, runs), failed_count)


def flows_lacking_runs(
    tx: Transaction, after: str | None, now: datetime, *, runs_ahead: int, flows_max: int
) -> Lacking:
    """Return which of the next `flows_max` active flows after the id `after` lack runs. Nothing is changed."""
    rows = tx.rows(_PAGE, {"after": after or "00000000-0000-0000-0000-000000000000", "limit": flows_max})
    runs, failed_count = _missing_runs(tx, rows, now, runs_ahead)
    return Lacking(
        counts=Counts(flows=len(rows), failed_flows=failed_count),
        flow_ids=list(dict.fromkeys(run["flow_id"] for run in runs)),
        last_flow_id=rows[-1].id if len(rows) == flows_max else None,
    )


def _missing_runs(
    tx: Transaction, rows: Sequence[Row[Any]], now: datetime, runs_ahead: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the rows of the runs that flows lack, and how many flows cannot be scheduled, which stop no others."""
    failed: set[str] = set()
    wanted: dict[str, dict[str, Event]] = {}
    for row in rows:
        with _isolated(row.id, failed):
            wanted[row.id] = _events(row, now, runs_ahead)
    taken = {(run.flow_id, run.idempotency_key) for run in tx.rows(_TAKEN, {"flows": listed(wanted), "now": now})}
    runs: list[dict[str, Any]] = []
    for row in rows:
        with _isolated(row.id, failed):
            events = wanted.get(row.id, {})
            runs += [_run(row, key, event, now) for key, event in events.items() if (row.id, key) not in taken]
    return runs, len(failed)


@contextmanager
def _isolated(flow_id: str, failed: set[str]) -> Iterator[None]:
    """Keep what is wrong with one flow from the others: tell the log and note the flow."""
    try:
        yield
    except (ScheduleError, EparchError) as error:
        logger.warning("Flow %s gets no scheduled runs: %s", flow_id, error)
        failed.add(flow_id)
    except Exception:
        # A fault of ours, met in one document. The others have done nothing to deserve it.
        logger.exception("Flow %s gets no scheduled runs.", flow_id)
        failed.add(flow_id)


def _events(row: Row[Any], now: datetime, runs_ahead: int) -> dict[str, Event]:
    events = next_events(parse_schedule(_document(row)), now, runs_ahead)
    return {auto_schedule_key(event.start_time, event.parameter_defaults, event.labels): event for event in events}


def _document(row: Row[Any]) -> Mapping[str, Any]:
    """Return the schedule that counts: the group's hides the flow's."""
    document: Mapping[str, Any] = row.schedule if row.group_schedule is None else row.group_schedule
    return document


def _defaults(row: Row[Any]) -> FlowDefaults:
    return FlowDefaults(
        row.parameters, row.run_config, row.environment, row.group_labels, row.group_run_config, row.group_parameters
    )


def _run(row: Row[Any], key: str, event: Event, now: datetime) -> dict[str, Any]:
    defaults = _defaults(row)
    return flow_run_row(
        tenant_id=row.tenant_id,
        flow_id=row.id,
        now=now,
        scheduled_start_time=event.start_time,
        labels=run_labels(defaults, event.labels, None),
        parameters=run_parameters(defaults, event.parameter_defaults),
        run_config=run_config_of_run(defaults, None),
        idempotency_key=key,
        auto_scheduled=True,
    )


def _insert(tx: Transaction, runs: list[dict[str, Any]]) -> int:
    """Insert runs with their first states; return how many were not there yet."""
    # One order for everybody: servers that insert the same keys wait for each other, but never in a circle.
    runs.sort(key=lambda run: (run["flow_id"], run["idempotency_key"]))
    inserted = insert_rows(tx, flow_run, runs, on_conflict=_ONCE)
    if inserted != len(runs):
        # Another server was faster for some, or a run with such a key was made by hand: those have their states.
        mine = {row.id for row in tx.rows(_EXISTING, {"runs": listed(run["id"] for run in runs)})}
        runs = [run for run in runs if run["id"] in mine]
    insert_rows(tx, flow_run_state, [first_state_row(run) for run in runs])
    tx.notes.states[flow_run.name, "Scheduled"] += len(runs)
    if inserted:
        tx.announce("queue")
    return inserted


def _check(row: Row[Any]) -> None:
    try:
        clocks = parse_schedule(_document(row)).clocks
    except ScheduleError as error:
        raise BadInput(f"The schedule of flow {row.id} cannot be carried out: {error}.") from error
    needed = unfilled_parameters(_defaults(row))
    missing = sorted({name for clock in clocks for name in needed - clock.parameter_defaults.keys()})
    if missing:
        raise BadInput(
            f"Flow {row.id} has required parameters that its schedule does not give: {', '.join(missing)}.",
            hint="give them in every clock, or as default parameters of the flow group",
            detail={"parameters": missing},
        )


_ONCE: Final = "ON CONFLICT (flow_id, idempotency_key) DO NOTHING"

_SCHEDULED: Final[Select[Any]] = (
    select(
        flow.c.id,
        flow.c.tenant_id,
        flow.c.is_schedule_active,
        flow.c.schedule,
        flow.c.parameters,
        flow.c.run_config,
        flow.c.environment,
        flow_group.c.schedule.label("group_schedule"),
        flow_group.c.labels.label("group_labels"),
        flow_group.c.run_config.label("group_run_config"),
        flow_group.c.default_parameters.label("group_parameters"),
    )
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .where(or_(flow.c.schedule.is_not(None), flow_group.c.schedule.is_not(None)))
)
# Compared with true and false, which SQLite writes as 1 and 0: word for word the condition of a partial index.
_ACTIVE: Final = _SCHEDULED.where(flow.c.is_schedule_active == true(), flow.c.archived == false()).order_by(flow.c.id)
_ONE: Final = _SCHEDULED.where(flow.c.id == bindparam("flow"))
# While runs are made, nobody archives the flow, switches it off or gives its group another schedule.
_TO_SCHEDULE: Final = {
    (of_all, waits): (_ACTIVE if of_all else _ACTIVE.where(is_one_of(flow.c.id, "flows"))).with_for_update(
        read=True, of=[flow, flow_group], skip_locked=not waits
    )
    for of_all in (True, False)
    for waits in (True, False)
}
_PAGE: Final = _ACTIVE.where(flow.c.id > bindparam("after")).limit(bindparam("limit", type_=Integer()))
_TAKEN: Final = select(flow_run.c.flow_id, flow_run.c.idempotency_key).where(
    is_one_of(flow_run.c.flow_id, "flows"),
    flow_run.c.scheduled_start_time > bindparam("now", type_=Timestamp()),
    flow_run.c.idempotency_key.is_not(None),
)
_EXISTING: Final = select(flow_run.c.id).where(is_one_of(flow_run.c.id, "runs"))
