"""The plan of a read: what a root field of a table asks for, without its operands.

In charge of the tree between a document and its SQL, and of printing it; not in charge of making it (`planner`) nor of
SQL (`emit`). A plan is frozen and compares by value, so that equal plans share one statement. Operands are numbered
slots; `Plan.sources` says where each slot's value comes from.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from eparch.graphql.operands import Source


@dataclass(frozen=True, slots=True)
class Slot:
    """An operand that each request brings; `codec` names how it is bound (`binding`)."""

    index: int
    codec: str

    def __str__(self) -> str:
        return f":{self.index} {self.codec}"


@dataclass(frozen=True, slots=True)
class Inline:
    """An operand that is written into the SQL: a boolean, or values out of the catalog's `known_values`."""

    value: bool | str | tuple[str, ...]

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator on one column; `_is_null` has an Inline boolean."""

    column: str
    operator: str
    operand: Slot | Inline


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a related row that meets a condition."""

    relationship: str
    condition: "Condition"


@dataclass(frozen=True, slots=True)
class Every:
    """All of the conditions; true when there are none."""

    items: "tuple[Condition, ...]" = ()


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the conditions; false when there are none."""

    items: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Negation:
    """Not the condition."""

    item: "Condition"


Condition: TypeAlias = Comparison | Exists | Every | Some | Negation


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key to order rows by.

    Attributes:
        relationships: how to get from the row to the column, outermost first.
        function: an aggregate over the last relationship (`count`, `max`, ...), or None for a plain column.
        column: None for `count`.
    """

    relationships: tuple[str, ...]
    function: str | None
    column: str | None
    is_descending: bool
    has_nulls_first: bool


@dataclass(frozen=True, slots=True)
class TraversalCall:
    """A walk over edges that stands in for a table: the tasks that can be reached and how far away each is."""

    name: str
    rows: Slot


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of an object, in order.

    Attributes:
        object: the name of the object in the catalog.
        relationship: how the rows hang on those around them; None at the root.
        is_ordered: False for the few reads whose order would cost too much.
    """

    object: str
    relationship: str | None = None
    traversal: TraversalCall | None = None
    where: Condition = Every()
    order_by: tuple[OrderKey, ...] = ()
    distinct_on: tuple[str, ...] = ()
    limit: Slot | None = None
    offset: Slot | None = None


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A column under a response key; `path` leads into a document."""

    key: str
    column: str
    path: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True)
class NameField:
    """`__typename`."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class RowsField:
    """Related rows under a response key."""

    key: str
    read: "Read"


Field: TypeAlias = ColumnField | NameField | RowsField


@dataclass(frozen=True, slots=True)
class FunctionField:
    """An aggregate: `count`, or a function over several columns.

    Attributes:
        fields: of a function over columns: response key and column, the latter None for `__typename`.
        columns: of `count`: the columns that must not be null.
    """

    key: str
    function: str
    fields: tuple[tuple[str, str | None], ...] = ()
    columns: tuple[str, ...] = ()
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class AggregatePart:
    """`aggregate` of an aggregate read."""

    key: str
    fields: tuple[FunctionField | NameField, ...]


@dataclass(frozen=True, slots=True)
class NodesPart:
    """`nodes` of an aggregate read."""

    key: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A read of rows and what to show of them.

    Attributes:
        kind: `list`: a JSON array; `one`: an object or null; `aggregate`: figures about the rows.
        fields: of a row, for `list` and `one`.
        parts: for `aggregate`.
    """

    kind: Literal["list", "one", "aggregate"]
    rows: Rows
    fields: tuple[Field, ...] = ()
    parts: tuple[AggregatePart | NodesPart | NameField, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """What a TraversalCall needs to be computed before the statement runs."""

    name: str
    start_ids: Source | None
    depth_limit: Source | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A read, and where its operands come from.

    Attributes:
        sources: by the index of the slot; a Walk for the rows of a traversal.
        objects: the names of all objects that are read.
        cost: an estimate of the rows that are looked at.
    """

    read: Read
    sources: tuple[Source | Walk, ...]
    objects: frozenset[str]
    cost: int

    def __str__(self) -> str:
        lines = list(_lines(self.read, 0))
        lines += [f":{index} = {source}" for index, source in enumerate(self.sources)]
        lines.append(f"objects: {', '.join(sorted(self.objects))}; cost: {self.cost}")
        return "\n".join(lines)


def _lines(read: Read, depth: int) -> Iterator[str]:
    pad, rows = "  " * depth, read.rows
    yield f"{pad}{read.kind} {rows.object}" + (f" by {rows.relationship}" if rows.relationship else "")
    pad += "  "
    if rows.traversal:
        yield f"{pad}from {rows.traversal.name} {rows.traversal.rows}"
    if rows.where != Every():
        yield f"{pad}where {condition_text(rows.where)}"
    if rows.distinct_on:
        yield f"{pad}distinct on {', '.join(rows.distinct_on)}"
    if rows.order_by:
        yield f"{pad}order by {', '.join(map(_key_text, rows.order_by))}"
    for name, slot in (("limit", rows.limit), ("offset", rows.offset)):
        if slot:
            yield f"{pad}{name} {slot}"
    yield from _field_lines(read.fields, depth + 1)
    for part in read.parts:
        match part:
            case NameField():
                yield f"{pad}{part.key}: {part.name!r}"
            case NodesPart():
                yield f"{pad}{part.key}: nodes"
                yield from _field_lines(part.fields, depth + 2)
            case AggregatePart():
                yield f"{pad}{part.key}: aggregate"
                for field in part.fields:
                    yield f"{pad}  {_function_text(field)}"


def _field_lines(fields: tuple[Field, ...], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for field in fields:
        match field:
            case ColumnField():
                path = "" if field.path is None else "".join(f"[{step!r}]" for step in field.path)
                yield f"{pad}{field.key}: {field.column}{path}"
            case NameField():
                yield f"{pad}{field.key}: {field.name!r}"
            case RowsField():
                yield f"{pad}{field.key}:"
                yield from _lines(field.read, depth + 1)


def _function_text(field: FunctionField | NameField) -> str:
    if isinstance(field, NameField):
        return f"{field.key}: {field.name!r}"
    if field.function == "count":
        return f"{field.key}: count({'distinct ' if field.is_distinct else ''}{', '.join(field.columns) or '*'})"
    columns = ", ".join(f"{key}: {column or '__typename'}" for key, column in field.fields)
    return f"{field.key}: {field.function}({columns})"


def _key_text(key: OrderKey) -> str:
    name = ".".join(
        [*key.relationships, *([key.function] if key.function else []), *([key.column] if key.column else [])]
    )
    return f"{name} {'desc' if key.is_descending else 'asc'} nulls {'first' if key.has_nulls_first else 'last'}"


def condition_text(condition: Condition) -> str:
    """Return a condition on one line."""
    match condition:
        case Comparison():
            return f"{condition.column} {condition.operator} {condition.operand}"
        case Exists():
            return f"exists {condition.relationship} ({condition_text(condition.condition)})"
        case Every():
            return " and ".join(map(_nested, condition.items)) or "true"
        case Some():
            return " or ".join(map(_nested, condition.items)) or "false"
        case Negation():
            return f"not {_nested(condition.item)}"


def _nested(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, Every | Some) else text
