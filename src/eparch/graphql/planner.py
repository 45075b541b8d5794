"""From a field of a document to a plan.

In charge of what a read means: null collapse, ordering, the rules of `distinct_on`; not in charge of SQL (`emit`) nor
of operands (`binding`). Documents are validated before, so names and types are known to fit.

Null collapse: a condition whose operand is null or an absent variable is as if it were not there. Clients rely on it:
they send every filter that they have, with nulls for those that are not set.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLSchema, ValueNode

from eparch.graphql.catalog import OBJECTS, TRAVERSALS, Column, Object
from eparch.graphql.faults import VALIDATION_FAILED, refuse
from eparch.graphql.operands import Fixed, Items, Leaf, Members, Operand, Reader, Source, Word
from eparch.graphql.paths import parse_path
from eparch.graphql.plan import (
    AggregatePart,
    ColumnField,
    Comparison,
    Condition,
    Every,
    Exists,
    Field,
    FunctionField,
    Inline,
    NameField,
    Negation,
    NodesPart,
    OrderKey,
    Plan,
    Read,
    Rows,
    RowsField,
    Slot,
    Some,
    TraversalCall,
    Walk,
)
from eparch.graphql.selections import Fragments, collect

Peek: TypeAlias = Callable[[Source, frozenset[str]], Any]

# How many rows a list is taken to have when the cost of a read is estimated.
_ROWS_UNLIMITED: Final = 100
_ROWS_LIMITED: Final = 10

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


class Planner:
    """Makes the plan of one root field.

    Args:
        schema: the schema that the document was validated against.
        fragments: of the document.
        reader: reads arguments, for variables of the form at hand.
        peek: gives the value of a source that decides the form of the SQL: one among the given known values (None where
            it is not), or any text where there are none; the caller takes note, because plans differ by it.
    """

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, reader: Reader, peek: Peek) -> None:
        self._schema = schema
        self._fragments = fragments
        self._reader = reader
        self._peek = peek
        self._sources: list[Source | Walk] = []
        self._objects: set[str] = set()
        self._nesting = 0

    def plan(self, nodes: Sequence[FieldNode], root: GraphQLObjectType) -> Plan:
        """Return the plan of a root field of a table or a traversal.

        Args:
            nodes: all nodes under one response key.
            root: the type that the field is on.
        Raises:
            RequestRefused: an argument breaks a rule that types cannot express.
        """
        name = nodes[0].name.value
        arguments = _Arguments(nodes[0], root.fields[name], self._reader)
        entry, kind, traversal = _root(name)
        if kind == "one":
            slot = self._slot("uuid", arguments.leaf("id"))
            rows = Rows(entry.name, where=Comparison("id", "_eq", slot))
            self._objects.add(entry.name)
        else:
            call = self._traversal(traversal, arguments) if traversal else None
            rows = self._rows(entry, arguments, None, call)
        read = self._read(kind, entry, rows, nodes)
        return Plan(read, tuple(self._sources), frozenset(self._objects), _cost(read))

    # ---- what is shown ----

    def _read(self, kind: Any, entry: Object, rows: Rows, nodes: Sequence[FieldNode]) -> Read:
        if kind != "aggregate":
            return Read(kind, rows, fields=self._fields(entry, nodes))
        parts: list[AggregatePart | NodesPart | NameField] = []
        for key, group in self._collect(nodes).items():
            match group[0].name.value:
                case "aggregate":
                    parts.append(AggregatePart(key, self._functions(entry, group)))
                case "nodes":
                    parts.append(NodesPart(key, self._fields(entry, group)))
                case _:
                    parts.append(NameField(key, f"{entry.name}_aggregate"))
        return Read(kind, rows, parts=tuple(parts))

    def _fields(self, entry: Object, nodes: Sequence[FieldNode]) -> tuple[Field, ...]:
        parent = self._schema.type_map[entry.name]
        assert isinstance(parent, GraphQLObjectType)
        fields: list[Field] = []
        for key, group in self._collect(nodes).items():
            name = group[0].name.value
            if name == "__typename":
                fields.append(NameField(key, entry.name))
            elif name in entry.columns:
                fields.append(ColumnField(key, name, self._path(group[0], parent.fields[name])))
            else:
                relationship = entry.relationships.get(name) or entry.relationships[name.removesuffix("_aggregate")]
                target = OBJECTS[relationship.target]
                if relationship.is_list:
                    kind = "list" if name == relationship.name else "aggregate"
                    arguments = _Arguments(group[0], parent.fields[name], self._reader)
                    rows = self._rows(target, arguments, relationship.name, None)
                else:
                    kind, rows = "one", Rows(target.name, relationship.name)
                    self._objects.add(target.name)
                fields.append(RowsField(key, self._read(kind, target, rows, group)))
        return tuple(fields)

    def _path(self, node: FieldNode, field: GraphQLField) -> tuple[str | int, ...] | None:
        operand = _Arguments(node, field, self._reader).operand("path")
        if not isinstance(operand, Leaf):
            return None
        text = self._peek(operand.source, frozenset())
        path = parse_path(text)
        if path is None:
            raise refuse(
                VALIDATION_FAILED,
                f"{text!r} is not a path into a JSON document.",
                hint="Write it like $.a.b, a[0] or $['a key'].",
            )
        return path

    def _functions(self, entry: Object, nodes: Sequence[FieldNode]) -> tuple[FunctionField | NameField, ...]:
        parent = self._schema.type_map[f"{entry.name}_aggregate_fields"]
        assert isinstance(parent, GraphQLObjectType)
        fields: list[FunctionField | NameField] = []
        for key, group in self._collect(nodes).items():
            name = group[0].name.value
            if name == "__typename":
                fields.append(NameField(key, parent.name))
            elif name == "count":
                arguments = _Arguments(group[0], parent.fields[name], self._reader)
                columns = tuple(dict.fromkeys(_words(arguments.operand("columns"))))
                is_distinct = arguments.operand("distinct") == Word(value=True)
                fields.append(FunctionField(key, name, columns=columns, is_distinct=is_distinct))
            else:
                taken = tuple(
                    (inner_key, None if inner[0].name.value == "__typename" else inner[0].name.value)
                    for inner_key, inner in self._collect(group).items()
                )
                fields.append(FunctionField(key, name, fields=taken))
        return tuple(fields)

    def _collect(self, nodes: Sequence[FieldNode]) -> dict[str, list[FieldNode]]:
        return collect((node.selection_set for node in nodes), self._fragments, self._reader.variables)

    # ---- which rows ----

    def _rows(
        self, entry: Object, arguments: "_Arguments", relationship: str | None, traversal: TraversalCall | None
    ) -> Rows:
        self._objects.add(entry.name)
        where = self._condition(entry, arguments.operand("where"))
        keys = tuple(self._order_keys(entry, arguments.operand("order_by"), ()))
        distinct_on = tuple(dict.fromkeys(_words(arguments.operand("distinct_on"))))
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

    def _optional(self, name: str, arguments: "_Arguments") -> Slot | None:
        operand = arguments.operand(name)
        return self._slot(name, operand.source) if isinstance(operand, Leaf) else None

    def _traversal(self, name: str, arguments: "_Arguments") -> TraversalCall:
        given = arguments.operand("args")
        members = dict(given.members) if isinstance(given, Members) else {}
        starts, limit = members.get("start_task_ids"), members.get("depth_limit")
        walk = Walk(
            name,
            starts.source if isinstance(starts, Leaf) else None,
            limit.source if isinstance(limit, Leaf) else None,
        )
        self._sources.append(walk)
        return TraversalCall(name, Slot(len(self._sources) - 1, "rows"))

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
            self._objects.add(target.name)
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
        return Comparison(column.name, operator, self._slot(codec, value.source))

    def _slot(self, codec: str, source: Source) -> Slot:
        self._sources.append(source)
        return Slot(len(self._sources) - 1, codec)

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
                    self._objects.add(relationship.target)
                    inner = (*steps, relationship.name)
                    if relationship.is_list:
                        yield from _aggregate_keys(member, inner)
                    else:
                        yield from self._order_keys(OBJECTS[relationship.target], member, inner)


class _Arguments:
    """The arguments of one field."""

    def __init__(self, node: FieldNode, field: GraphQLField, reader: Reader) -> None:
        self._nodes: Mapping[str, ValueNode] = {
            argument.name.value: argument.value for argument in node.arguments or ()
        }
        self._field = field
        self._reader = reader

    def operand(self, name: str) -> Operand:
        node = self._nodes.get(name)
        return None if node is None else self._reader.operand(node, self._field.args[name].type)

    def leaf(self, name: str) -> Source:
        operand = self.operand(name)
        return operand.source if isinstance(operand, Leaf) else Fixed(None)


def _root(name: str) -> tuple[Object, str, str | None]:
    """Return what a root field reads, how, and the traversal that makes its rows."""
    for suffix, kind in (("", "list"), ("_aggregate", "aggregate"), ("_by_pk", "one")):
        bare = name.removesuffix(suffix) if suffix else name
        if bare in OBJECTS:
            return OBJECTS[bare], kind, None
        if bare in TRAVERSALS:
            return OBJECTS["utility_traversal"], kind, bare
    raise KeyError(name)


def is_table_field(name: str) -> bool:
    """Return whether a field of Query is one that this module plans."""
    try:
        _root(name)
    except KeyError:
        return False
    return True


def _words(operand: Operand) -> list[str]:
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


def _cost(read: Read) -> int:
    rows = 1 if read.kind == "one" else _ROWS_LIMITED if read.rows.limit else _ROWS_UNLIMITED
    inner = list(read.fields)
    for part in read.parts:
        if isinstance(part, NodesPart):
            inner += part.fields
    return rows * (1 + sum(_cost(field.read) for field in inner if isinstance(field, RowsField)))
