"""In charge of what the tasks of a flow run did, and when; not in charge of their logs (`logs`)."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .loader import Cells
from .runs import Run, StateAt
from .values import SECOND, instant_text
from .words import ERRORS, TaskShape

_WORKERS = 64
_MAP_US = 50
_PARAMETER_US = 20

Span = tuple[int, int, bool]
"""Start and end of a task run, and whether it failed."""


@dataclass(slots=True)
class TaskRun:
    """A task run of a flow run."""

    id: str
    run: Run
    task: str
    map_index: int
    states: list[StateAt]
    start_us: int | None
    end_us: int | None

    @property
    def state(self) -> StateAt:
        return self.states[-1]


def task_runs_of(
    run: Run, new_id: Callable[[], str], rng: random.Random, children: int | None = None
) -> Iterator[TaskRun]:
    """Yield the task runs of a run, so that they fit to its state.

    Args:
        children: how many children a mapped task has; a few where it is None.
    """
    shape = run.flow.shape
    begun_us = run.states[0].time_us
    if run.start_us is None:
        for task in (*(TaskShape(name) for name, _ in shape.parameters), *shape.tasks):
            yield TaskRun(new_id(), run, task.name, -1, [StateAt("Pending", begun_us, "Task run created.")], None, None)
        return
    end_us = run.end_us or run.start_us + int(run.flow.seconds * 1.6 * SECOND)
    share_us = max(1, (end_us - run.start_us) // (sum(map(_weight, shape.tasks)) + 1))
    last_us = end_us - 1
    is_failed = run.state.name in ("Failed", "TimedOut")
    culprit = rng.choice(shape.tasks).name if is_failed else None
    ends: dict[str, int] = {}
    failed: set[str] = set()
    for name, _ in shape.parameters:
        ends[name] = run.start_us + _PARAMETER_US
        yield _done(TaskRun(new_id(), run, name, -1, [], run.start_us, ends[name]), rng, retries=0)
    for task in shape.tasks:
        start_us = max([ends[up] for up in task.after], default=run.start_us + _PARAMETER_US)
        span_us = min(int(share_us * _weight(task) * rng.uniform(0.5, 1.3)), max(0, last_us - start_us))
        if failed.intersection(task.after):
            failed.add(task.name)
            ends[task.name] = start_us
            states = [
                StateAt("Pending", begun_us, "Task run created."),
                StateAt(
                    "TriggerFailed", start_us, "Trigger was 'all_successful' but some of the upstream tasks failed."
                ),
            ]
            yield TaskRun(new_id(), run, task.name, -1, states, None, start_us)
        elif task.is_mapped:
            count = rng.randrange(3, 12) if children is None else children
            yield TaskRun(new_id(), run, task.name, -1, _mapped(start_us, begun_us), start_us, start_us + _MAP_US)
            spans = list(_spread(count, start_us, span_us, last_us, rng, fails=task.name == culprit))
            for index, (begin_us, stop_us, fails) in enumerate(spans):
                child = TaskRun(new_id(), run, task.name, index, [], begin_us, stop_us)
                yield _done(child, rng, retries=min(task.retries_max, int(rng.random() < 0.03)), fails=fails)
            ends[task.name] = max((stop_us for _, stop_us, _ in spans), default=start_us)
            if any(fails for _, _, fails in spans):
                failed.add(task.name)
        else:
            ends[task.name] = start_us + span_us
            made = TaskRun(new_id(), run, task.name, -1, [], start_us, ends[task.name])
            retries = min(task.retries_max, int(rng.random() < 0.1))
            yield _done(made, rng, retries=retries, fails=task.name == culprit)
            if task.name == culprit:
                failed.add(task.name)


def _weight(task: TaskShape) -> int:
    return 4 if task.is_mapped else 1


def _spread(
    count: int, start_us: int, span_us: int, last_us: int, rng: random.Random, *, fails: bool
) -> Iterator[Span]:
    """Yield spans of mapped children that a pool of workers takes one after the other."""
    free = [start_us + int(rng.random() * span_us / 50) for _ in range(min(_WORKERS, count))]
    heapq.heapify(free)
    each_us = max(1000, span_us * len(free) // max(1, count))
    for index in range(count):
        begin_us = min(heapq.heappop(free), last_us)
        stop_us = min(begin_us + int(each_us * rng.lognormvariate(-0.2, 0.6)), last_us)
        heapq.heappush(free, stop_us)
        yield begin_us, stop_us, fails and (index == count // 2 or rng.random() < 0.004)


def _mapped(start_us: int, begun_us: int) -> list[StateAt]:
    return [
        StateAt("Pending", begun_us, "Task run created."),
        StateAt("Running", start_us, "Starting task run."),
        StateAt("Mapped", start_us + _MAP_US, "Mapped tasks submitted for execution."),
    ]


def _done(task_run: TaskRun, rng: random.Random, *, retries: int, fails: bool = False) -> TaskRun:
    """Give a task run the states that lead to its end, or as far as its flow run has come."""
    run = task_run.run
    start_us, end_us = task_run.start_us, task_run.end_us
    assert start_us is not None
    assert end_us is not None
    states = [StateAt("Pending", run.states[0].time_us, "Task run created.")]
    middle_us = start_us
    for number in range(retries):
        step_us = (end_us - start_us) // (retries + 1)
        states.append(StateAt("Running", middle_us, "Starting task run."))
        failed_us = middle_us + step_us // 3
        middle_us += step_us
        message = f"Retrying Task (after attempt {number + 1} of {retries + 1})"
        states.append(StateAt("Retrying", failed_us, message, middle_us))
    states.append(StateAt("Running", middle_us, "Starting task run."))
    last = StateAt("Failed", end_us, rng.choice(ERRORS)) if fails else StateAt("Success", end_us, "Task run succeeded.")
    states.append(last)
    if run.end_us is None:
        seen_us = run.heartbeat_us or run.state.time_us
        states = [state for state in states if state.time_us <= seen_us] or states[:1]
        task_run.start_us = start_us if start_us <= seen_us else None
        task_run.end_us = end_us if end_us <= seen_us else None
    task_run.states = states
    return task_run


def task_run_rows(tenant_id: str, task_runs: Iterable[TaskRun]) -> Iterator[Cells]:
    """Yield the rows of task runs."""
    for one in task_runs:
        state = one.state
        changed = instant_text(state.time_us)
        yield (
            one.id,
            instant_text(one.states[0].time_us),
            changed,
            tenant_id,
            one.run.id,
            one.run.version.task_ids[one.task],
            one.map_index,
            None if one.map_index < 0 else f"{one.task}[{one.map_index}]",
            len(one.states),
            None if one.start_us is None else instant_text(one.start_us),
            None if one.end_us is None else instant_text(one.end_us),
            state.name,
            changed,
            None if state.start_us is None else instant_text(state.start_us),
            state.message,
            state.document(),
        )


TASK_RUN_COLUMNS = (
    "id",
    "created",
    "updated",
    "tenant_id",
    "flow_run_id",
    "task_id",
    "map_index",
    "name",
    "version",
    "start_time",
    "end_time",
    "state",
    "state_timestamp",
    "state_start_time",
    "state_message",
    "serialized_state",
)


def histories(task_runs: Sequence[TaskRun]) -> Iterator[tuple[str, Sequence[StateAt]]]:
    """Yield the id and the states of each."""
    return ((one.id, one.states) for one in task_runs)
