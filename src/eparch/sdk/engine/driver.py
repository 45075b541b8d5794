"""The loop of one flow run: hands out what is ready, takes in what has ended.

In charge of joining the machine, the executor, the clock and whoever watches; not in charge of any of their decisions.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any, Final, Protocol

from eparch.sdk import states
from eparch.sdk.constants import Constant
from eparch.sdk.context import Lazy
from eparch.sdk.engine import decisions
from eparch.sdk.engine.attempts import Attempt, Outcome, Shared, run_attempt
from eparch.sdk.engine.caches import Caches
from eparch.sdk.engine.clock import Clock
from eparch.sdk.engine.inputs import unreadable
from eparch.sdk.engine.machine import Machine, Ready
from eparch.sdk.engine.plan import Step
from eparch.sdk.executors.executor import Events, Executor, Session, Stopped, Told
from eparch.sdk.logs import hide
from eparch.sdk.parameters import Parameter
from eparch.sdk.results.inline import PrefectResult, SecretResult
from eparch.sdk.states import Cached, State

# What a parameter's state holds in place, which every change of that state carries along.
_INLINE_CHARACTERS_MAX: Final = 100_000


class Watcher(Protocol):
    """Who is told of every state that a task run enters, in order, and may have a say before it starts."""

    def entered(self, step: Step, map_index: int, state: State) -> None:
        """Take note of a state; `map_index` is -1 for the step itself."""
        ...

    def task_run_id(self, step: Step, map_index: int) -> str | Lazy | None:
        """Return the id of a task run that is about to start, or what finds it out; None where it has none."""
        ...

    def asks_leave(self, step: Step) -> bool:
        """Return whether runs of a step may start only with leave."""
        ...

    def leave(self, runs: Sequence[tuple[Step, int]]) -> list[State | None]:
        """Return for each run None if it may start, and has been announced; otherwise the state it is in instead."""
        ...


class Driver:
    """One flow run in progress.

    Args:
        wait_s_max: when nothing but waiting longer than this is left, the run is left to be taken up again later; None
            to wait for ever.

    Attributes:
        stopped: what the flow run became because it was stopped, None where it was not.
        noticed: set once a stop has been noticed.
        left_count: how many tasks could not be stopped and still run.
    """

    def __init__(
        self,
        machine: Machine,
        shared: Shared,
        executor: Executor,
        clock: Clock,
        caches: Caches,
        watcher: Watcher | None = None,
        wait_s_max: float | None = None,
    ) -> None:
        self.events: Events = SimpleQueue()
        self.stopped: State | None = None
        self.left_count = 0
        self._machine = machine
        self._shared = shared
        self._executor = executor
        self._clock = clock
        self._caches = caches
        self._watcher = watcher
        self._wait_s_max = wait_s_max
        self.noticed = threading.Event()
        self._running: dict[tuple[int, int], Ready] = {}
        # How many states of an attempt were told before its outcome, which may repeat them.
        self._told_counts: dict[tuple[int, int], int] = {}

    def watch(self, watcher: Watcher) -> None:
        """Tell `watcher` of everything; to be called before the run."""
        self._watcher = watcher

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
                if self._machine.is_idle or self.stopped is not None or self._waits_too_long():
                    break
                self._take_in()
        except BaseException:
            self._machine.stop()
            if session is not None:
                session.close(cancel=True)
            raise
        if session is not None:
            self.left_count = session.close(cancel=self.stopped is not None)

    def notice_stop(self) -> bool:
        """Take note of a stop that came when the run was over; return whether one did."""
        was_stopped = self.stopped is not None
        while not self.events.empty():
            event = self.events.get()
            if isinstance(event, Stopped):
                self._handle(event)
        return self.stopped is not None and not was_stopped

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
            attempts = self._with_leave(attempts)
            if attempts:
                if session is None:
                    session = self._executor.open(self._shared, self.events)
                    session.tell = self._tell
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
            self._end(run, self._given(step))
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

    def _with_leave(self, attempts: list[Attempt]) -> list[Attempt]:
        """Return the attempts that may start; the others end in the state that they are in instead."""
        watcher = self._watcher
        if watcher is None or not attempts:
            return attempts
        runs = [self._running[attempt.step, attempt.map_index] for attempt in attempts]
        asking = [
            index for index, run in enumerate(runs) if attempts[index].proposed is None and watcher.asks_leave(run.step)
        ]
        if not asking:
            return attempts
        answers = watcher.leave([(runs[index].step, runs[index].map_index) for index in asking])
        refused = set()
        for index, answer in zip(asking, answers, strict=True):
            attempts[index].is_announced = answer is None
            if answer is not None:
                refused.add(index)
                del self._running[attempts[index].step, attempts[index].map_index]
                if isinstance(answer, states.ClientFailed):
                    self._handle(Stopped(answer))
                self._machine.ended(runs[index], answer)
        return [attempt for index, attempt in enumerate(attempts) if index not in refused]

    def _given(self, step: Step) -> State:
        """Return the state of a parameter or constant: its result is known beforehand."""
        task = step.task
        assert isinstance(task, Parameter | Constant)
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
            keeper = self._shared.result
            if state.stored is not None and len(state.stored.location or "") > _INLINE_CHARACTERS_MAX and keeper:
                state.stored = keeper.write(value, **{**self._shared.context, "task_slug": step.slug})
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
            if isinstance(event.state.stored, SecretResult):
                # Asked for in another process, it is not known here yet that it must be hidden.
                hide(event.state.result)
            if isinstance(event.state, Cached) and run.step.task.cache_for is not None:
                self._caches.keep(run.step.task, run.step.slug, event.state)
            self._end(run, event.state)
            if run.step.task.tags:
                self._machine.freed(run.step.task.tags)
        elif isinstance(event, Told):
            key = (event.step, event.map_index)
            # What is told after the outcome came with the outcome.
            if key in self._running:
                self._told_counts[key] = self._told_counts.get(key, 0) + 1
                self._note(self._running[key].step, event.map_index, event.state)
        else:
            self.stopped = event.state
            self.noticed.set()
            self._machine.stop()

    def _waits_too_long(self) -> bool:
        wakes_at: datetime | None = self._machine.wakes_at()
        if self._wait_s_max is None or wakes_at is None or self._running or self._machine.has_ready:
            return False
        return wakes_at > self._clock.now() + timedelta(seconds=self._wait_s_max)

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
        self._handle(Told(step, map_index, state))
