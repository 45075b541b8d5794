"""The list of operations: what each root field that changes something (or asks something unusual) does, and who may.

In charge of registering operations and of their shapes; not in charge of running them (`database.writer`) nor of
their GraphQL types (`graphql/operations.graphql`, which a test compares with this list).

An operation is a plain function over one open transaction. There are two shapes:

- single: `f(tx, principal, input, now) -> payload`, one call at a time;
- joined: `f(tx, calls, now) -> outcomes`, for the few operations that come thousands of times a second. Calls that
  wait together are handed over as one list, so that under load they become array statements. The outcomes stand in
  the order of the calls; an error among them is the outcome of its call alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Table

from eparch.core.errors import EparchError
from eparch.core.principals import Principal
from eparch.database.transactions import Transaction

Payload = Any
Input = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation: who, and with what."""

    principal: Principal
    input: Input


Single = Callable[[Transaction, Principal, Input, datetime], Payload]
Joined = Callable[[Transaction, Sequence[Call], datetime], Sequence[Payload | EparchError]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An entry of the list.

    Attributes:
        name: the root field.
        permission: what the principal must hold; None for what everybody may ask.
        single: the function, if it takes one call at a time.
        joined: the function, if it takes many calls together.
        is_read: True if it changes nothing: it runs on a reading connection.
        tables: what such a read looks at: it is asked again for those who follow it when one of them changes.
    """

    name: str
    permission: str | None
    single: Single | None = None
    joined: Joined | None = None
    is_read: bool = False
    tables: frozenset[str] = frozenset()


_F = TypeVar("_F")

OPERATIONS: Final[dict[str, Operation]] = {}


def operation(
    permission: str | None, *, name: str = "", is_read: bool = False, tables: Iterable[Table] | None = None
) -> Callable[[Single], Single]:
    """Register a function as the operation of its own name, or of `name`; a read must say which tables it looks at."""
    assert is_read == (tables is not None), "a read says which tables it looks at, perhaps none"
    read = frozenset(table.name for table in tables or ())

    def register(function: Single) -> Single:
        return _add(Operation(name or function.__name__, permission, function, is_read=is_read, tables=read), function)

    return register


def joined_operation(permission: str, *, name: str = "") -> Callable[[Joined], Joined]:
    """Register a function that takes all calls that wait together."""

    def register(function: Joined) -> Joined:
        return _add(Operation(name or function.__name__, permission, joined=function), function)

    return register


def _add(entry: Operation, function: _F) -> _F:
    assert entry.name not in OPERATIONS, f"{entry.name} is registered twice"
    OPERATIONS[entry.name] = entry
    return function
