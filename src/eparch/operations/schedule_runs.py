"""Schedules turned into runs.

In charge of keeping the next runs of every active schedule in the database, and of how far they have been made; not in
charge of what a schedule means (`core.schedules`) nor of doing so again and again (`services.scheduler`).

A run that a schedule makes carries a key of its instant, parameters and labels, unique within the version of the flow.
So it does not matter how often, from how many servers at once, or after which crash runs are made: each is there once.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Integer, Row, bindparam, false, select, true

from eparch.core.errors import EparchError
from eparch.core.schedule_policies import MisfirePolicy
from eparch.core.schedules import (
    DaylightRule,
    Event,
    Schedule,
    ScheduleError,
    Span,
    auto_schedule_key,
    canonical_payload,
    events_ahead,
    events_between,
    last_events,
    next_look,
    parse_schedule,
)
from eparch.database.bulk import insert_rows, is_one_of, listed, update_rows
from eparch.database.tables import flow, flow_group, flow_run, flow_schedule
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.deletion import delete_auto_scheduled_runs
from eparch.operations.scheduled_flows import ACTIVE, document_of, insert_runs, run_of

logger: Final = logging.getLogger("eparch.schedules")

RUNS_AHEAD: Final = 10
"""How many future runs of a flow are kept in the database."""

SPAN: Final = Span(RUNS_AHEAD)
_RESOLUTION: Final = timedelta(microseconds=1)
_RETRY: Final = timedelta(minutes=10)

MISSED_MAX: Final = 100
"""How many missed instants of a flow get a run at the most, the newest."""


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


def forget_schedules(tx: Transaction, flow_ids: Sequence[str], now: datetime) -> None:
    """Delete the runs that schedules have made and that have not begun, and forget how far they have been made.

    Whatever is scheduled next begins at that moment: instants before it are not missed.
    """
    delete_auto_scheduled_runs(tx, flow_ids, now)
    if flow_ids:
        tx.execute(_FORGET, {"flows": listed(flow_ids)})


def schedule_flow_runs(
    tx: Transaction, flow_ids: Sequence[str] | None, now: datetime, span: Span = SPAN, *, waits: bool = True
) -> Counts:
    """Make the runs that the active schedules of flows lack.

    Instants in the past get runs only where the misfire policy of the flow group says so, and only those since the runs
    were last made.

    Args:
        flow_ids: None means all.
        span: which events after `now` must have a run.
        waits: on PostgreSQL, whether to wait for flows that are being changed at this moment, or to leave them out.
    """
    bound = {} if flow_ids is None else {"flows": listed(flow_ids)}
    rows = tx.rows(_TO_SCHEDULE[flow_ids is None, waits], bound)
    plan = _plan(tx, rows, now, span)
    made = insert_runs(tx, plan.runs)
    insert_rows(tx, flow_schedule, plan.progress, on_conflict=_PROGRESS)
    return Counts(len(rows), made, plan.failed_count)


def refresh_flow_runs(tx: Transaction, flow_ids: Sequence[str], now: datetime) -> None:
    """Give the runs that were made ahead of time what they would get if they were made now; make those that lack.

    Late runs and runs that have been taken keep what they have.
    """
    rows = {row.id: row for row in tx.rows(_TO_SCHEDULE[False, True], {"flows": listed(flow_ids)})}
    by_key: dict[tuple[str, str], dict[str, Any]] = {}
    ahead = tx.rows(_AHEAD, {"flows": listed(rows), "now": now})
    failed: set[str] = set()
    for flow_id, row in rows.items():
        mine = [run.scheduled_start_time for run in ahead if run.flow_id == flow_id]
        if mine:
            with _isolated(flow_id, failed):
                events = events_between(
                    parse_schedule(document_of(row)), now, max(mine), DaylightRule(row.daylight_rule)
                )
                for event in events:
                    key = auto_schedule_key(event.start_time, event.parameter_defaults, event.labels)
                    by_key[flow_id, key] = run_of(row, key, event, now)
    changed = ("updated", "parameters", "labels", "run_config", "held_by")
    found = [(run.id, by_key.get((run.flow_id, run.idempotency_key))) for run in ahead]
    update_rows(
        tx,
        flow_run,
        [{"id": run_id, **{name: new[name] for name in changed}} for run_id, new in found if new is not None],
    )
    if found:
        tx.announce("queue")
        tx.announce("held")
    schedule_flow_runs(tx, flow_ids, now)


def due_flows(tx: Transaction, now: datetime, *, flows_max: int) -> list[str]:
    """Return active flows that must be looked at by now, the longest due first. Nothing is changed."""
    return [row.id for row in tx.rows(_DUE, {"now": now, "limit": flows_max})]


def flows_lacking_runs(tx: Transaction, after: str | None, now: datetime, *, span: Span, flows_max: int) -> Lacking:
    """Return which of the next `flows_max` active flows after the id `after` lack runs. Nothing is changed."""
    rows = tx.rows(_PAGE, {"after": after or "00000000-0000-0000-0000-000000000000", "limit": flows_max})
    plan = _plan(tx, rows, now, span)
    lacking = {run["flow_id"] for run in plan.runs} | {row.id for row in rows if row.made_until is None}
    return Lacking(
        counts=Counts(flows=len(rows), failed_flows=plan.failed_count),
        flow_ids=[row.id for row in rows if row.id in lacking],
        last_flow_id=rows[-1].id if len(rows) == flows_max else None,
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """The rows of the runs that flows lack and of how far each has been made; how many flows cannot be scheduled."""

    runs: list[dict[str, Any]]
    progress: list[dict[str, Any]]
    failed_count: int


def _plan(tx: Transaction, rows: Sequence[Row[Any]], now: datetime, span: Span) -> _Plan:
    """Return what flows lack. One that cannot be scheduled stops no others."""
    failed: set[str] = set()
    wanted: dict[str, dict[str, Event]] = {}
    progress: list[dict[str, Any]] = []
    since = now
    for row in rows:
        with _isolated(row.id, failed):
            schedule, rule = parse_schedule(document_of(row)), DaylightRule(row.daylight_rule)
            ahead = events_ahead(schedule, now, span, rule)
            missed = _missed(row, schedule, now, rule)
            if missed:
                since = min(since, missed[0].start_time - _RESOLUTION)
            wanted[row.id] = {
                auto_schedule_key(event.start_time, event.parameter_defaults, event.labels): event
                for event in (*missed, *ahead)
            }
            made_until = max((event.start_time for event in ahead), default=now)
            due = next_look(ahead, now, span)
            if (made_until, due) != (row.made_until, row.due):
                progress.append({"flow_id": row.id, "made_until": made_until, "due": due})
    taken = {(run.flow_id, run.idempotency_key) for run in tx.rows(_TAKEN, {"flows": listed(wanted), "now": since})}
    runs: list[dict[str, Any]] = []
    for row in rows:
        with _isolated(row.id, failed):
            events = wanted.get(row.id, {})
            runs += [run_of(row, key, event, now) for key, event in events.items() if (row.id, key) not in taken]
    progress = [made for made in progress if made["flow_id"] not in failed]
    # What cannot be carried out now is tried again, but not at every pass.
    progress += [
        {"flow_id": row.id, "made_until": row.made_until, "due": now + _RETRY}
        for row in rows
        if row.id in failed and row.made_until is not None
    ]
    progress.sort(key=itemgetter("flow_id"))
    return _Plan(runs, progress, len(failed))


def _missed(row: Row[Any], schedule: Schedule, now: datetime, rule: DaylightRule) -> list[Event]:
    """Return the events since the runs were last made that the flow group wants to be made up for."""
    if row.misfire_policy == MisfirePolicy.SKIP or row.made_until is None or row.made_until >= now:
        return []
    events = last_events(schedule, row.made_until, now, MISSED_MAX, rule)
    if row.misfire_policy == MisfirePolicy.LATEST:
        by_clock = {canonical_payload(event.parameter_defaults, event.labels): event for event in events}
        return sorted(by_clock.values(), key=lambda event: event.start_time)
    return events


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


# While runs are made, nobody archives the flow, switches it off or gives its group another schedule.
_TO_SCHEDULE: Final = {
    (of_all, waits): (ACTIVE if of_all else ACTIVE.where(is_one_of(flow.c.id, "flows"))).with_for_update(
        read=True, of=[flow, flow_group], skip_locked=not waits
    )
    for of_all in (True, False)
    for waits in (True, False)
}
_PAGE: Final = ACTIVE.where(flow.c.id > bindparam("after")).limit(bindparam("limit", type_=Integer()))
_TAKEN: Final = select(flow_run.c.flow_id, flow_run.c.idempotency_key).where(
    is_one_of(flow_run.c.flow_id, "flows"),
    flow_run.c.scheduled_start_time > bindparam("now", type_=Timestamp()),
    flow_run.c.idempotency_key.is_not(None),
)
_DUE: Final = (
    select(flow.c.id)
    .join(flow_schedule, flow_schedule.c.flow_id == flow.c.id)
    .where(
        flow_schedule.c.due <= bindparam("now", type_=Timestamp()),
        flow.c.is_schedule_active == true(),
        flow.c.archived == false(),
    )
    .order_by(flow_schedule.c.due, flow.c.id)
    .limit(bindparam("limit", type_=Integer()))
)
_FORGET: Final = flow_schedule.delete().where(is_one_of(flow_schedule.c.flow_id, "flows"))
_PROGRESS: Final = "ON CONFLICT (flow_id) DO UPDATE SET made_until = excluded.made_until, due = excluded.due"
_AHEAD: Final = (
    select(flow_run.c.id, flow_run.c.flow_id, flow_run.c.idempotency_key, flow_run.c.scheduled_start_time)
    .where(
        is_one_of(flow_run.c.flow_id, "flows"),
        flow_run.c.scheduled_start_time > bindparam("now", type_=Timestamp()),
        flow_run.c.end_time.is_(None),
        flow_run.c.auto_scheduled.is_(True),
        flow_run.c.state == "Scheduled",
        # What has begun goes on with what it began with.
        flow_run.c.start_time.is_(None),
    )
    .order_by(flow_run.c.id)
    .with_for_update()
)
