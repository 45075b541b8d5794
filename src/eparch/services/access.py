"""How services reach the database.

In charge of the shape of the two doors, reading and changing; not in charge of the threads behind them, which the
server puts there.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy.engine import Connection

from eparch.database.transactions import Transaction

T = TypeVar("T")


class Read(Protocol):
    """Ask something, on a connection that sees one snapshot and cannot write."""

    def __call__(self, read: Callable[[Connection], T], /) -> Awaitable[T]: ...


class Change(Protocol):
    """Change something, in the queue of all changes: done as a whole and committed, or undone and raised."""

    def __call__(self, function: Callable[[Transaction, datetime], T], /) -> Awaitable[T]: ...
