"""From the event loop to the writer and back.

In charge of handing operations to `database.writer` and of waking the coroutine that waits for the outcome; not in
charge of what an operation does.

A batch of outcomes crosses from the writer's thread to the loop in one call, however many there are: waking the loop
costs more than most operations.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from eparch.core.errors import EparchError
from eparch.core.principals import Principal
from eparch.database.figures import WriteFigures
from eparch.database.transactions import Transaction
from eparch.database.writer import Work, Writer
from eparch.operations.registry import Call, Input, Operation

Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Changes:
    """Carries out operations that write.

    Args:
        engine: of `engines.writing_engine`.
        loop: the event loop that calls, and that is woken.
        clock: returns the present, aware.
        publish: called on the loop with the names of the tables that a commit changed.
        after_commit: called with the same, on the writer's thread, before anybody learns of the commit.
    """

    def __init__(
        self,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        *,
        clock: Callable[[], datetime],
        publish: Callable[[frozenset[str]], None],
        after_commit: Callable[[frozenset[str]], None] = lambda _tables: None,
        batch_max: int,
        threads: int,
    ) -> None:
        self._loop = loop
        self._publish = publish
        self._after_commit = after_commit
        self._outcomes: deque[Outcome] = deque()
        self._writer = Writer(
            engine,
            clock=clock,
            on_commit=self._committed,
            on_delivered=lambda: self._call_loop(self._resolve),
            batch_max=batch_max,
            threads=threads,
        )

    def start(self) -> None:
        """Begin to carry out operations."""
        self._writer.start()

    @property
    def figures(self) -> WriteFigures:
        """What the writers have noted about their work."""
        return self._writer.figures

    @property
    def waiting_count(self) -> int:
        """How many changes wait for a writer."""
        return self._writer.waiting_count

    def stop(self) -> None:
        """Carry out what was accepted, then end. Call it from a thread, so that outcomes can still be delivered."""
        self._writer.stop()

    def execute(self, operation: Operation, principal: Principal, given: Input) -> "asyncio.Future[Any]":
        """Return a future of the operation's payload, which is committed when the future is done.

        Raises:
            Overloaded: too much is waiting.
        """
        group = None if operation.joined is None else operation.name
        return self._submit(_RUNS[operation.joined is None], (operation, Call(principal, given)), group)

    def perform(self, function: Callable[[Transaction, datetime], Any]) -> "asyncio.Future[Any]":
        """Return a future of what `function` returns, run in a transaction of its own savepoint."""
        return self._submit(_perform, function, None)

    def _submit(self, run: Any, item: Any, group: str | None) -> "asyncio.Future[Any]":
        future = self._loop.create_future()

        def deliver(outcome: Any, error: BaseException | None) -> None:
            self._outcomes.append((future, outcome, error))

        self._writer.submit(Work(run, item, group, deliver))
        return future

    def _resolve(self) -> None:
        while self._outcomes:
            future, outcome, error = self._outcomes.popleft()
            # A caller who has gone away has cancelled the future; the change is committed all the same.
            if not future.done():
                if error is None:
                    future.set_result(outcome)
                else:
                    future.set_exception(error)

    def _committed(self, tables: frozenset[str]) -> None:
        self._after_commit(tables)
        self._call_loop(self._publish, tables)

    def _call_loop(self, function: Callable[..., None], *arguments: Any) -> None:
        # After the loop has been closed nobody waits any more.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)


def _run_single(tx: Transaction, items: Sequence[tuple[Operation, Call]], now: datetime) -> list[Any]:
    ((operation, call),) = items
    assert operation.single is not None
    return [operation.single(tx, call.principal, call.input, now)]


def _run_joined(tx: Transaction, items: Sequence[tuple[Operation, Call]], now: datetime) -> Sequence[Any | EparchError]:
    joined = items[0][0].joined
    assert joined is not None
    return joined(tx, [call for _, call in items], now)


def _perform(tx: Transaction, items: Sequence[Callable[[Transaction, datetime], Any]], now: datetime) -> list[Any]:
    return [function(tx, now) for function in items]


_RUNS: Final = {True: _run_single, False: _run_joined}
