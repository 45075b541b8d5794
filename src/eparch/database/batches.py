"""One transaction for many pieces of work, of which each succeeds or fails as if it were alone.

In charge of savepoints, commits and further attempts; not in charge of who waits for an outcome (`writer`) nor of what
is written (`operations`).

Work that belongs to the same group (`Work.group`) is handed to `Work.run` together; if that fails for a reason that is
not told for each item, the whole group is undone and each item is tried alone, so one bad item fails alone.

| what happens                            | what is done                                                              |
|-----------------------------------------|---------------------------------------------------------------------------|
| an item fails                           | it alone is undone                                                        |
| deadlock, serialization failure         | all is undone and tried again in halves, which lock less                  |
| connection lost before the commit       | all is tried again on a new connection                                    |
| connection lost while committing        | PostgreSQL is asked whether it was made (`commits`), then as above or done|
| disk full, database not there, ...      | all is undone and fails with `Unavailable`                                |
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from eparch.core.errors import EparchError, Unavailable
from eparch.database.commits import commit_mark, was_committed
from eparch.database.faults import is_contention, translated
from eparch.database.figures import Notes
from eparch.database.transactions import Transaction

logger: Final = logging.getLogger("eparch.writer")

# A single piece of work can lose against others several times: while it waits, it keeps its place in a queue.
_ATTEMPTS_MAX: Final = 5


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
        queued_s: when it was submitted, by `time.perf_counter`; set by the writer.
    """

    run: Run
    item: Any
    group: str | None
    deliver: Callable[[Any, BaseException | None], None]
    queued_s: float = 0.0


Group = list[Work]


@dataclass(slots=True)
class Batch:
    """What became of work, and the names of the tables that changed.

    Attributes:
        notes: what it has to tell about itself.
        mark: what its transaction can be recognised by, once its commit has begun; PostgreSQL only.
    """

    outcomes: list[tuple[Work, Any, BaseException | None]] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    notes: Notes = field(default_factory=Notes)
    mark: str | None = None

    def __add__(self, other: "Batch") -> "Batch":
        notes = Notes()
        notes.add(self.notes)
        notes.add(other.notes)
        return Batch(self.outcomes + other.outcomes, self.touched | other.touched, notes)


