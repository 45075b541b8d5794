"""Flows with a schedule: how they are read, and the rows of the runs that they get.

In charge of what the mutations of schedules, the scheduler and backfills share; not in charge of which runs are made.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, false, or_, select, true

from eparch.core.run_defaults import FlowDefaults, run_config_of_run, run_labels, run_parameters
from eparch.core.schedule_policies import HOLDER, is_held
from eparch.core.schedules import Event
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state, flow_schedule
from eparch.database.transactions import Transaction
from eparch.operations.run_rows import first_state_row, flow_run_row


def document_of(row: Row[Any]) -> Mapping[str, Any]:
    """Return the schedule that counts: the group's hides the flow's."""
    document: Mapping[str, Any] = row.schedule if row.group_schedule is None else row.group_schedule
    return document


def defaults_of(row: Row[Any]) -> FlowDefaults:
    return FlowDefaults(
        row.parameters, row.run_config, row.environment, row.group_labels, row.group_run_config, row.group_parameters
    )


def run_of(row: Row[Any], key: str, event: Event, now: datetime) -> dict[str, Any]:
    defaults = defaults_of(row)
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
        held_by=HOLDER if is_held(row.misfire_policy, row.overlap_policy) else None,
    )


def insert_runs(tx: Transaction, runs: list[dict[str, Any]]) -> int:
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
    if any(run["held_by"] is None for run in runs):
        tx.announce("queue")
    if any(run["held_by"] is not None for run in runs):
        tx.announce("held")
    return inserted


_ONCE: Final = "ON CONFLICT (flow_id, idempotency_key) DO NOTHING"

SCHEDULED: Final[Select[Any]] = (
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
        flow_group.c.misfire_policy,
        flow_group.c.overlap_policy,
        flow_group.c.daylight_rule,
        flow_schedule.c.made_until,
        flow_schedule.c.due,
    )
    .join(flow_group, flow_group.c.id == flow.c.flow_group_id)
    .outerjoin(flow_schedule, flow_schedule.c.flow_id == flow.c.id)
    .where(or_(flow.c.schedule.is_not(None), flow_group.c.schedule.is_not(None)))
)
# Compared with true and false, which SQLite writes as 1 and 0: word for word the condition of a partial index.
CURRENT: Final = (
    SCHEDULED.where(flow.c.flow_group_id == bindparam("group"), flow.c.archived == false())
    .order_by(flow.c.version.desc())
    .limit(1)
)
ACTIVE: Final = SCHEDULED.where(flow.c.is_schedule_active == true(), flow.c.archived == false()).order_by(flow.c.id)
_EXISTING: Final = select(flow_run.c.id).where(is_one_of(flow_run.c.id, "runs"))
