"""In charge of what runs have said; not in charge of the runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from .loader import Cells
from .runs import Run
from .task_runs import TaskRun
from .values import SECOND, instant_text
from .words import LINES, TRACEBACK

LOG_COLUMNS = (
    "id",
    "created",
    "updated",
    "tenant_id",
    "flow_run_id",
    "task_run_id",
    "timestamp",
    "name",
    "level",
    "message",
)

_OWN_LINES = 2
"""Lines that every task run has: its start and its end."""


class Logs:
    """Makes log lines."""

    def __init__(self, tenant_id: str, new_id: Callable[[], str], rng: random.Random) -> None:
        self._tenant_id = tenant_id
        self._new_id = new_id
        self._rng = rng
        # Drawing a line anew each time would take longer than writing it.
        self._pool = [
            rng.choice(LINES).format(n=rng.randrange(1_000, 90_000), m=rng.randrange(1, 4_000)) for _ in range(2_000)
        ]

    def of_run(self, run: Run, task_runs: Sequence[TaskRun], count: int) -> Iterator[Cells]:
        """Yield about so many lines of a run, more if what must be said is more."""
        if run.start_us is None:
            return
        yield self._line(run, None, run.start_us, "FlowRunner", "INFO", f"Beginning Flow run for '{run.flow.name}'")
        begun = [one for one in task_runs if one.start_us is not None]
        own = max(0, count - 2 - _OWN_LINES * len(begun))
        each, rest = divmod(own, max(1, len(begun)))
        for number, one in enumerate(begun):
            yield from self._of_task_run(run, one, each + (number < rest))
        if run.end_us is not None:
            is_bad = run.state.name != "Success"
            said = "some reference tasks failed." if is_bad else "all reference tasks succeeded"
            word = run.state.name.upper()
            yield self._line(
                run, None, run.end_us, "FlowRunner", "ERROR" if is_bad else "INFO", f"Flow run {word}: {said}"
            )

    def _of_task_run(self, run: Run, one: TaskRun, count: int) -> Iterator[Cells]:
        name = one.task if one.map_index < 0 else f"{one.task}[{one.map_index}]"
        start_us = one.start_us
        assert start_us is not None
        end_us = one.end_us or one.state.time_us
        yield self._line(run, one.id, start_us, "TaskRunner", "INFO", f"Task '{name}': Starting task run...")
        step_us = max(1, (end_us - start_us) // (count + 1))
        pool, offset = self._pool, self._rng.randrange(2_000)
        new_id, tenant_id, run_id, task_run_id = self._new_id, self._tenant_id, run.id, one.id
        for number in range(1, count + 1):
            at = instant_text(start_us + number * step_us)
            message = pool[(offset + number) % 2_000]
            level = "DEBUG" if message[0] == "m" else "WARNING" if message[0] == "S" else "INFO"
            yield (new_id(), at, at, tenant_id, run_id, task_run_id, at, f"prefect.{one.task}", level, message)
        if one.state.name == "Failed":
            told = TRACEBACK.format(task=one.task, flow=run.flow.name, error=one.state.message.partition(": ")[2])
            yield self._line(run, one.id, end_us, "TaskRunner", "ERROR", told)
        if one.end_us is not None:
            said = f"Task '{name}': Finished task run for task with final state: '{one.state.name}'"
            yield self._line(run, one.id, end_us + SECOND // 1000, "TaskRunner", "INFO", said)

    def _line(self, run: Run, task_run_id: str | None, time_us: int, source: str, level: str, message: str) -> Cells:
        at = instant_text(time_us)
        name = f"prefect.Cloud{source}"
        return (self._new_id(), at, at, self._tenant_id, run.id, task_run_id, at, name, level, message)
