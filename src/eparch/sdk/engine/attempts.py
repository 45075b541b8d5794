"""One attempt at a task, from its first state to its last, wherever the executor has put it.

In charge of the context, of state handlers, of calling the user's code, and of keeping its result; not in charge of
when (`machine`), with what (`inputs`), nor of how a call is timed and awaited (`calls`).
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final

from msgspec import Struct

from eparch.sdk import signals, states
from eparch.sdk.context import Lazy, showing
from eparch.sdk.engine import decisions
from eparch.sdk.engine.calls import TimeoutExpired, called
from eparch.sdk.engine.names import filled
from eparch.sdk.logs import get_logger, prints_logged
from eparch.sdk.results.inline import PrefectResult
from eparch.sdk.results.result import Result
from eparch.sdk.states import State
from eparch.sdk.tasks import Task

_logger: Final = logging.getLogger("eparch.task_run")
_NOT_STARTED: Final = states.Pending()
_NO_VALUE: Final = PrefectResult().write(None)
_LOGGER: Final = Lazy(get_logger)


def _new_id() -> str:
    import uuid

    return str(uuid.uuid4())


_NEW_ID: Final = Lazy(_new_id)


class Shared(Struct):
    """What all attempts of one flow run have in common; sent once to each process.

    Attributes:
        tasks: the task of each step, by number.
        slugs: the slug of each step.
        context: the values of the flow run.
        result: where results are kept of tasks that do not say so; None where they are not kept.
        keeps_all: whether every result is kept, not only those of tasks that ask for it.
        log_prints: whether all tasks' prints are logged.
        tells_all: whether the states in between are wanted, not only the last one.
        timeouts_apart: whether the executor itself ends what takes too long.
    """

    tasks: list[Task]
    slugs: list[str]
    context: dict[str, Any]
    result: Result | None = None
    keeps_all: bool = False
    log_prints: bool = False
    tells_all: bool = False
    timeouts_apart: bool = False


class Attempt(Struct):
    """One run of a task, as it is handed to an executor.

    Attributes:
        step: the number of the step.
        map_index: which child; -1 for a step that is not mapped.
        inputs: the arguments, by name.
        before: the state it goes on from; None at the first attempt.
        proposed: a state to enter instead of running, or None; its state handlers still have their say.
        task_run_id: the id that the server has given, something that finds it out when it is asked for, or None.
        is_announced: whether the server has been told already that it runs.
        clock_ahead_s: how far the run's clock is ahead of the machine's; not 0 only in tests.
    """

    step: int
    map_index: int
    inputs: dict[str, Any]
    before: State | None = None
    proposed: State | None = None
    task_run_id: str | Lazy | None = None
    clock_ahead_s: float = 0.0
    is_announced: bool = False


class Outcome(Struct):
    """What became of an attempt.

    Attributes:
        state: the last state: finished, or one to wait in.
        passed: the states before it, in order; empty where they were told on the way, by a channel that keeps order.
    """

    step: int
    map_index: int
    state: State
    passed: list[State] = []


Tell = Callable[[int, int, State], None]


def run_attempt(shared: Shared, attempt: Attempt, tell: Tell | None = None, *, keeps_order: bool = True) -> Outcome:
    """Run one attempt and return what became of it; whatever the user's code does ends up in a state.

    Args:
        tell: called with step, map index and state whenever a state is entered that is not the last one, if
            `shared.tells_all`; without it those states come with the outcome.
        keeps_order: whether what is told arrives before the outcome. Otherwise the states come with the outcome too.
    Raises:
        KeyboardInterrupt: from the user at the terminal.
    """
    task = shared.tasks[attempt.step]
    run = _Run(shared, attempt, task, tell, keeps_order)
    with showing(run.context):
        state = run.go()
    return Outcome(attempt.step, attempt.map_index, state, run.passed)


class _Run:
    """The attempt in progress."""

    __slots__ = ("attempt", "context", "keeps_order", "name", "passed", "run_count", "shared", "task", "tell")

    def __init__(self, shared: Shared, attempt: Attempt, task: Task, tell: Tell | None, keeps_order: bool) -> None:
        before = attempt.before
        child = attempt.map_index
        self.shared, self.attempt, self.task, self.tell = shared, attempt, task, tell
        self.keeps_order = keeps_order
        self.passed: list[State] = []
        self.run_count = _attempts_before(before) + 1
        self.name = task.name if child < 0 else f"{task.name}[{child}]"
        self.context = {
            **shared.context,
            "task_name": task.name,
            "task_full_name": self.name,
            "task_slug": shared.slugs[attempt.step],
            "task_id": shared.slugs[attempt.step],
            "task_tags": task.tags,
            "task_run_id": attempt.task_run_id or _NEW_ID,
            "task_run_count": self.run_count,
            "map_index": child if child >= 0 else None,
            "logger": _LOGGER,
        }

    def go(self) -> State:
        before: State = self.attempt.before or _NOT_STARTED
        if self.attempt.proposed is not None:
            return self._end(self._entered(before, self.attempt.proposed))
        try:
            self._name()
            kept = self._found_at_target()
        except Exception as problem:
            return self._end(self._entered(before, self._failed(problem)), problem)
        if kept is not None:
            return self._end(self._entered(before, kept))
        loop_count, loop_result = _loop(self.attempt.before)
        while True:
            running = self._entered(before, states.Running("Starting task run.", context=self._told_context()))
            if not running.is_running():
                return self._end(running)
            if not self.attempt.is_announced or loop_count > 1:
                self._pass(running)
            state, error = self._call(loop_count, loop_result)
            state = self._entered(running, state)
            if not isinstance(state, states.Looped):
                return self._end(state, error)
            self._pass(state)
            before, loop_count, loop_result = state, state.loop_count + 1, state.result

    # ---- steps of an attempt ----

    def _call(self, loop_count: int, loop_result: Any) -> tuple[State, BaseException | None]:
        """Call the user's code and return the state it leads to, with what it raised."""
        task = self.task
        if loop_count > 1 or loop_result is not None:
            self.context["task_loop_count"], self.context["task_loop_result"] = loop_count, loop_result
        timeout_s = None if self.shared.timeouts_apart else task.timeout
        try:
            if task.log_prints or self.shared.log_prints:
                with prints_logged(get_logger()):
                    value = called(self._run, timeout_s)
            else:
                value = called(self._run, timeout_s)
            return self._kept(states.Success(decisions.SUCCEEDED, result=value)), None
        except signals.Signal as signal:
            state = signal.state
            if isinstance(state, states.Success) and not isinstance(state, states.Skipped):
                return self._kept(state), None
            _logger.debug("Task %r raised a signal: %r", self.name, state)
            return state, signal
        except TimeoutExpired as error:
            _logger.error("Task %r: %s", self.name, error)
            return states.TimedOut(str(error), result=error), error
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return self._failed(error), error

    def _run(self) -> Any:
        by_place = self.task.by_place
        if not by_place:
            return self.task.run(**self.attempt.inputs)
        named = dict(self.attempt.inputs)
        return self.task.run(*[named.pop(name) for name in by_place if name in named], **named)

    def _kept(self, state: State) -> State:
        """Keep the result of a successful state outside the process, where that is asked for."""
        keeper = self._keeper()
        if keeper is not None:
            value = state.result
            # That there is no result is said in place, which saves a file for each task that returns nothing.
            state.stored = (
                _NO_VALUE if value is None and self.task.target is None else keeper.write(value, **self._names())
            )
        return state

    def _keeper(self) -> Result | None:
        task, shared = self.task, self.shared
        if task.checkpoint is False:
            return None
        if task.result is None and task.target is None and not shared.keeps_all and not task.checkpoint:
            return None
        keeper = task.result or shared.result
        if keeper is not None and task.target is not None:
            keeper = keeper.copy()
            keeper.location = _target(task, self._names())
        return keeper

    def _found_at_target(self) -> State | None:
        """Return a Cached state where the result exists already, under the name that the task gives it."""
        if self.task.target is None:
            return None
        keeper = self._keeper()
        if keeper is None or not keeper.exists(**self._names()):
            return None
        found = keeper.formatted(self._names()).read()
        return states.Cached(f"Result found at task target {found.location}", result=found.value, stored=found)

    def _name(self) -> None:
        template = self.task.task_run_name
        if template is not None:
            self.context["task_run_name"] = filled(template, self._names())

    def _names(self) -> dict[str, Any]:
        return {**self.context, **self.attempt.inputs, "task_run_id": str(self.context["task_run_id"])}

    def _failed(self, error: BaseException) -> State:
        trace = _users_part(error.__traceback__)
        _logger.error("Task %r: error during execution", self.name, exc_info=(type(error), error, trace))
        return decisions.state_of_error(error)

    def _end(self, state: State, error: BaseException | None = None) -> State:
        """Return the last state of the attempt: that a success may be used again, or that a failure is retried."""
        if state.is_failed() and self.attempt.proposed is None:
            retrying = decisions.after_failure(self.task, state, error, self.run_count, self._now())
            if retrying is not None:
                self._pass(state)
                state = self._entered(state, retrying)
        elif isinstance(state, states.Retrying):
            # Asked for by a signal: it counts as an attempt.
            state.run_count = self.run_count
        elif type(state) is states.Success and self.task.cache_for is not None:
            self._pass(state)
            state = self._entered(state, self._cached(state))
        if state.context is None:
            state.context = self._told_context() if self.attempt.is_announced else _tags(self.task)
        return state

    def _cached(self, state: State) -> State:
        from eparch.sdk.caching import digests

        assert self.task.cache_for is not None
        return states.Cached(
            state.message,
            result=state.result,
            stored=state.stored,
            cached_parameters=dict(self.shared.context.get("parameters") or {}),
            cached_result_expiration=self._now() + self.task.cache_for,
            hashed_inputs=digests(self.attempt.inputs),
        )

    def _told_context(self) -> dict[str, Any]:
        """Return what is told of the run beside its state: its tags, and its name if it has one of its own."""
        name = self.context.get("task_run_name")
        return _tags(self.task) if name is None else {**_tags(self.task), "task_run_name": name}

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.attempt.clock_ahead_s)

    # ---- changes of state ----

    def _entered(self, old: State, new: State) -> State:
        """Let the state handlers see a change; return the state that is entered after all."""
        if not self.task.state_handlers:
            return new
        try:
            for handler in self.task.state_handlers:
                changed = handler(self.task, old, new)
                if isinstance(changed, State):
                    new = changed
        except signals.Signal as signal:
            return signal.state
        except Exception as error:
            _logger.error("Task %r: error in a state handler", self.name, exc_info=error)
            return states.Failed(f"Unexpected error while calling state handlers: {error!r}", result=error)
        return new

    def _pass(self, state: State) -> None:
        """A state was entered that is not the last one."""
        if not self.shared.tells_all:
            return
        if self.tell is not None:
            self.tell(self.attempt.step, self.attempt.map_index, state)
        if self.tell is None or not self.keeps_order:
            self.passed.append(state)


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the lines of the engine it begins with, unless there are no others."""
    inner = trace
    while inner is not None and inner.tb_frame.f_globals.get("__name__", "").startswith("eparch.sdk."):
        inner = inner.tb_next
    return inner if inner is not None else trace


def _tags(task: Task) -> dict[str, Any]:
    return {"tags": sorted(task.tags)}


def _target(task: Task, names: dict[str, Any]) -> str:
    assert task.target is not None
    # Filled in here already, it must not be taken for a template again.
    return filled(task.target, names).replace("{", "{{").replace("}", "}}")


def _attempts_before(state: State | None) -> int:
    if isinstance(state, states.Retrying):
        return state.run_count
    count = (state.context or {}).get("task_run_count", 0) if state is not None else 0
    return count if isinstance(count, int) else 0


def _loop(state: State | None) -> tuple[int, Any]:
    """Return the number of the next iteration, and the result of the one before."""
    if isinstance(state, states.Looped):
        return state.loop_count + 1, state.result
    return 1, None
