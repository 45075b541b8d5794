"""What happens to a run when it is told to enter a state.

In charge of the rules; not in charge of reading and writing runs (`operations.states`) nor of the list of states
(`states`). `decide` is pure: the same run, state and instant give the same decision.

Clients depend on the order of their own states: a task fails before it retries, succeeds before it is cached. So
nearly every state may follow every other one, and the rules below are the exceptions:

- a flow run is submitted only from a state that waits for its instant, so that of two agents one wins;
- a task run starts only while its flow run is exactly `Running`;
- cancelling ends a run that has not started at once, and asks one that has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from eparch.core.errors import BadInput
from eparch.core.instants import parse_instant, timestamp_text
from eparch.core.states import CONCRETE, FINISHED, QUEUEABLE, RUNNING, STATES

MESSAGE_CHARACTERS_MAX: Final = 1_000_000

# A state of these types without a start time starts now. `Paused` without one waits until somebody resumes it.
_STARTS_NOW: Final = QUEUEABLE - {"Paused"}


@dataclass(frozen=True, slots=True)
class NewState:
    """A state that a run is to enter.

    Attributes:
        name: a concrete state of the table.
        document: the state as it will be stored: what the client sent, with a start time where one is needed.
        message: its text for people.
        start_time: when a waiting run is due; None for states that do not wait.
        result: its JSON result, which only old clients send.
    """

    name: str
    document: Mapping[str, Any]
    message: str | None
    start_time: datetime | None
    result: Any = None


@dataclass(frozen=True, slots=True)
class RunNow:
    """What the rules need to know of a run as it is now.

    Attributes:
        state: its state; None before the first.
        flow_run_state: for a task run the state of its flow run; None for a flow run.
    """

    state: str | None
    version: int
    start_time: datetime | None
    end_time: datetime | None
    flow_run_state: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write when a run enters a state.

    Attributes:
        beats: whether entering counts as a heartbeat.
        cancels_task_runs: whether the flow run's unfinished task runs end with it.
    """

    version: int
    start_time: datetime | None
    end_time: datetime | None
    beats: bool
    cancels_task_runs: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run may not enter a state."""

    reason: str


def parse_state(document: object, now: datetime) -> NewState:
    """Return a client's state document as a state.

    Raises:
        BadInput: it is not an object, its type is unknown, or a field has the wrong type.
    """
    if not isinstance(document, Mapping):
        raise BadInput(f"A state must be a JSON object with a `type`, not {_json_type(document)}.")
    name = document.get("type")
    if not isinstance(name, str) or name not in CONCRETE:
        known = ", ".join(name for name in STATES if name in CONCRETE)
        raise BadInput(f"{name!r} is not a type of state.", hint=f"use one of {known}")
    message = document.get("message")
    if message is not None and not isinstance(message, str):
        raise BadInput(f"The message of a state must be text, not {_json_type(message)}.")
    start_time = None
    if name in QUEUEABLE:
        given = document.get("start_time")
        start_time = parse_instant(given) if isinstance(given, str) else None
        if start_time is None and given is not None:
            raise BadInput(f"The start time {given!r} of a state is not an ISO 8601 instant.")
        if start_time is None and name in _STARTS_NOW:
            start_time = now
            document = {**document, "start_time": timestamp_text(now)}
    return NewState(name, document, message, start_time, document.get("result"))


def made_state(name: str, message: str, *, start_time: datetime | None = None) -> NewState:
    """Return a state that the server itself gives to a run."""
    document: dict[str, Any] = {"type": name, "message": message}
    if name in QUEUEABLE:
        document["start_time"] = None if start_time is None else timestamp_text(start_time)
    return NewState(name, document, message, start_time)


def decide(run: RunNow, new: NewState, now: datetime, *, is_flow_run: bool) -> Decision | Refusal:
    """Return what to write when `run` is told to enter `new`, or why it may not."""
    if is_flow_run and new.name == "Submitted" and run.state not in QUEUEABLE:
        return Refusal(f"this flow run has already been submitted for execution or is not waiting: it is {run.state}.")
    if not is_flow_run and new.name in RUNNING and run.flow_run_state != "Running":
        return Refusal(f"its flow run is not in a running state: it is {run.flow_run_state}.")
    return Decision(
        version=run.version + 1,
        start_time=_earlier(run.start_time, now) if new.name == "Running" else run.start_time,
        end_time=now if new.name in FINISHED else None,
        beats=new.name in RUNNING or (is_flow_run and new.name == "Submitted"),
        cancels_task_runs=is_flow_run and new.name == "Cancelled",
    )


def cancellation(state: str | None) -> str | None:
    """Return the state that a flow run in `state` enters when somebody cancels it, None where it stays as it is."""
    if state in FINISHED:
        return None
    return "Cancelling" if state in RUNNING else "Cancelled"


def _earlier(first: datetime | None, second: datetime) -> datetime:
    return second if first is None else min(first, second)


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case _:
            return "a list" if isinstance(value, list) else type(value).__name__
