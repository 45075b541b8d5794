"""In charge of submitting work to a writer and of waiting, with a limit, for what is delivered."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from eparch.database.transactions import Transaction
from eparch.database.writer import Run, Work, Writer

WAIT_S_MAX = 30.0


@dataclass(slots=True, eq=False)
class Ticket:
    """What was delivered for one piece of work, and on which thread."""

    done: threading.Event = field(default_factory=threading.Event)
    outcome: Any = None
    error: BaseException | None = None
    thread: str = ""

    def deliver(self, outcome: Any, error: BaseException | None) -> None:
        assert not self.done.is_set(), "an outcome was delivered twice"
        self.outcome, self.error, self.thread = outcome, error, threading.current_thread().name
        self.done.set()

    def wait(self) -> "Ticket":
        assert self.done.wait(WAIT_S_MAX), "no outcome was delivered"
        return self

    @property
    def result(self) -> Any:
        """The outcome; raises the error where there is one."""
        self.wait()
        if self.error is not None:
            raise self.error
        return self.outcome


def submit(writer: Writer, run: Run, item: Any = None, *, group: str | None = None) -> Ticket:
    """Queue one piece of work."""
    ticket = Ticket()
    writer.submit(Work(run, item, group, ticket.deliver))
    return ticket


def alone(function: Callable[[Transaction], Any]) -> Run:
    """Return work that takes no items."""

    def run(tx: Transaction, items: Sequence[Any], now: datetime) -> list[Any]:
        return [function(tx) for _ in items]

    return run
