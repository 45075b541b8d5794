"""Several server processes behind one port of one machine.

In charge of starting them, of starting anew those that end, and of passing on signals; not in charge of what they serve
(`run`). All accept connections from the one socket of their parent, which does nothing else than watch, so that it has
no reason to fail. They find each other as replicas on other machines do, by the database.

The parent forks before it has any thread or event loop, and forks again from this clean state when a worker has ended.
Workers see by a pipe when their parent is gone, and stop as if told to.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

logger: Final = logging.getLogger("eparch.workers")

_SIGNALS: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD}
_PAUSE_S, _PAUSE_S_MAX = 1.0, 30.0
# A worker that ran for so long begins anew without a longer pause than the first.
_STEADY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker stands.

    Attributes:
        index: from 0.
        parent: a file descriptor that is at its end when the parent is gone.
        ready: a file descriptor to write a byte to once the worker serves.
    """

    index: int
    parent: int
    ready: int


@dataclass(slots=True)
class _Worker:
    index: int
    pid: int
    ready: int
    started_s: float
    failures: int


class Workers:
    """A parent and its workers.

    Args:
        count: how many workers.
        work: what a worker does; returns its exit code. It is called in a process of its own.
    """

    def __init__(self, count: int, work: Callable[[Place], int]) -> None:
        self._count = count
        self._work = work
        self._running: dict[int, _Worker] = {}
        # Index of a worker that has ended, when to start it anew, and how often it has failed in a row.
        self._due: dict[int, tuple[float, int]] = {}
        self._is_stopping = False
        self._code = 0
        self._parent_read, self._parent_write = os.pipe()

    def run(self) -> int:
        """Start all workers, keep them running until SIGINT or SIGTERM, and return the exit code.

        A worker that ends before it could serve even once ends all: what hinders it hinders the others as well.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        for index in range(self._count):
            self._start(index, 0)
        while self._running or (self._due and not self._is_stopping):
            match self._next_signal():
                case None:
                    self._start_those_due()
                case signal.SIGCHLD:
                    self._bury()
                case number:
                    self._stop(number)
        return self._code

    def _next_signal(self) -> signal.Signals | None:
        """Wait for a signal; return None when a worker is to be started first."""
        if not self._due or self._is_stopping:
            return signal.Signals(signal.sigwait(_SIGNALS))
        earliest = min(at for at, _ in self._due.values())
        found = signal.sigtimedwait(_SIGNALS, max(earliest - time.monotonic(), 0))
        return None if found is None else signal.Signals(found.si_signo)

    def _start(self, index: int, failures: int) -> None:
        ready_read, ready_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_worker(Place(index, self._parent_read, ready_write))
        os.close(ready_write)
        self._running[pid] = _Worker(index, pid, ready_read, time.monotonic(), failures)

    def _be_worker(self, place: Place) -> None:
        """Work, and end the process without returning: what the caller has open is the parent's."""
        code = 1
        try:
            os.close(self._parent_write)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            _name_in_logs(place.index)
            code = self._work(place)
        except BaseException:
            logger.exception("Worker %d cannot work.", place.index)
        finally:
            logging.shutdown()
            os._exit(code)

    def _start_those_due(self) -> None:
        now = time.monotonic()
        for index, (at, failures) in list(self._due.items()):
            if at <= now:
                del self._due[index]
                self._start(index, failures)

    def _bury(self) -> None:
        """Take note of workers that have ended. One signal may stand for several."""
        for pid in list(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            worker = self._running.pop(pid)
            # Nobody else has the other end any more, so this does not wait.
            was_ready = os.read(worker.ready, 1) != b""
            os.close(worker.ready)
            self._judge(worker, os.waitstatus_to_exitcode(status), was_ready=was_ready)

    def _judge(self, worker: _Worker, code: int, *, was_ready: bool) -> None:
        if self._is_stopping:
            self._code = self._code or (0 if code == 0 else 1)
            return
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        if not was_ready and not worker.failures:
            logger.error("Worker %d %s before it could serve; the others end as well.", worker.index, how)
            self._code = 1
            self._stop(signal.SIGTERM)
            return
        is_steady = time.monotonic() - worker.started_s > _STEADY_S
        failures = 1 if is_steady else worker.failures + 1
        pause_s = min(_PAUSE_S * 2.0 ** (failures - 1), _PAUSE_S_MAX)
        logger.error("Worker %d (pid %d) %s; another starts in %g s.", worker.index, worker.pid, how, pause_s)
        self._due[worker.index] = (time.monotonic() + pause_s, failures)

    def _stop(self, number: signal.Signals) -> None:
        self._is_stopping = True
        for pid in self._running:
            # It is not buried yet, so no other process can have its number.
            os.kill(pid, number)


def _name_in_logs(index: int) -> None:
    """Let each log line of this process say which worker wrote it."""
    make = logging.getLogRecordFactory()

    def record(*arguments: object, **more: object) -> logging.LogRecord:
        made = make(*arguments, **more)
        made.worker = index
        return made

    logging.setLogRecordFactory(record)
