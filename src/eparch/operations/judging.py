"""Held runs that are due: let through, made to wait, or skipped, by the policies of their flow group.

In charge of reading the runs of a group and of carrying the verdict out; not in charge of the rules
(`core.schedule_policies`) nor of when it happens (`services.dispatcher`).

A group is locked while it is judged, so two servers cannot let two runs of it through. What is skipped or must wait
says why in its state and in its log.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, Row, bindparam, false, func, or_, select, true

from eparch.core.schedule_policies import HOLDER, ScheduledRun, Verdict, judge
from eparch.core.schedules import canonical_payload
from eparch.core.transitions import NewState, made_state
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import flow, flow_group, flow_run, flow_schedule, log
from eparch.database.tables._columns import is_held
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.identity import new_id
from eparch.operations.run_kinds import FLOW_RUN
from eparch.operations.schedule_runs import schedule_flow_runs
from eparch.operations.states import cancel_flow_runs, enter_states

_LOGGER: Final = "eparch.Dispatcher"
_WAITING: Final = "Waiting for "


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of held runs that were due.

    Attributes:
        released: how many may be handed out now.
        skipped: how many will not run.
        held: how many wait for others to end.
        cancelled: how many others were asked to stop.
        left_groups: how many flow groups could not be judged, because somebody held them.
    """

    released: int = 0
    skipped: int = 0
    held: int = 0
    cancelled: int = 0
    left_groups: int = 0

    def __add__(self, other: "Judged") -> "Judged":
        return Judged(
            self.released + other.released,
            self.skipped + other.skipped,
            self.held + other.held,
            self.cancelled + other.cancelled,
            self.left_groups + other.left_groups,
        )


def groups_to_judge(tx: Transaction, now: datetime, *, limit: int) -> list[str]:
    """Return flow groups with held runs that are due, the longest due first. Nothing is changed."""
    return [row.id for row in tx.rows(_DUE_GROUPS, {"now": now, "limit": limit})]


def next_held(tx: Transaction, now: datetime) -> datetime | None:
    """Return when the next held run after `now` is due, None where there is none."""
    found: datetime | None = tx.scalar(_NEXT_HELD, {"now": now})
    return found


def judge_groups(tx: Transaction, group_ids: Sequence[str], now: datetime) -> Judged:
    """Judge the held runs of flow groups that are due. Groups that somebody else holds at this moment are left out."""
    groups = tx.rows(_LOCKED_GROUPS, {"groups": listed(group_ids)})
    judged = Judged(left_groups=len(group_ids) - len(groups))
    for group in groups:
        bound = {"group": group.id, "now": now}
        if group.misfire_policy != "skip":
            # What was missed has its runs before anything is judged, or an older one would be let through.
            schedule_flow_runs(tx, [row.id for row in tx.rows(_LATE_FLOWS, bound)], now)
        rows = tx.rows(_UNFINISHED, bound)
        due = {row.id: row for row in rows if row.held_by == HOLDER and _waits(row, now)}
        active = [_scheduled_run(row) for row in rows if row.held_by != HOLDER]
        if due:
            runs = [_scheduled_run(row) for row in due.values()]
            judged += _carry_out(tx, group, due, judge(group.misfire_policy, group.overlap_policy, runs, active), now)
    return judged


def _carry_out(
    tx: Transaction, group: Row[Any], due: Mapping[str, Row[Any]], verdict: Verdict, now: datetime
) -> Judged:
    new: dict[str, NewState] = {}
    for run_id, reason in verdict.skipped.items():
        new[run_id] = made_state("Skipped", f"Skipped: {reason}.")
    for run_id, reason in verdict.held.items():
        if not (due[run_id].state_message or "").startswith(_WAITING):
            new[run_id] = made_state("Scheduled", f"{_WAITING}{reason}.", start_time=due[run_id].state_start_time)
    for run_id in verdict.released:
        if (due[run_id].state_message or "").startswith(_WAITING):
            message = "Those before it have ended; it may start."
            new[run_id] = made_state("Scheduled", message, start_time=due[run_id].state_start_time)
    enter_states(tx, FLOW_RUN, group.tenant_id, sorted(new.items()), now)
    _say(tx, group.tenant_id, ((run_id, state.message) for run_id, state in new.items()), now)
    for run_id, reason in sorted(verdict.cancelled.items()):
        cancel_flow_runs(tx, group.tenant_id, [run_id], now, reason=reason)
    _say(tx, group.tenant_id, ((run_id, f"Asked to stop: {why}.") for run_id, why in verdict.cancelled.items()), now)
    if verdict.released:
        tx.execute(_RELEASE, {"runs": listed(verdict.released)})
        tx.announce("queue")
    return Judged(len(verdict.released), len(verdict.skipped), len(verdict.held), len(verdict.cancelled))


