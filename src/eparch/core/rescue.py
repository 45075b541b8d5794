"""What becomes of runs that have fallen silent, and of what they leave behind.

In charge of the rules; not in charge of finding such runs and of carrying decisions out (`operations.rescue`,
`operations.reaping`). Every rule is pure: the same run, settings and instant give the same decision.

- A flow run that is Submitted or Running, gives no sign of life and has no task run in progress is *resurrected*: it is
  scheduled anew, a limited number of times, and fails after that (Lazarus).
- A task run that is Running in a silent flow run is *reaped*: it retries if it may, else it fails (ZombieKiller).
- A silent flow run that was asked to stop has stopped: it fails (ZombieKiller).
- A task run that is unfinished while its flow run is finished is *closed*, after a time of grace (ZombieKiller).

Silence can only be judged where heartbeats are expected: flow groups may switch them off. A client that says how often
it beats has a *lease*: it is silent a minute after its last sign of life, where others have ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from eparch.core.instants import timestamp_text
from eparch.core.states import CONCRETE, FAILED, FINISHED, PENDING, RUNNING
from eparch.core.transitions import NewState, made_state

LAZARUS_LOG: Final = "prefect-server.Lazarus.FlowRun"
TASK_RUN_LOG: Final = "prefect-server.ZombieKiller.TaskRun"
FLOW_RUN_LOG: Final = "prefect-server.ZombieKiller.FlowRun"
"""Names of the loggers of the lines in a run; people filter by them."""

RESCUABLE: Final = frozenset({"Running", "Submitted"})
"""States of a flow run in which silence means that nobody carries it out any more."""

IN_PROGRESS: Final = (RUNNING | PENDING) - {"Pending"}
"""States of a task run that keep its flow run from being resurrected: somebody runs it, or it waits for an instant."""

_WAITING: Final = (PENDING - {"Retrying"}) | {"Queued"}

HAD_BEGUN: Final = CONCRETE - FINISHED - _WAITING
"""States of a task run that had begun: they are closed whatever its flow run's end was."""


@dataclass(frozen=True, slots=True)
class RescueRules:
    """What the operator has set.

    Attributes:
        heartbeat_timeout_s: a run without a sign of life for so long is silent.
        heartbeat_lease_s: the same, if that is sooner, for one whose client says how often it beats, and not before
            two beats were missed.
        resurrections_max: how often a flow run is scheduled anew.
        grace_s: how long task runs may be unfinished after their flow run's end.
    """

    heartbeat_timeout_s: float = 600.0
    resurrections_max: int = 3
    grace_s: float = 600.0
    heartbeat_lease_s: float = 60.0

    def silence_s(self, *, is_leased: bool) -> float:
        """Return how long a run may be without a sign of life."""
        return min(self.heartbeat_timeout_s, self.heartbeat_lease_s) if is_leased else self.heartbeat_timeout_s

    def since(self, now: datetime, *, is_leased: bool) -> datetime:
        """Return the instant at or before which the last sign of life of a silent run lies, with a lease or without."""
        return now - timedelta(seconds=self.silence_s(is_leased=is_leased))

    def ended_since(self, now: datetime) -> datetime:
        """Return the instant at or before which a flow run has ended for its task runs to be closed."""
        return now - timedelta(seconds=self.grace_s)


@dataclass(frozen=True, slots=True)
class Rescue:
    """What to do about a run.

    Attributes:
        new: the state that it enters.
        logger: the name under which the line stands in the log of the run.
        level: of the line; its text is the message of the state.
        is_resurrection: whether it counts as one.
    """

    new: NewState
    logger: str
    level: Literal["INFO", "WARNING", "ERROR"]
    is_resurrection: bool = False


def are_heartbeats_expected(settings: Mapping[str, Any]) -> bool:
    """Return whether a flow group's runs send heartbeats; they do where nothing is set."""
    return settings.get("heartbeat_enabled") is not False


def is_lazarus_allowed(settings: Mapping[str, Any]) -> bool:
    """Return whether a flow group's runs may be resurrected; they may where nothing is set."""
    return are_heartbeats_expected(settings) and settings.get("lazarus_enabled") is not False


