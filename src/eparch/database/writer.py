"""The one way to write: queued, batched, acknowledged after commit.

In charge of the queue, the threads and the answers; not in charge of what happens within a transaction (`batches`) nor
of what is written (`operations`).

A writer is a thread with a connection. It takes everything that waits (up to `batch_max`), runs each piece of work
under a savepoint of one transaction, commits once, and only then answers all of them. With fifty clients waiting, the
cost of one durable commit is shared by fifty. SQLite has one writer, so nobody ever meets "database is locked";
PostgreSQL has several.
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from eparch.core.errors import EparchError, Overloaded, Unavailable
from eparch.database.batches import Batch, Batches, Run, Work
from eparch.database.figures import WriteFigures

__all__ = ["Run", "Work", "Writer"]

logger: Final = logging.getLogger("eparch.writer")


class Writer:
    """A queue of work and the threads that carry it out.

    Args:
        engine: of `engines.writing_engine`.
        clock: returns the present, aware; a test may move it.
        on_commit: called on the writer's thread after each commit, and before its outcomes are delivered, with the
            names of the tables it changed.
        on_delivered: called on the writer's thread when all outcomes of a batch have been delivered.
        batch_max: how many pieces of work share a transaction at the most.
        waiting_max: how many may wait before further ones are refused.
        threads: how many writers; SQLite takes one.
    Attributes:
        figures: what the writers have noted about their work.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime],
        on_commit: Callable[[frozenset[str]], None] = lambda _tables: None,
        on_delivered: Callable[[], None] = lambda: None,
        batch_max: int = 256,
        waiting_max: int = 20_000,
        threads: int = 1,
    ) -> None:
        assert threads == 1 or engine.dialect.name != "sqlite"
        self.figures = WriteFigures()
        self._batches = Batches(engine, clock)
        self._on_commit = on_commit
        self._on_delivered = on_delivered
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._is_stopping = False
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"eparch-writer-{index}") for index in range(threads)]

    @property
    def waiting_count(self) -> int:
        """How many changes wait for a writer."""
        return self._waiting.qsize()

    def start(self) -> None:
        """Begin to carry out work."""
        for thread in self._threads:
            thread.start()

    def submit(self, work: Work) -> None:
        """Queue work; its outcome is delivered after it has been committed.

        Raises:
            Overloaded: too much is waiting already; nothing was queued.
            Unavailable: the writer has been stopped.
        """
        if self._is_stopping:
            raise _stopping()
        if self._waiting.qsize() >= self._waiting_max:
            self.figures.changes.add("overloaded")
            raise Overloaded("The server has too many changes waiting.", hint="try again in a moment")
        work.queued_s = time.perf_counter()
        self._waiting.put(work)

    def stop(self) -> None:
        """Carry out what was accepted, then end the threads. Work submitted later is refused."""
        self._is_stopping = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        # What slipped in while the flag was being set.
        while not self._waiting.empty():
            if (work := self._waiting.get()) is not None:
                _call(work.deliver, None, _stopping())

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            taken, is_last = self._take(first)
            begun_s = time.perf_counter()
            self.figures.wait_s.note(begun_s - first.queued_s)
            self.figures.batch_changes.note(len(taken))
            batch = self._batches.carry_out(taken)
            self.figures.batch_s.note(time.perf_counter() - begun_s)
            self._tell(batch)
            if is_last:
                return

    def _take(self, first: Work) -> tuple[list[Work], bool]:
        taken = [first]
        while len(taken) < self._batch_max:
            try:
                work = self._waiting.get_nowait()
            except queue.Empty:
                break
            if work is None:
                return taken, True
            taken.append(work)
        return taken, False

    def _tell(self, batch: Batch) -> None:
        # A failure of whoever listens is theirs: the next batch must be carried out, and the other outcomes told.
        self.figures.note_committed(batch.notes)
        self.figures.changes.add_all(Counter((_outcome(error),) for _, _, error in batch.outcomes))
        if batch.touched:
            _call(self._on_commit, frozenset(batch.touched))
        for work, outcome, error in batch.outcomes:
            _call(work.deliver, outcome, error)
        _call(self._on_delivered)


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, Unavailable):
        return "unavailable"
    return "refused" if isinstance(error, EparchError) else "failed"


def _call(function: Callable[..., object], *arguments: object) -> None:
    try:
        function(*arguments)
    except Exception:
        logger.exception("Somebody who waits for changes could not be told.")


def _stopping() -> Unavailable:
    return Unavailable("The server is stopping; nothing was written.", hint="try again when it runs")
