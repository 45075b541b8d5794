"""From a field of a document to a plan.

In charge of what a read shows; not in charge of which rows it takes (`row_planner`), of SQL (`emit`) nor of operands
(`binding`). Documents are validated before, so names and types are known to fit.
"""

from collections.abc import Sequence
from typing import Any, Final

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLSchema

from eparch.graphql.catalog import OBJECTS, TRAVERSALS, Object
from eparch.graphql.faults import VALIDATION_FAILED, refuse
from eparch.graphql.operands import Leaf, Reader, Word
from eparch.graphql.paths import parse_path
from eparch.graphql.plan import (
    AggregatePart,
    ColumnField,
    Comparison,
    Field,
    FunctionField,
    NameField,
    NodesPart,
    Plan,
    Read,
    Rows,
    RowsField,
)
from eparch.graphql.row_planner import Arguments, Peek, RowPlanner, words
from eparch.graphql.selections import Fragments, collect

# How many rows a list is taken to have when the cost of a read is estimated.
_ROWS_UNLIMITED: Final = 100
_ROWS_LIMITED: Final = 10


class Planner:
    """Makes the plan of one root field.

    Args:
        schema: the schema that the document was validated against.
        fragments: of the document.
        reader: reads arguments, for variables of the form at hand.
        peek: see RowPlanner.
    """

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, reader: Reader, peek: Peek) -> None:
        self._schema = schema
        self._fragments = fragments
        self._reader = reader
        self._peek = peek
        self._rows = RowPlanner(peek)

    def plan(self, nodes: Sequence[FieldNode], root: GraphQLObjectType) -> Plan:
        """Return the plan of a root field of a table or a traversal.

        Args:
            nodes: all nodes under one response key.
            root: the type that the field is on.
        Raises:
            RequestRefused: an argument breaks a rule that types cannot express.
        """
        name = nodes[0].name.value
        arguments = Arguments(nodes[0], root.fields[name], self._reader)
        entry, kind, traversal = _root(name)
        if kind == "one":
            slot = self._rows.slot("uuid", arguments.leaf("id"))
            rows = Rows(entry.name, where=Comparison("id", "_eq", slot))
            self._rows.objects.add(entry.name)
        else:
            call = self._rows.traversal(traversal, arguments) if traversal else None
            rows = self._rows.rows(entry, arguments, None, call)
        read = self._read(kind, entry, rows, nodes)
        return Plan(read, tuple(self._rows.sources), frozenset(self._rows.objects), _cost(read))

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
                    arguments = Arguments(group[0], parent.fields[name], self._reader)
                    rows = self._rows.rows(target, arguments, relationship.name, None)
                else:
                    kind, rows = "one", Rows(target.name, relationship.name)
                    self._rows.objects.add(target.name)
                fields.append(RowsField(key, self._read(kind, target, rows, group)))
        return tuple(fields)

    def _path(self, node: FieldNode, field: GraphQLField) -> tuple[str | int, ...] | None:
        operand = Arguments(node, field, self._reader).operand("path")
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
                arguments = Arguments(group[0], parent.fields[name], self._reader)
                columns = tuple(dict.fromkeys(words(arguments.operand("columns"))))
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


def is_table_field(name: str) -> bool:
    """Return whether a field of Query is one that this module plans."""
    try:
        _root(name)
    except KeyError:
        return False
    return True


def _root(name: str) -> tuple[Object, str, str | None]:
    """Return what a root field reads, how, and the traversal that makes its rows."""
    for suffix, kind in (("", "list"), ("_aggregate", "aggregate"), ("_by_pk", "one")):
        bare = name.removesuffix(suffix) if suffix else name
        if bare in OBJECTS:
            return OBJECTS[bare], kind, None
        if bare in TRAVERSALS:
            return OBJECTS["utility_traversal"], kind, bare
    raise KeyError(name)


def _cost(read: Read) -> int:
    """Return a guess at how many rows are looked at; limits are not known yet, only whether there is one."""
    rows = 1 if read.kind == "one" else _ROWS_LIMITED if read.rows.limit else _ROWS_UNLIMITED
    inner = list(read.fields)
    for part in read.parts:
        if isinstance(part, NodesPart):
            inner += part.fields
    return rows * (1 + sum(_cost(field.read) for field in inner if isinstance(field, RowsField)))
