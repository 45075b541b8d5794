"""Which rows a read is to take: conditions, orders, limits.

In charge of null collapse, of ordering and of the rules of `distinct_on`; not in charge of what is shown of the rows
(`planner`).

Null collapse: a condition whose operand is null or an absent variable is as if it were not there. Clients rely on it:
they send every filter that they have, with nulls for those that are not set.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from graphql import FieldNode, GraphQLField, ValueNode

from eparch.graphql.catalog import OBJECTS, Column, Object
from eparch.graphql.faults import VALIDATION_FAILED, refuse
from eparch.graphql.operands import Fixed, Items, Leaf, Members, Operand, Reader, Source, Word
from eparch.graphql.plan import (
    Comparison,
    Condition,
    Every,
    Exists,
    Inline,
    Negation,
    OrderKey,
    Rows,
    Slot,
    Some,
    TraversalCall,
    Walk,
)

Peek: TypeAlias = Callable[[Source, frozenset[str]], Any]

# Each level of a condition takes a dozen levels of Python's stack when SQL is made of it.
_NESTING_MAX: Final = 40

_TEXT_OPERANDS: Final = {
    "_like": "like",
    "_nlike": "like",
    "_ilike": "ilike",
    "_nilike": "ilike",
    "_similar": "similar",
    "_nsimilar": "similar",
    "_regex": "regex",
    "_nregex": "regex",
    "_iregex": "regex",
    "_niregex": "regex",
    "_has_key": "text",
    "_has_keys_any": "text[]",
    "_has_keys_all": "text[]",
}


class Arguments:
    """The arguments of one field."""

    def __init__(self, node: FieldNode, field: GraphQLField, reader: Reader) -> None:
        self._nodes: Mapping[str, ValueNode] = {
            argument.name.value: argument.value for argument in node.arguments or ()
        }
        self._field = field
        self._reader = reader

    def operand(self, name: str) -> Operand:
        """Return an argument; None for null and for absent."""
        node = self._nodes.get(name)
        return None if node is None else self._reader.operand(node, self._field.args[name].type)

    def leaf(self, name: str) -> Source:
        """Return the source of a scalar argument."""
        operand = self.operand(name)
        return operand.source if isinstance(operand, Leaf) else Fixed(None)


class RowPlanner:
    """Plans the rows of one root field and of everything below it.

    Args:
        peek: gives the value of a source that decides the form of the SQL: one among the given known values (None where
            it is not), or any text where there are none; the caller takes note, because plans differ by it.

    Attributes:
        sources: where the operands come from, by the index of their slot.
        objects: the names of all objects that are read.
    """

    def __init__(self, peek: Peek) -> None:
        self._peek = peek
        self._nesting = 0
        self.sources: list[Source | Walk] = []
        self.objects: set[str] = set()

    def rows(
        self, entry: Object, arguments: Arguments, relationship: str | None, traversal: TraversalCall | None
    ) -> Rows:
        """Return the rows of a list or of an aggregate.

        Args:
            relationship: how they hang on those around them; None at the root.
            traversal: what makes the rows, in place of a table.
        Raises:
            RequestRefused: `distinct_on` does not lead the order, or conditions nest too deeply.
        """
        self.objects.add(entry.name)
        where = self._condition(entry, arguments.operand("where"))
        keys = tuple(self._order_keys(entry, arguments.operand("order_by"), ()))
        distinct_on = tuple(dict.fromkeys(words(arguments.operand("distinct_on"))))
        if distinct_on:
            keys = keys or tuple(_plain_key(name) for name in distinct_on)
            leading = {key.column for key in keys[: len(distinct_on)] if not key.relationships and not key.function}
            if leading != set(distinct_on):
                raise refuse(
                    VALIDATION_FAILED,
                    f'"distinct_on" columns must match initial "order_by" columns: {", ".join(distinct_on)}',
                    hint="Order by these columns first, in any direction.",
                )
        if keys:
            if not any(key.column == entry.unique and not key.relationships for key in keys):
                keys = (*keys, _plain_key(entry.unique))
        else:
            default = entry.order if relationship else entry.order_at_root
            keys = tuple(_plain_key(name) for name in default)
        return Rows(
            entry.name,
            relationship,
            traversal,
            where,
            keys,
            distinct_on,
            self._optional("limit", arguments),
            self._optional("offset", arguments),
        )

    def traversal(self, name: str, arguments: Arguments) -> TraversalCall:
        """Return the call of a function over edges."""
        given = arguments.operand("args")
        members = dict(given.members) if isinstance(given, Members) else {}
        starts, limit = members.get("start_task_ids"), members.get("depth_limit")
        walk = Walk(
            name,
            starts.source if isinstance(starts, Leaf) else None,
            limit.source if isinstance(limit, Leaf) else None,
        )
        self.sources.append(walk)
        return TraversalCall(name, Slot(len(self.sources) - 1, "rows"))

    def slot(self, codec: str, source: Source) -> Slot:
        """Return a new slot for an operand."""
        self.sources.append(source)
        return Slot(len(self.sources) - 1, codec)

    def _optional(self, name: str, arguments: Arguments) -> Slot | None:
        operand = arguments.operand(name)
        return self.slot(name, operand.source) if isinstance(operand, Leaf) else None

    def _condition(self, entry: Object, operand: Operand) -> Condition:
        if not isinstance(operand, Members):
            return Every()
        self._nesting += 1
        if self._nesting > _NESTING_MAX:
            raise refuse(VALIDATION_FAILED, f"Conditions may nest {_NESTING_MAX} deep, not deeper.")
        made = _every([item for name, member in operand.members for item in self._member(entry, name, member)])
        self._nesting -= 1
        return made

    def _member(self, entry: Object, name: str, operand: Operand) -> Iterator[Condition]:
        if operand is None:
            return
        if name == "_and":
            assert isinstance(operand, Items)
            yield from (self._condition(entry, item) for item in operand.items)
        elif name == "_or":
            assert isinstance(operand, Items)
            yield _some([self._condition(entry, item) for item in operand.items])
        elif name == "_not":
            yield Negation(self._condition(entry, operand))
        elif name in entry.columns:
            assert isinstance(operand, Members)
            for operator, value in operand.members:
                if value is not None:
                    yield self._comparison(entry.columns[name], operator, value)
        else:
            target = OBJECTS[entry.relationships[name].target]
            self.objects.add(target.name)
            yield Exists(name, self._condition(target, operand))

    def _comparison(self, column: Column, operator: str, value: Operand) -> Comparison:
        if isinstance(value, Word):
            return Comparison(column.name, operator, Inline(value.value))
        assert isinstance(value, Leaf)
        if column.known_values and operator in ("_eq", "_neq", "_in", "_nin"):
            known = self._peek(value.source, column.known_values)
            if known is not None:
                return Comparison(column.name, operator, Inline(known))
        is_list = operator in ("_in", "_nin")
        codec = f"{column.scalar}[]" if is_list else _TEXT_OPERANDS.get(operator, column.scalar)
        return Comparison(column.name, operator, self.slot(codec, value.source))

    def _order_keys(self, entry: Object, operand: Operand, steps: tuple[str, ...]) -> Iterator[OrderKey]:
        match operand:
            case Items():
                for item in operand.items:
                    yield from self._order_keys(entry, item, steps)
            case Members():
                for name, member in operand.members:
                    if member is None:
                        continue
                    if name in entry.columns:
                        assert isinstance(member, Word)
                        yield _key(str(member.value), steps, None, name)
                        continue
                    relationship = entry.relationships.get(name) or entry.relationships[name.removesuffix("_aggregate")]
                    self.objects.add(relationship.target)
                    inner = (*steps, relationship.name)
                    if relationship.is_list:
                        yield from _aggregate_keys(member, inner)
                    else:
                        yield from self._order_keys(OBJECTS[relationship.target], member, inner)


def words(operand: Operand) -> list[str]:
    """Return the enum values of a list argument."""
    if not isinstance(operand, Items):
        return []
    return [str(item.value) for item in operand.items if isinstance(item, Word)]


def _every(items: list[Condition]) -> Condition:
    """Join conditions by and; flattened, so that every level of nesting gives the same SQL."""
    flat: list[Condition] = []
    for item in items:
        flat += item.items if isinstance(item, Every) else (item,)
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def _some(items: list[Condition]) -> Condition:
    if any(item == Every() for item in items):
        return Every()
    return items[0] if len(items) == 1 else Some(tuple(items))


def _key(direction: str, steps: tuple[str, ...], function: str | None, column: str | None) -> OrderKey:
    is_descending = direction.startswith("desc")
    has_nulls_first = direction.endswith("nulls_first") or direction == "desc"
    return OrderKey(steps, function, column, is_descending, has_nulls_first)


def _plain_key(name: str) -> OrderKey:
    return OrderKey((), None, name, is_descending=False, has_nulls_first=False)


def _aggregate_keys(operand: Operand, steps: tuple[str, ...]) -> Iterator[OrderKey]:
    assert isinstance(operand, Members)
    for function, member in operand.members:
        if isinstance(member, Word):
            yield _key(str(member.value), steps, function, None)
        elif isinstance(member, Members):
            for column, direction in member.members:
                if isinstance(direction, Word):
                    yield _key(str(direction.value), steps, function, column)
