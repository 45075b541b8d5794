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
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from eparch.core.errors import Overloaded, Unavailable
from eparch.database.batches import Batch, Batches, Run, Work

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
        self._batches = Batches(engine, clock)
        self._on_commit = on_commit
        self._on_delivered = on_delivered
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._is_stopping = False
        self._waiting: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"eparch-writer-{index}") for index in range(threads)]

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
            raise Overloaded("The server has too many changes waiting.", hint="try again in a moment")
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
            self._tell(self._batches.carry_out(taken))
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
        if batch.touched:
            _call(self._on_commit, frozenset(batch.touched))
        for work, outcome, error in batch.outcomes:
            _call(work.deliver, outcome, error)
        _call(self._on_delivered)


def _call(function: Callable[..., object], *arguments: object) -> None:
    try:
        function(*arguments)
    except Exception:
        logger.exception("Somebody who waits for changes could not be told.")


def _stopping() -> Unavailable:
    return Unavailable("The server is stopping; nothing was written.", hint="try again when it runs")