class Batches:
    """Carries out batches, one at a time on each thread that calls.

    Args:
        engine: of `engines.writing_engine`.
        clock: returns the present, aware.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._is_postgresql = engine.dialect.name == "postgresql"

    def carry_out(self, taken: Sequence[Work]) -> Batch:
        """Return what became of each piece of work: committed, or failed without a trace. Never raises."""
        return self._carry_out(_grouped(taken))

    def _carry_out(self, groups: list[Group], attempt: int = 1, *, is_careful: bool = False) -> Batch:
        batch = Batch()
        try:
            self._transact(groups, batch, is_careful=is_careful)
        except _OwnFailure as failure:
            if len(groups) > 1:
                return self._carry_out(groups, attempt, is_careful=True)
            (group,) = groups
            if len(group) == 1:
                return Batch([(group[0], None, _told(failure.error))])
            return self._carry_out([[work] for work in group], attempt, is_careful=True)
        except DBAPIError as error:
            return self._after(error, groups, batch, attempt)
        except Exception as error:
            return _failed(groups, _told(error))
        return batch

    def _after(self, error: DBAPIError, groups: list[Group], batch: Batch, attempt: int) -> Batch:
        """Return what became of work whose transaction was lost by `error`, after trying again what may succeed."""
        if error.connection_invalidated and batch.mark is not None:
            was_made = was_committed(self._engine, batch.mark)
            if was_made is None:
                return _failed(groups, _unknown_outcome())
            if was_made:
                return batch
        if is_contention(error) and (halves := _halves(groups)):
            first, second = halves
            return self._carry_out(first) + self._carry_out(second)
        told = translated(error)
        if attempt == _ATTEMPTS_MAX or not (error.connection_invalidated or is_contention(error)):
            return _failed(groups, told)
        logger.warning("Trying changes again: %s", told.message)
        return self._carry_out(groups, attempt + 1)

    def _transact(self, groups: list[Group], batch: Batch, *, is_careful: bool) -> None:
        """Carry out groups in one transaction and commit it.

        Joined operations tell failures for each item and hardly ever fail as a group, so they run without savepoints,
        each of which costs two round trips. If one fails all the same, everything is done again with savepoints:
        nothing has been answered yet.

        Args:
            is_careful: whether every group gets a savepoint.
        Raises:
            _OwnFailure: a group without a savepoint failed for a reason of its own; nothing was written.
            Exception: the transaction is lost.
        """
        with self._engine.begin() as connection:
            for group in groups:
                if len(groups) > 1 and (is_careful or group[0].group is None):
                    self._run_under_savepoint(connection, group, batch)
                    continue
                try:
                    self._run(connection, group, batch)
                except Exception as error:
                    if self._is_lost(connection, error):
                        raise
                    raise _OwnFailure(error) from error
            if self._is_postgresql:
                batch.mark = commit_mark(connection)

    def _run_under_savepoint(self, connection: Connection, group: Group, batch: Batch) -> None:
        savepoint = connection.begin_nested()
        try:
            self._run(connection, group, batch)
        except Exception as error:
            if self._is_lost(connection, error):
                raise
            savepoint.rollback()
            failure = error
        else:
            savepoint.commit()
            return
        if len(group) == 1:
            batch.outcomes.append((group[0], None, _told(failure)))
        else:
            for work in group:
                self._run_under_savepoint(connection, [work], batch)

    def _run(self, connection: Connection, group: Group, batch: Batch) -> None:
        tx = Transaction(connection)
        outcomes = group[0].run(tx, [work.item for work in group], self._clock())
        if not self._is_postgresql and not _is_open(connection):
            raise Unavailable("SQLite gave up a transaction; nothing was written.", hint="try again")
        batch.outcomes += [
            (work, None, outcome) if isinstance(outcome, Exception) else (work, outcome, None)
            for work, outcome in zip(group, outcomes, strict=True)
        ]
        batch.touched |= tx.touched
        batch.notes.add(tx.notes)

    def _is_lost(self, connection: Connection, error: Exception) -> bool:
        """Return whether the whole transaction is lost: by the connection, the disk, or another transaction."""
        if isinstance(error, DBAPIError) and isinstance(translated(error), Unavailable):
            return True
        # After some errors SQLite rolls back by itself; what followed would be committed statement by statement.
        return not self._is_postgresql and not _is_open(connection)


class _OwnFailure(Exception):
    """A group of work without a savepoint failed, and its transaction was undone."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _grouped(taken: Sequence[Work]) -> list[Group]:
    """Return the work in groups. Order between groups is free: none of it has been answered, so all is concurrent."""
    groups: dict[object, Group] = {}
    for work in taken:
        groups.setdefault(work.group or work, []).append(work)
    return list(groups.values())


def _halves(groups: list[Group]) -> tuple[list[Group], list[Group]] | None:
    """Return the work in two parts of about the same size, None where there is only one piece."""
    if len(groups) > 1:
        middle = len(groups) // 2
        return groups[:middle], groups[middle:]
    (group,) = groups
    middle = len(group) // 2
    return ([group[:middle]], [group[middle:]]) if middle else None


def _is_open(connection: Connection) -> bool:
    """Return whether SQLite itself has a transaction open."""
    driver_connection: Any = connection.connection.dbapi_connection
    assert isinstance(driver_connection, sqlite3.Connection)
    return driver_connection.in_transaction


def _failed(groups: list[Group], error: Exception) -> Batch:
    taken = [work for group in groups for work in group]
    logger.error("A transaction with %d changes failed: %s", len(taken), error)
    return Batch([(work, None, error) for work in taken])


def _told(error: Exception) -> Exception:
    if isinstance(error, EparchError):
        return error
    if isinstance(error, DBAPIError):
        return translated(error)
    logger.error("An operation failed in a way that nobody foresaw.", exc_info=error)
    return error


def _unknown_outcome() -> EparchError:
    return EparchError(
        "The database was lost while it committed; whether the change was made is unknown.",
        hint="look at what the database holds before trying again",
    )
