"""The loop of one flow run: hands out what is ready, takes in what has ended.

In charge of joining the machine, the executor, the clock and whoever watches; not in charge of any of their decisions.
"""

from collections.abc import Mapping
from queue import SimpleQueue
from typing import Any, Protocol

from eparch.sdk import states
from eparch.sdk.constants import Constant
from eparch.sdk.engine import decisions
from eparch.sdk.engine.attempts import Attempt, Outcome, Shared, run_attempt
from eparch.sdk.engine.caches import Caches
from eparch.sdk.engine.clock import Clock
from eparch.sdk.engine.inputs import unreadable
from eparch.sdk.engine.machine import Machine, Ready
from eparch.sdk.engine.plan import Step
from eparch.sdk.executors.executor import Events, Executor, Session, Stopped, Told
from eparch.sdk.parameters import Parameter
from eparch.sdk.results.inline import PrefectResult
from eparch.sdk.states import Cached, State


class Watcher(Protocol):
    """Who is told of every state that a task run enters, in order."""

    def entered(self, step: Step, map_index: int, state: State) -> None:
        """Take note of a state; `map_index` is -1 for the step itself."""
        ...

    def task_run_id(self, step: Step, map_index: int) -> str | None:
        """Return the id of a task run that is about to start, None where it has none."""
        ...


class Driver:
    """One flow run in progress.

    Attributes:
        stopped: what the flow run became because it was stopped, None where it was not.
    """

    def __init__(
        self,
        machine: Machine,
        shared: Shared,
        executor: Executor,
        clock: Clock,
        caches: Caches,
        watcher: Watcher | None = None,
    ) -> None:
        self.events: Events = SimpleQueue()
        self.stopped: State | None = None
        self._machine = machine
        self._shared = shared
        self._executor = executor
        self._clock = clock
        self._caches = caches
        self._watcher = watcher
        self._running: dict[tuple[int, int], Ready] = {}
        # How many states of an attempt were told before its outcome, which may repeat them.
        self._told_counts: dict[tuple[int, int], int] = {}

    def run(self) -> None:
        """Work until nothing is left to do now.

        Raises:
            KeyboardInterrupt: from the user at the terminal; what runs is stopped as far as that is possible.
        """
        session: Session | None = None
        try:
            while True:
                self._note_news()
                session = self._hand_out(session)
                if self._machine.is_idle or (self.stopped is not None and not self._running):
                    break
                self._take_in()
        except BaseException:
            self._machine.stop()
            if session is not None:
                session.close(cancel=True)
            raise
        if session is not None:
            session.close(cancel=self.stopped is not None)

    # ---- handing out ----

    def _hand_out(self, session: Session | None) -> Session | None:
        """Give ready runs to the executor until it is full; return the session, opened when it is first needed."""
        room = session.room() if session is not None else 1
        while room > 0:
            runs = self._machine.take(room)
            if not runs:
                break
            attempts = []
            for run in runs:
                attempt = self._prepared(run)
                if attempt is not None:
                    attempts.append(attempt)
            if attempts:
                if session is None:
                    session = self._executor.open(self._shared, self.events)
                session.submit(attempts)
            self._note_news()
            room = session.room() if session is not None else 1
            if not self.events.empty():
                break
        return session

    def _prepared(self, run: Ready) -> Attempt | None:
        """Return a ready run as an attempt; None where it has ended without one."""
        step, child = run.step, run.map_index
        task = step.task
        if isinstance(task, Parameter | Constant):
            self._end(run, self._given(task))
            return None
        feed = self._machine.feed(step)
        proposed: State | None = None
        if not decisions.runs_at_once(
            task, [*feed.common_states.values(), *(feed.item_states(child) if child >= 0 else ())]
        ):
            proposed = decisions.before_run(task, feed.states(child), run.before)
            if proposed is not None and not task.state_handlers:
                self._end(run, proposed)
                return None
        try:
            inputs = feed.values(child) if proposed is None else {}
        except Exception as error:
            self._end(run, unreadable(step, error))
            return None
        if proposed is None and task.cache_for is not None:
            proposed = self._cached(step, inputs)
        task_run_id = self._watcher.task_run_id(step, child) if self._watcher is not None else None
        attempt = Attempt(step.index, child, inputs, run.before, proposed, task_run_id, self._clock.ahead_s())
        if task.is_light and not task.state_handlers:
            self._running[step.index, child] = run
            self._handle(run_attempt(self._shared, attempt, self._tell))
            return None
        self._running[step.index, child] = run
        return attempt

    def _given(self, task: Parameter | Constant) -> State:
        """Return the state of a task whose result is known beforehand."""
        if isinstance(task, Constant):
            return states.Success(result=task.value)
        try:
            value = task.value(self._shared.context["parameters"])
        except Exception as error:
            return decisions.state_of_error(error)
        state = states.Success(decisions.SUCCEEDED, result=value)
        if self._shared.keeps_all:
            try:
                state.stored = PrefectResult().write(value)
            except ValueError:
                state.stored = None
        return state

    def _cached(self, step: Step, inputs: Mapping[str, Any]) -> State | None:
        task, parameters = step.task, self._shared.context["parameters"]
        for candidate in self._caches.candidates(task, step.slug):
            if task.cache_validator(candidate, inputs, parameters):
                return Cached(
                    candidate.message,
                    result=candidate.result,
                    stored=candidate.stored,
                    cached_parameters=candidate.cached_parameters,
                    cached_result_expiration=candidate.cached_result_expiration,
                    hashed_inputs=candidate.hashed_inputs,
                )
        return None

    # ---- taking in ----

    def _take_in(self) -> None:
        """Wait for something to happen, then take in all that has."""
        event = self._clock.wait(self.events, self._machine.wakes_at(), is_busy=bool(self._running))
        while event is not None:
            self._handle(event)
            if self.events.empty():
                break
            event = self.events.get()
        if self._machine.wakes_at() is not None:
            self._machine.wake(self._clock.now())

    def _handle(self, event: Outcome | Told | Stopped) -> None:
        if isinstance(event, Outcome):
            run = self._running.pop((event.step, event.map_index))
            told_count = self._told_counts.pop((event.step, event.map_index), 0)
            for state in event.passed[told_count:]:
                self._note(run.step, run.map_index, state)
            if isinstance(event.state, Cached) and run.step.task.cache_for is not None:
                self._caches.keep(run.step.task, run.step.slug, event.state)
            self._end(run, event.state)
        elif isinstance(event, Told):
            key = (event.step, event.map_index)
            # What is told after the outcome came with the outcome.
            if key in self._running:
                self._told_counts[key] = self._told_counts.get(key, 0) + 1
                self._note(self._running[key].step, event.map_index, event.state)
        else:
            self.stopped = event.state
            self._machine.stop()

    def _end(self, run: Ready, state: State) -> None:
        self._note(run.step, run.map_index, state)
        self._machine.ended(run, state)

    # ---- telling ----

    def _note_news(self) -> None:
        for step, state in self._machine.take_news():
            if step.task.state_handlers:
                self._run_handlers(step, state)
            self._note(step, -1, state)

    def _run_handlers(self, step: Step, state: State) -> None:
        # What a mapped step becomes is not a handler's to change: it may only watch.
        attempt = Attempt(step.index, -1, {}, None, state)
        run_attempt(self._shared, attempt, None)

    def _note(self, step: Step, map_index: int, state: State) -> None:
        if self._watcher is not None:
            self._watcher.entered(step, map_index, state)

    def _tell(self, step: int, map_index: int, state: State) -> None:
        self.events.put(Told(step, map_index, state))
