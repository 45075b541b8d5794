"""The one way to write: queued, batched, acknowledged after commit.

In charge of transactions: what shares one, when it is committed, what is undone when something fails; not in charge of
what is written (`operations`).

A writer is a thread with a connection. It takes everything that waits (up to `batch_max`), runs each piece of work
under a savepoint of one transaction, commits once, and only then answers all of them. With fifty clients waiting, the
cost of one durable commit is shared by fifty. SQLite has one writer, so nobody ever meets "database is locked";
PostgreSQL has several.

Work that belongs to the same group (`Work.group`) is handed to `Work.run` together; if that fails for a reason that is
not told for each item, the whole group is undone and each item is tried alone, so one bad item fails alone.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from eparch.core.errors import EparchError, Overloaded, Unavailable
from eparch.database.faults import translated
from eparch.database.transactions import Transaction

logger: Final = logging.getLogger("eparch.writer")

# A failure of one writer's transaction that another attempt may not meet: lost connection, deadlock, serialization.
_ATTEMPTS_MAX: Final = 3


class Run(Protocol):
    """What a group of work does: one outcome for each item, an exception among them being that item's own failure."""

    def __call__(self, tx: Transaction, items: Sequence[Any], now: datetime) -> Sequence[Any]: ...


@dataclass(slots=True, eq=False)
class Work:
    """One acknowledged unit: it is committed as a whole, or leaves nothing behind.

    Attributes:
        run: carries out this item and others of the same group.
        item: what `run` is told.
        group: items with an equal group may be handed over together; None keeps this one by itself.
        deliver: called with (outcome, error) after the commit, on the writer's thread.
    """

    run: Run
    item: Any
    group: str | None
    deliver: Callable[[Any, BaseException | None], None]


@dataclass(slots=True)
class _Batch:
    outcomes: list[tuple[Work, Any, BaseException | None]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)


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
        self._engine = engine
        self._clock = clock
        self._on_commit = on_commit
        self._on_delivered = on_delivered
        self._batch_max = batch_max
        self._waiting_max = waiting_max
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
        """
        if self._waiting.qsize() >= self._waiting_max:
            raise Overloaded("The server has too many changes waiting.", hint="try again in a moment")
        self._waiting.put(work)

    def stop(self) -> None:
        """Carry out what was accepted, then end the threads. Work submitted later is never carried out."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            taken, is_last = self._take(first)
            batch = self._carry_out(taken)
            if batch.touched:
                self._on_commit(frozenset(batch.touched))
            for work, outcome, error in batch.outcomes:
                work.deliver(outcome, error)
            self._on_delivered()
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

    def _carry_out(self, taken: Sequence[Work]) -> _Batch:
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            batch = _Batch()
            try:
                with self._engine.begin() as connection:
                    for group in _grouped(taken):
                        self._carry_out_group(connection, group, batch)
            except (DBAPIError, OSError) as error:
                failure = translated(error)
                if not (isinstance(failure, Unavailable) and attempt < _ATTEMPTS_MAX):
                    logger.error("A transaction with %d changes failed: %s", len(taken), failure.message)
                    return _Batch([(work, None, failure) for work in taken])
                logger.warning("Trying %d changes again: %s", len(taken), failure.message)
            else:
                return batch
        raise AssertionError("unreachable: the last attempt returns")

    def _carry_out_group(self, connection: Connection, group: Sequence[Work], batch: _Batch) -> None:
        tx = Transaction(connection)
        try:
            with connection.begin_nested():
                outcomes = group[0].run(tx, [work.item for work in group], self._clock())
        except Exception as error:
            if _is_fatal(error):
                raise
            if len(group) == 1:
                batch.outcomes.append((group[0], None, _told(error)))
            else:
                for work in group:
                    self._carry_out_group(connection, [work], batch)
            return
        batch.touched |= tx.touched
        for work, outcome in zip(group, outcomes, strict=True):
            is_failure = isinstance(outcome, Exception)
            batch.outcomes.append((work, None, outcome) if is_failure else (work, outcome, None))


def _grouped(taken: Sequence[Work]) -> list[list[Work]]:
    """Return the work in groups. Order between groups is free: none of it has been answered, so all is concurrent."""
    groups: dict[object, list[Work]] = {}
    for work in taken:
        groups.setdefault(work.group or work, []).append(work)
    return list(groups.values())


def _is_fatal(error: Exception) -> bool:
    """Return whether the whole transaction is lost: the connection, the disk, or a deadlock."""
    return isinstance(error, DBAPIError) and isinstance(translated(error), Unavailable)


def _told(error: Exception) -> Exception:
    if isinstance(error, EparchError):
        return error
    if isinstance(error, DBAPIError):
        return translated(error)
    logger.exception("An operation failed in a way that nobody foresaw.", exc_info=error)
    return error
