"""What a flow group wants of its scheduled runs when time or they themselves are in the way.

In charge of the rules; not in charge of finding the runs nor of carrying the verdict out (`operations.judging`).

*Misfire*: what becomes of instants that have passed while nobody made or took runs. *Overlap*: what becomes of a run
that is due while one before it has not ended. Both are judged when a run is due, and until then it is held: no agent is
offered it. Under the defaults, `skip` and `allow`, which are what Prefect 1.x does, nothing is ever held.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

HOLDER: Final = "schedule_policies"
"""What `flow_run.held_by` says of a run that waits for the verdict."""


class MisfirePolicy(StrEnum):
    """What becomes of instants that were missed."""

    SKIP = "skip"
    """No runs are made for the past; runs that were made ahead of time start late."""

    LATEST = "latest"
    """Of all instants that have passed without a start, the latest of each clock gets its run."""

    ALL = "all"
    """All of them get their runs, the newest 100 at the most."""


class OverlapPolicy(StrEnum):
    """What becomes of a scheduled run that is due while another one of its flow group has not ended."""

    ALLOW = "allow"
    """It starts."""

    SKIP = "skip"
    """It is skipped."""

    QUEUE = "queue"
    """It waits until those before it have ended."""

    CANCEL_RUNNING = "cancel_running"
    """The one before it is asked to stop; it starts when that has ended."""


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """A scheduled run that has not ended.

    Attributes:
        clock: equal for runs of the same parameters and labels.
        is_cancelling: whether it has been asked to stop.
    """

    id: str
    name: str
    start_time: datetime
    clock: str = ""
    is_cancelling: bool = False


@dataclass(slots=True)
class Verdict:
    """What is to happen to the runs of a flow group: run ids, with the reason for people where there is one."""

    released: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    cancelled: dict[str, str] = field(default_factory=dict)


def is_held(misfire: str, overlap: str) -> bool:
    """Return whether scheduled runs of a group with these policies are held until they are due."""
    return misfire == MisfirePolicy.LATEST or overlap != OverlapPolicy.ALLOW


def judge(misfire: str, overlap: str, due: Sequence[ScheduledRun], active: Sequence[ScheduledRun]) -> Verdict:
    """Return what becomes of the held runs of a flow group that are due.

    Args:
        due: the held runs.
        active: scheduled runs that have been let through and have not ended.
    """
    verdict = Verdict()
    waiting = sorted(due, key=lambda run: (run.start_time, run.id))
    if misfire == MisfirePolicy.LATEST:
        waiting = _latest(waiting, verdict)
    blockers = sorted(active, key=lambda run: (run.start_time, run.id))
    match overlap:
        case OverlapPolicy.SKIP:
            _skip(waiting, blockers, verdict)
        case OverlapPolicy.QUEUE:
            _queue(waiting, blockers, verdict)
        case OverlapPolicy.CANCEL_RUNNING:
            _cancel_running(waiting, blockers, verdict)
        case _:
            verdict.released += [run.id for run in waiting]
    return verdict


def _latest(waiting: list[ScheduledRun], verdict: Verdict) -> list[ScheduledRun]:
    last = {run.clock: run for run in waiting}
    for run in waiting:
        if last[run.clock] is not run:
            verdict.skipped[run.id] = f"{_named(last[run.clock])} takes its place (misfire policy latest)"
    return [run for run in waiting if last[run.clock] is run]


def _skip(waiting: list[ScheduledRun], blockers: list[ScheduledRun], verdict: Verdict) -> None:
    for run in waiting:
        if blockers:
            verdict.skipped[run.id] = f"{_named(blockers[0])} had not ended (overlap policy skip)"
        else:
            verdict.released.append(run.id)
            blockers = [run]


def _queue(waiting: list[ScheduledRun], blockers: list[ScheduledRun], verdict: Verdict) -> None:
    for run in waiting:
        if blockers:
            verdict.held[run.id] = f"{_named(blockers[-1])} to end (overlap policy queue)"
        else:
            verdict.released.append(run.id)
        blockers = [*blockers, run]


def _cancel_running(waiting: list[ScheduledRun], blockers: list[ScheduledRun], verdict: Verdict) -> None:
    if not waiting:
        return
    newest = waiting[-1]
    for run in waiting[:-1]:
        verdict.skipped[run.id] = f"{_named(newest)} takes its place (overlap policy cancel_running)"
    for run in blockers:
        if not run.is_cancelling:
            verdict.cancelled[run.id] = f"{_named(newest)} is due (overlap policy cancel_running)"
    if blockers:
        verdict.held[newest.id] = f"{_named(blockers[-1])} to stop (overlap policy cancel_running)"
    else:
        verdict.released.append(newest.id)


def _named(run: ScheduledRun) -> str:
    return f"flow run {run.name} of {run.start_time:%Y-%m-%d %H:%M:%S} UTC"