def _say(tx: Transaction, tenant_id: str, lines: Iterable[tuple[str, str | None]], now: datetime) -> None:
    rows = [
        {
            "id": new_id(),
            "created": now,
            "updated": now,
            "tenant_id": tenant_id,
            "flow_run_id": run_id,
            "timestamp": now,
            "name": _LOGGER,
            "level": "INFO",
            "message": message,
        }
        for run_id, message in lines
    ]
    insert_rows(tx, log, rows)


def _waits(row: Row[Any], now: datetime) -> bool:
    return row.state == "Scheduled" and row.state_start_time is not None and row.state_start_time <= now


def _scheduled_run(row: Row[Any]) -> ScheduledRun:
    return ScheduledRun(
        row.id,
        row.name,
        row.scheduled_start_time,
        canonical_payload(row.parameters or {}, row.labels),
        is_cancelling=row.state == "Cancelling",
    )


_NOW: Final = bindparam("now", type_=Timestamp())
_HELD: Final = (is_held(), flow_run.c.held_by == HOLDER)
_DUE_GROUPS: Final = (
    select(flow.c.flow_group_id.label("id"), func.min(flow_run.c.state_start_time))
    .select_from(flow_run)
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .where(*_HELD, flow_run.c.state_start_time <= _NOW)
    .group_by(flow.c.flow_group_id)
    .order_by(func.min(flow_run.c.state_start_time), flow.c.flow_group_id)
    .limit(bindparam("limit", type_=Integer()))
)
_NEXT_HELD: Final = select(func.min(flow_run.c.state_start_time, type_=Timestamp())).where(
    *_HELD, flow_run.c.state_start_time > _NOW
)
_LOCKED_GROUPS: Final = (
    select(flow_group.c.id, flow_group.c.tenant_id, flow_group.c.misfire_policy, flow_group.c.overlap_policy)
    .where(is_one_of(flow_group.c.id, "groups"))
    .order_by(flow_group.c.id)
    .with_for_update(key_share=True, skip_locked=True)
)
_LATE_FLOWS: Final = (
    select(flow.c.id)
    .join(flow_schedule, flow_schedule.c.flow_id == flow.c.id)
    .where(
        flow.c.flow_group_id == bindparam("group"),
        flow.c.is_schedule_active == true(),
        flow.c.archived == false(),
        flow_schedule.c.made_until <= _NOW,
    )
)
_UNFINISHED: Final = (
    select(
        flow_run.c.id,
        flow_run.c.name,
        flow_run.c.parameters,
        flow_run.c.labels,
        flow_run.c.scheduled_start_time,
        flow_run.c.state,
        flow_run.c.state_start_time,
        flow_run.c.state_message,
        flow_run.c.held_by,
    )
    .join(flow, flow.c.id == flow_run.c.flow_id)
    # Runs by hand are nobody's business here.
    .where(
        flow.c.flow_group_id == bindparam("group"),
        flow_run.c.end_time.is_(None),
        flow_run.c.auto_scheduled.is_(True),
        or_(flow_run.c.scheduled_start_time <= _NOW, flow_run.c.state_start_time <= _NOW),
    )
    .order_by(flow_run.c.id)
    .with_for_update(of=flow_run, key_share=True)
)
_RELEASE: Final = flow_run.update().where(is_one_of(flow_run.c.id, "runs")).values(held_by=None)
