"""Statements as the drivers take them.

In charge of compiling a read once for each dialect, and of putting parameters in the order of the text; not in charge
of SQL (`emit`) nor of running it (`execute`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from eparch.graphql.binding import Codec, codec
from eparch.graphql.dialect import DIALECTS
from eparch.graphql.emit import emit
from eparch.graphql.expressions import TENANT
from eparch.graphql.operands import Literals, Variables
from eparch.graphql.plan import Plan, Read, Slot, Walk

_STATEMENTS_MAX: Final = 2048


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text of one read.

    Attributes:
        text: with positional parameters of the driver.
        order: for each parameter of the text the index of the slot, -1 for the tenant.
        codecs: of each slot that the text has, by its index.
    """

    text: str
    order: tuple[int, ...]
    codecs: tuple[tuple[int, Codec], ...]


@lru_cache(_STATEMENTS_MAX)
def statement(read: Read, dialect: str, rows_max: int) -> Statement:
    """Return the statement of a read; equal reads share one."""
    compiled = emit(read, rows_max).compile(dialect=DIALECTS[dialect])
    names = list(compiled.positiontup or ())
    slots = slots_of(read)
    return Statement(
        str(compiled),
        tuple(-1 if name == TENANT else int(name.removeprefix("p")) for name in names),
        tuple((index, codec(slots[index], dialect)) for index in sorted(slots)),
    )


def bind(
    plan: Plan,
    made: Statement,
    literals: Literals,
    variables: Variables,
    tenant_id: str,
    walk: Callable[[Walk], Any] | None = None,
) -> tuple[Any, ...]:
    """Return the parameters of a statement in the order of its text.

    Args:
        walk: computes the rows of a traversal; needed for plans that have one.
    Raises:
        DataException: a value is not what its column's type takes.
        BadInput: a limit or an offset is negative.
    """
    values: dict[int, Any] = {-1: tenant_id}
    for index, encode in made.codecs:
        source = plan.sources[index]
        if isinstance(source, Walk):
            assert walk is not None
            values[index] = encode(walk(source))
        else:
            values[index] = encode(source(literals, variables))
    return tuple([values[index] for index in made.order])


def slots_of(value: Any) -> dict[int, str]:
    """Return the codecs of all slots within a plan, by index."""
    if isinstance(value, Slot):
        return {value.index: value.codec}
    found: dict[int, str] = {}
    if isinstance(value, tuple):
        for item in value:
            found |= slots_of(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            found |= slots_of(getattr(value, name))
    return found
