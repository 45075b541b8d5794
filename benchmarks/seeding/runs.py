"""In charge of flow runs, their states and heartbeats; not in charge of what their tasks did (`task_runs`)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from eparch.core.run_names import run_name

from .flows import Flow, Version
from .loader import Cells
from .values import DAY, HOUR, MINUTE, SECOND, instant_text, json_text, state_text

FAILED = "Some reference tasks failed."


@dataclass(frozen=True, slots=True)
class StateAt:
    """A state that a run entered: name, when, what it said, and for what waits the instant that it waits for."""

    name: str
    time_us: int
    message: str
    start_us: int | None = None

    def document(self) -> str:
        return state_text(self.name, self.message, None if self.start_us is None else instant_text(self.start_us))


@dataclass(slots=True)
class Run:
    """A flow run. `start_us` is None before it ran, `end_us` before it ended."""

    flow: Flow
    version: Version
    scheduled_us: int
    start_us: int | None = None
    end_us: int | None = None
    states: list[StateAt] = field(default_factory=list)
    id: str = ""
    name: str = ""
    labels: Sequence[str] | None = None
    agent_id: str | None = None
    is_auto: bool = False
    has_task_runs: bool = False
    heartbeat_us: int | None = None
    parameters: object = None

    @property
    def state(self) -> StateAt:
        return self.states[-1]


def past_runs(flows: Sequence[Flow], count: int, now_us: int, days: int, rng: random.Random) -> list[Run]:
    """Return so many runs of the last days that have ended, oldest first."""
    total = sum(flow.weight for flow in flows)
    runs = []
    for flow in flows:
        share = round(count * flow.weight / total) + 1
        every_us = days * DAY // share
        phase_us = rng.randrange(every_us)
        for number in range(share):
            scheduled_us = now_us - phase_us - number * every_us
            runs.append((scheduled_us, flow))
    runs.sort(key=lambda one: one[0])
    return [_ended(flow, scheduled_us, now_us, rng) for scheduled_us, flow in runs[-count:]]


def _ended(flow: Flow, scheduled_us: int, now_us: int, rng: random.Random) -> Run:
    start_us = scheduled_us + int(rng.uniform(0.2, 4.0) * SECOND)
    end_us = start_us + int(max(0.4, rng.gauss(flow.seconds, flow.seconds / 5)) * SECOND)
    # What would still run has just ended instead.
    end_us = min(end_us, now_us - rng.randrange(1, 30) * SECOND)
    start_us = min(start_us, end_us - SECOND // 10)
    rate = flow.failure_rate
    if flow.project == "ingest" and 2 * DAY < now_us - scheduled_us < 2 * DAY + 5 * HOUR:
        rate = 0.7  # the warehouse was away
    drawn = rng.random()
    if drawn < rate:
        state, message = "Failed", FAILED
    elif drawn < rate + 0.004:
        state, message = "Cancelled", "Cancelled by ada@example.org: not needed any more"
    elif drawn < rate + 0.006:
        state, message = "TimedOut", "Flow run exceeded its limit of 4 h."
    else:
        state, message = "Success", "All reference tasks succeeded."
    run = _taken(flow, scheduled_us, start_us, rng)
    run.end_us = end_us
    run.states.append(StateAt(state, end_us, message))
    return run


def _taken(flow: Flow, scheduled_us: int, start_us: int, rng: random.Random) -> Run:
    run = _waiting(flow, scheduled_us, scheduled_us - HOUR, rng)
    run.start_us = start_us
    run.states.append(StateAt("Submitted", start_us - SECOND // 8, "Submitted for execution"))
    run.states.append(StateAt("Running", start_us, "Running flow."))
    return run


def _waiting(flow: Flow, scheduled_us: int, created_us: int, rng: random.Random) -> Run:
    run = Run(flow, flow.version_at(scheduled_us), scheduled_us, name=run_name(rng.getrandbits(64)))
    run.is_auto = flow.is_scheduled and rng.random() < 0.93
    run.parameters = flow.parameters
    run.states.append(StateAt("Scheduled", created_us, "Flow run scheduled.", scheduled_us))
    return run


def present_runs(flows: Sequence[Flow], now_us: int, rng: random.Random) -> Iterator[Run]:
    """Yield what happens now: runs that run, are being started, are late, wait for approval or are planned."""
    current = [flow for flow in flows if flow.shape.tasks]
    for _ in range(max(3, len(flows) // 12)):
        start_us = now_us - int(rng.uniform(5, 1500) * SECOND)
        run = _taken(rng.choice(current), start_us - SECOND, start_us, rng)
        run.heartbeat_us = now_us - rng.randrange(1, 25) * SECOND
        yield run
    for _ in range(max(1, len(flows) // 60)):
        run = _taken(rng.choice(current), now_us - 3 * SECOND, now_us - SECOND, rng)
        run.states.pop()
        run.start_us = None
        yield run
    for number in range(max(4, len(flows) // 10)):
        # Late: no agent has the label, or none has asked for a while.
        run = _waiting(rng.choice(current), now_us - rng.randrange(2, 400) * MINUTE, now_us - DAY, rng)
        run.labels = ["gpu", "a100"] if number % 2 else ["legacy"]
        yield run
    for _ in range(max(1, len(flows) // 60)):
        start_us = now_us - rng.randrange(5, 90) * MINUTE
        run = _taken(rng.choice(current), start_us - SECOND, start_us, rng)
        run.states.append(StateAt("Cancelling", now_us - 40 * SECOND, "Cancelled by ada@example.org"))
        run.heartbeat_us = now_us - 9 * SECOND
        yield run
    for number in range(max(4, len(flows) // 2)):
        run = _waiting(rng.choice(current), now_us + (number + 1) * 11 * MINUTE, now_us - HOUR, rng)
        run.is_auto = False
        yield run


def flow_run_rows(tenant_id: str, runs: Iterable[Run]) -> Iterator[Cells]:
    """Yield the rows of runs."""
    for run in runs:
        created, changed = instant_text(run.states[0].time_us), instant_text(run.state.time_us)
        labels = run.flow.labels if run.labels is None else run.labels
        yield (
            run.id,
            created,
            changed,
            tenant_id,
            run.version.id,
            run.agent_id,
            run.name,
            json_text(run.parameters),
            json_text(labels),
            "{}",
            instant_text(run.scheduled_us),
            run.is_auto,
            f"auto-scheduled:{instant_text(run.scheduled_us)}:{run.id}" if run.is_auto else None,
            0,
            len(run.states),
            None if run.start_us is None else instant_text(run.start_us),
            None if run.end_us is None else instant_text(run.end_us),
            run.state.name,
            changed,
            None if run.state.start_us is None else instant_text(run.state.start_us),
            run.state.message,
            run.state.document(),
            run.has_task_runs,
        )


FLOW_RUN_COLUMNS = (
    "id",
    "created",
    "updated",
    "tenant_id",
    "flow_id",
    "agent_id",
    "name",
    "parameters",
    "labels",
    "context",
    "scheduled_start_time",
    "auto_scheduled",
    "idempotency_key",
    "times_resurrected",
    "version",
    "start_time",
    "end_time",
    "state",
    "state_timestamp",
    "state_start_time",
    "state_message",
    "serialized_state",
    "has_task_runs",
)


def state_rows(
    tenant_id: str, new_id: Iterator[str], histories: Iterable[tuple[str, Sequence[StateAt]]]
) -> Iterator[Cells]:
    """Yield the rows of the states that runs of one kind had."""
    for run_id, states in histories:
        for version, state in enumerate(states, 1):
            entered = instant_text(state.time_us)
            yield (
                next(new_id),
                entered,
                entered,
                tenant_id,
                run_id,
                entered,
                state.name,
                state.message,
                None if state.start_us is None else instant_text(state.start_us),
                state.document(),
                version,
            )


def state_columns(run: str) -> tuple[str, ...]:
    """Return the columns of `state_rows` for a kind of run, such as `flow_run`."""
    return (
        "id",
        "created",
        "updated",
        "tenant_id",
        f"{run}_id",
        "timestamp",
        "state",
        "message",
        "start_time",
        "serialized_state",
        "version",
    )