def is_silent(since: datetime, *signs: datetime | None) -> bool:
    """Return whether the newest of some signs of life is at or before `since`; None is no sign."""
    return all(sign is None or sign <= since for sign in signs)


def is_heart_silent(rules: RescueRules, now: datetime, heartbeat: datetime | None, missed_at: datetime | None) -> bool:
    """Return whether the last heartbeat of a run is too long ago.

    Args:
        missed_at: when two beats will have been missed; None where nobody said how often it beats.
    """
    if missed_at is not None and missed_at > now:
        return False
    return is_silent(rules.since(now, is_leased=missed_at is not None), heartbeat)


def resurrection(times_resurrected: int, now: datetime, rules: RescueRules) -> Rescue:
    """Return what to do about a flow run that nobody carries out any more."""
    if times_resurrected >= rules.resurrections_max:
        message = (
            "No sign of life from this flow run, and none of its task runs is in progress. It has been rescheduled by "
            f"a Lazarus process {times_resurrected} times, which is the limit; it is marked as failed."
        )
        return Rescue(made_state("Failed", message), LAZARUS_LOG, "ERROR")
    message = (
        "No sign of life from this flow run, and none of its task runs is in progress. "
        f"Rescheduled by a Lazarus process. This is attempt {times_resurrected + 1} of {rules.resurrections_max}."
    )
    return Rescue(made_state("Scheduled", message, start_time=now), LAZARUS_LOG, "INFO", is_resurrection=True)


def cancelling_end(rules: RescueRules, *, is_leased: bool = False) -> Rescue:
    """Return what to do about a flow run that was asked to stop and has fallen silent."""
    message = (
        f"No heartbeat from this flow run for {rules.silence_s(is_leased=is_leased):g} s while it was being cancelled. "
        "It is marked as failed."
    )
    return Rescue(made_state("Failed", message), FLOW_RUN_LOG, "ERROR")


@dataclass(frozen=True, slots=True)
class SilentTaskRun:
    """A Running task run whose flow run is silent.

    Attributes:
        retries_count: how many times it has been in `Retrying`.
        retries_max: how many times it may be; None counts as 0.
        retry_delay_s: seconds before it may run again; None counts as 0.
        is_leased: whether the client of its flow run said how often it beats.
    """

    id: str
    name: str
    flow_run_state: str | None
    retries_count: int
    retries_max: int | None
    retry_delay_s: int | None
    is_leased: bool = False


def reaping(run: SilentTaskRun, now: datetime, rules: RescueRules) -> Rescue:
    """Return what to do about a task run that nobody carries out any more."""
    silence_s = rules.silence_s(is_leased=run.is_leased)
    notice = f"No heartbeat from the flow run of this task run for {silence_s:g} s."
    retries_max = run.retries_max or 0
    if run.flow_run_state == "Running" and run.retries_count < retries_max:
        attempt = run.retries_count + 1
        start_time = now + timedelta(seconds=run.retry_delay_s or 0)
        message = f"{notice} Retrying: this is retry {attempt} of {retries_max}."
        document = {
            "type": "Retrying",
            "message": message,
            "start_time": timestamp_text(start_time),
            "run_count": attempt,
        }
        return Rescue(NewState("Retrying", document, message, start_time), TASK_RUN_LOG, "ERROR")
    message = f"{notice} Task run {run.id} ({run.name}) is marked as failed."
    return Rescue(made_state("Failed", message), TASK_RUN_LOG, "ERROR")


def closing(state: str | None, flow_run_state: str | None) -> Rescue | None:
    """Return what to do about a task run whose flow run has ended; None leaves it as it is.

    A task run that had not begun keeps waiting under a flow run that failed: whoever restarts that wants it to run.
    """
    if state in FINISHED or flow_run_state not in FINISHED:
        return None
    had_begun = state in HAD_BEGUN
    if not had_begun and flow_run_state in FAILED:
        return None
    name = "Failed" if had_begun and flow_run_state != "Cancelled" else "Cancelled"
    message = f"Left {state} when its flow run ended {flow_run_state}; it is marked as {name.lower()}."
    return Rescue(made_state(name, message), TASK_RUN_LOG, "WARNING")
