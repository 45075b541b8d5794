"""Tasks in processes of this machine.

In charge of the processes and of what becomes of a task whose process is killed or dies; not in charge of what a
process does (`process_worker`).

Each process has a thread here that gives it work and listens to it. The processes are started as programs of their own,
not copied from this one: a copy of a process with threads may hang, and the start-up method of `multiprocessing` would
execute the user's script again.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import ClassVar, Final

from eparch.sdk import states
from eparch.sdk.engine.attempts import Attempt, Outcome, Shared
from eparch.sdk.errors import FlowError
from eparch.sdk.executors.executor import Events, Executor, Session, Told
from eparch.sdk.executors.messages import Beginning, Heard, read, written
from eparch.sdk.logs import handle_elsewhere
from eparch.sdk.pickling import pickled
from eparch.sdk.states import State

# Attempts sent to a process in one message when many wait: a message costs as much as a small task.
_TOGETHER_MAX: Final = 64
_AHEAD: Final = 64


class ProcessExecutor(Executor):
    """Run tasks in processes: good for tasks that compute, and for those that must be stopped at their timeout.

    A task that takes longer than its timeout is killed with its process. What goes in and comes out is pickled.

    Args:
        max_workers: how many processes; by default one for each processor.

    Example:
        >>> from eparch import Flow, task
        >>> from eparch.executors import ProcessExecutor
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> with Flow("doubles", executor=ProcessExecutor(max_workers=2)) as f:
        ...     doubles = double.map([1, 2, 3])
        >>> f.run().result[doubles].result
        [2, 4, 6]
    """

    ends_timeouts: ClassVar[bool] = True

    def __init__(self, max_workers: int | None = None) -> None:
        if max_workers is not None and (not isinstance(max_workers, int) or max_workers < 1):
            raise FlowError(f"A ProcessExecutor cannot have {max_workers!r} workers.", hint="give 1 or more")
        self.max_workers = max_workers if max_workers is not None else os.cpu_count() or 1

    def open(self, shared: Shared, events: Events) -> Session:
        """Get ready for one flow run; processes are started when they are needed.

        Raises:
            FlowError: a task cannot be pickled.
        """
        beginning = Beginning(sys.path, pickled(shared, "The flow", shared.tasks))
        return _ProcessSession(self.max_workers, shared, written(beginning), events)

    def __repr__(self) -> str:
        return f"<ProcessExecutor: {self.max_workers} processes>"


class _ProcessSession(Session):
    def __init__(self, workers_max: int, shared: Shared, beginning: bytes, events: Events) -> None:
        self.shared = shared
        self.beginning = beginning
        self.events = events
        self.cancelled = threading.Event()
        self._workers_max = workers_max
        self._workers: list[_Worker] = []
        self._queue: deque[Attempt] = deque()
        self._change = threading.Condition()
        self._open_count = 0
        self._is_closed = False

    def room(self) -> int:
        return self._workers_max + _AHEAD - self._open_count

    def submit(self, attempts: Sequence[Attempt]) -> None:
        with self._change:
            self._queue.extend(attempts)
            self._open_count += len(attempts)
            wanted = min(self._workers_max, self._open_count)
            self._change.notify(len(attempts))
        while len(self._workers) < wanted:
            self._workers.append(_Worker(self, len(self._workers)))

    def close(self, *, cancel: bool = False) -> int:
        """Let the processes end when the queue is empty; with `cancel`, kill them."""
        if cancel:
            self.cancelled.set()
        with self._change:
            self._is_closed = True
            if cancel:
                self._queue.clear()
            self._change.notify_all()
        for worker in self._workers:
            if cancel:
                worker.kill()
        for worker in self._workers:
            worker.thread.join()
        return 0

    # ---- for the workers' threads ----

    def take(self) -> list[Attempt] | None:
        """Wait for work; return attempts to be sent together, None at the end."""
        with self._change:
            while not self._queue:
                if self._is_closed:
                    return None
                self._change.wait()
            share = len(self._queue) // (4 * self._workers_max)
            taken = [self._queue.popleft()]
            # What may have to be killed goes alone, so that it takes nothing else with it.
            while self._queue and len(taken) < min(share, _TOGETHER_MAX) and not self._is_timed(taken[-1]):
                if self._is_timed(self._queue[0]):
                    break
                taken.append(self._queue.popleft())
            return taken

    def give_back(self, attempts: Sequence[Attempt]) -> None:
        """Put attempts back that were sent to a process and not begun by it."""
        with self._change:
            self._queue.extendleft(reversed(attempts))
            self._change.notify(len(attempts))

    def done(self, outcome: Outcome) -> None:
        """Hand an outcome to the engine."""
        with self._change:
            self._open_count -= 1
        self.events.put(outcome)

    def timeout_s(self, attempt: Attempt) -> float | None:
        """Return how long an attempt may take."""
        return self.shared.tasks[attempt.step].timeout

    def _is_timed(self, attempt: Attempt) -> bool:
        return self.timeout_s(attempt) is not None


class _Worker:
    """One process, started again whenever it was killed or has died, and the thread that speaks to it."""

    def __init__(self, session: _ProcessSession, number: int) -> None:
        self._session = session
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self.thread = threading.Thread(target=self._work, daemon=True, name=f"eparch-process-{number}")
        self.thread.start()

    def kill(self) -> None:
        """Kill the process; may be called from any thread."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def _work(self) -> None:
        try:
            while (attempts := self._session.take()) is not None:
                self._run(attempts)
        finally:
            self._stop()

    def _run(self, attempts: list[Attempt]) -> None:
        """Let the process run attempts, and hand on what becomes of each."""
        session = self._session
        try:
            pipe = self._started()
            message = self._message(attempts)
            if message is None:
                return
            pipe.send_bytes(message)
            left = deque(attempts)
            while left:
                if not pipe.poll(session.timeout_s(left[0])):
                    self._stop(kill=True)
                    session.done(_timed_out(left[0], session.timeout_s(left[0])))
                    return
                heard = read(pipe.recv_bytes())
                if isinstance(heard, Outcome):
                    left.popleft()
                    session.done(heard)
                else:
                    self._hear(heard)
        except (EOFError, OSError):
            code = self._stop()
            if session.cancelled.is_set():
                return
            # Outcomes come in order: the first without one is what the process died of.
            died, *rest = left if "left" in locals() else attempts
            session.done(_died(died, code))
            session.give_back(rest)

    def _message(self, attempts: list[Attempt]) -> bytes | None:
        """Return attempts as one message; None where that cannot be: then each of them has been dealt with alone."""
        try:
            return written(attempts)
        except Exception as error:  # whatever a user's object raises
            if len(attempts) > 1:
                for attempt in attempts:
                    self._run([attempt])
                return None
            name = self._session.shared.tasks[attempts[0].step].name
            failed = states.Failed(f"The inputs of task {name!r} cannot be sent to a process: {error}", result=error)
            self._session.done(Outcome(attempts[0].step, attempts[0].map_index, failed))
            return None

    def _hear(self, heard: Heard) -> None:
        if isinstance(heard, Told):
            self._session.events.put(heard)
        else:
            handle_elsewhere(heard.record)

    def _started(self) -> Connection:
        if self._pipe is not None:
            return self._pipe
        ours, theirs = connection.Pipe()
        command = [sys.executable, "-P", "-m", "eparch.sdk.executors.process_worker", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603
        theirs.close()
        self._pipe = ours
        ours.send_bytes(self._session.beginning)
        return ours

    def _stop(self, *, kill: bool = False) -> int | None:
        """End the process: it ends by itself when nobody speaks to it. Return its exit code."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if process is None or pipe is None:
            return None
        if kill:
            process.kill()
        pipe.close()
        return process.wait()


def _timed_out(attempt: Attempt, timeout_s: float | None) -> Outcome:
    message = f"Task timed out during execution, after {timeout_s:g} s: its process was killed."
    return Outcome(attempt.step, attempt.map_index, states.TimedOut(message, result=TimeoutError(message)))


def _died(attempt: Attempt, code: int | None) -> Outcome:
    how = f"by signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"with code {code}"
    message = f"The process of the task ended {how} before the task did."
    state: State = states.Failed(message, result=RuntimeError(message))
    return Outcome(attempt.step, attempt.map_index, state)
