"""Tasks in threads of this process."""

import os
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Final

from eparch.sdk import states
from eparch.sdk.engine.attempts import Attempt, Outcome, Shared, run_attempt
from eparch.sdk.engine.calls import interrupt
from eparch.sdk.errors import FlowError
from eparch.sdk.executors.executor import Events, Executor, Session, Told
from eparch.sdk.states import State

# Enough for tasks that wait for other machines, which is what threads are good for.
_WORKERS: Final = min(32, (os.cpu_count() or 1) * 4 + 4)
# Handed out ahead, so that no thread waits for the engine; few enough that a cancellation finds little to take back.
_AHEAD: Final = 64
# How long cancelled threads are waited for: one that computes in Python stops at once, others not at all.
_GRACE_S: Final = 2.0


class ThreadExecutor(Executor):
    """Run tasks in threads: good for tasks that wait, for a database or the network.

    Tasks of plain Python code that compute take turns, because Python runs one thread at a time; use `ProcessExecutor`.

    Args:
        max_workers: how many tasks run at once; by default four for each processor and four more, at most 32.

    Example:
        >>> from eparch import Flow, task
        >>> from eparch.executors import ThreadExecutor
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> with Flow("doubles", executor=ThreadExecutor(max_workers=4)) as f:
        ...     doubles = double.map([1, 2, 3])
        >>> f.run().result[doubles].result
        [2, 4, 6]
    """

    def __init__(self, max_workers: int | None = None) -> None:
        if max_workers is not None and (not isinstance(max_workers, int) or max_workers < 1):
            raise FlowError(f"A ThreadExecutor cannot have {max_workers!r} workers.", hint="give 1 or more")
        self.max_workers = max_workers if max_workers is not None else _WORKERS

    def open(self, shared: Shared, events: Events) -> Session:
        """Get ready for one flow run; threads are started when they are needed."""
        return _ThreadSession(self.max_workers, shared, events)

    def __repr__(self) -> str:
        return f"<ThreadExecutor: {self.max_workers} threads>"


class Cancel(BaseException):
    """Raised in a thread to stop its task. No `Exception`, so that it is not caught by the way."""


class _ThreadSession(Session):
    def __init__(self, workers_max: int, shared: Shared, events: Events) -> None:
        self._shared = shared
        self._events = events
        self._workers_max = workers_max
        self._queue: SimpleQueue[Attempt | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._submitted_count = 0
        # One member each, changed by one thread each: sums need no lock.
        self._done_counts: list[int] = []
        self._cancelled = threading.Event()

    def room(self) -> int:
        return self._workers_max + _AHEAD - self._open_count()

    def submit(self, attempts: Sequence[Attempt]) -> None:
        self._submitted_count += len(attempts)
        for attempt in attempts:
            self._queue.put(attempt)
        wanted = min(self._workers_max, self._open_count())
        while len(self._threads) < wanted:
            self._start_thread()

    def close(self, *, cancel: bool = False) -> int:
        """Let the threads end after what is in the queue; with `cancel`, stop them where Python can."""
        if cancel:
            self._cancelled.set()
        for _ in self._threads:
            self._queue.put(None)
        if cancel:
            for thread in self._threads:
                if thread.is_alive() and thread.ident is not None:
                    interrupt(thread.ident, Cancel)
        until = time.monotonic() + _GRACE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()) if cancel else None)
        return sum(1 for thread in self._threads if thread.is_alive())

    def _open_count(self) -> int:
        return self._submitted_count - sum(self._done_counts)

    def _start_thread(self) -> None:
        number = len(self._threads)
        self._done_counts.append(0)
        # Daemons: a task that cannot be stopped does not keep the process from ending.
        thread = threading.Thread(target=self._work, args=(number,), daemon=True, name=f"eparch-{number}")
        self._threads.append(thread)
        thread.start()

    def _work(self, number: int) -> None:
        queue, events, shared, done = self._queue, self._events, self._shared, self._done_counts
        while True:
            attempt = queue.get()
            if attempt is None or self._cancelled.is_set():
                return
            try:
                outcome = run_attempt(shared, attempt, self._tell)
            except BaseException as error:
                if self._cancelled.is_set():
                    return
                failed = states.Failed(f"Error during execution of task: {error!r}", result=error)
                outcome = Outcome(attempt.step, attempt.map_index, failed)
            done[number] += 1
            events.put(outcome)

    def _tell(self, step: int, map_index: int, state: State) -> None:
        self._events.put(Told(step, map_index, state))
