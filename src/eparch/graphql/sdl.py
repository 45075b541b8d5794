"""The schema of the query side as text, made from the catalog.

In charge of names and types as clients declare them (`flow_bool_exp`, `order_by`, `uuid_comparison_exp`, ...); not in
charge of the operations that a function answers (`operations.graphql`) nor of making a schema object (`schema`).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from eparch.graphql.catalog import NUMBERS, OBJECTS, ORDERED, TRAVERSALS, Column, Object, Scalar

AGGREGATES: Final[dict[str, frozenset[str]]] = {
    "max": ORDERED,
    "min": ORDERED,
    "sum": NUMBERS,
    "avg": NUMBERS,
    "stddev": NUMBERS,
    "stddev_pop": NUMBERS,
    "stddev_samp": NUMBERS,
    "variance": NUMBERS,
    "var_pop": NUMBERS,
    "var_samp": NUMBERS,
}
"""The functions over a column, and the scalars that each takes."""

_COMMON: Final = ("_eq", "_neq", "_gt", "_gte", "_lt", "_lte")
_PATTERNS: Final = tuple(f"_{negation}{kind}" for kind in ("like", "ilike", "similar") for negation in ("", "n"))
_REGEXES: Final = ("_regex", "_nregex", "_iregex", "_niregex")
_SCALARS: Final[tuple[Scalar, ...]] = ("Boolean", "Int", "String", "interval", "jsonb", "timestamptz", "uuid")

_HEAD: Final = """\
"An id; text that is none matches nothing."
scalar uuid

"An instant: ISO 8601 or what PostgreSQL reads. Without an offset it is UTC."
scalar timestamptz

"Any JSON value."
scalar jsonb

"A duration, `01:00:00` or `1 day 02:00:00`, or a number of seconds."
scalar interval

"Several ids in PostgreSQL's notation: `{id1,id2}`."
scalar _uuid

"The order of rows by one key. Nulls come last in `asc` and first in `desc`."
enum order_by {
  asc
  asc_nulls_first
  asc_nulls_last
  desc
  desc_nulls_first
  desc_nulls_last
}
"""


def query_sdl() -> str:
    """Return the SDL of everything that the catalog describes."""
    blocks = [_HEAD, *(_comparison(scalar) for scalar in _SCALARS)]
    for entry in OBJECTS.values():
        blocks += _object_blocks(entry)
    for name in TRAVERSALS:
        fields = ["depth_limit: Int = 50", "start_task_ids: _uuid"]
        blocks.append(_block("input", f"{name}_args", fields))
    roots = list(_roots())
    blocks += [_block("type", "Query", roots), _block("type", "Subscription", roots)]
    return "\n".join(blocks)


def columns_for(function: str, entry: Object) -> list[Column]:
    """Return the columns of `entry` that an aggregate function takes."""
    return [column for column in entry.columns.values() if column.scalar in AGGREGATES[function]]


def _roots() -> Iterator[str]:
    for entry in OBJECTS.values():
        name = entry.name
        yield f"{name}({_rows(name)}): [{name}!]!"
        yield f"{name}_aggregate({_rows(name)}): {name}_aggregate!"
        if entry.has_key:
            yield f"{name}_by_pk(id: uuid!): {name}"
    for name in TRAVERSALS:
        arguments = f"args: {name}_args!, {_rows('utility_traversal')}"
        yield f"{name}({arguments}): [utility_traversal!]!"
        yield f"{name}_aggregate({arguments}): utility_traversal_aggregate!"


def _rows(name: str) -> str:
    return (
        f"distinct_on: [{name}_select_column!], limit: Int, offset: Int, "
        f"order_by: [{name}_order_by!], where: {name}_bool_exp"
    )


def _object_blocks(entry: Object) -> Iterator[str]:
    name, columns = entry.name, entry.columns.values()
    relationships = entry.relationships.values()

    fields = [_output(column) for column in columns]
    for link in relationships:
        if link.is_list:
            fields.append(f"{link.name}({_rows(link.target)}): [{link.target}!]!")
            fields.append(f"{link.name}_aggregate({_rows(link.target)}): {link.target}_aggregate!")
        else:
            fields.append(f"{link.name}: {link.target}")
    yield _block("type", name, fields)

    conditions = [f"{column.name}: {column.scalar}_comparison_exp" for column in columns]
    conditions += [f"{link.name}: {link.target}_bool_exp" for link in relationships]
    boolean = [f"_and: [{name}_bool_exp!]", f"_or: [{name}_bool_exp!]", f"_not: {name}_bool_exp"]
    yield _block("input", f"{name}_bool_exp", boolean + conditions)

    keys = [f"{column.name}: order_by" for column in columns]
    for link in relationships:
        if link.is_list:
            keys.append(f"{link.name}_aggregate: {link.target}_aggregate_order_by")
        else:
            keys.append(f"{link.name}: {link.target}_order_by")
    yield _block("input", f"{name}_order_by", keys)
    yield _block("enum", f"{name}_select_column", [column.name for column in columns])

    functions = {function: columns_for(function, entry) for function in AGGREGATES}
    functions = {function: taken for function, taken in functions.items() if taken}
    yield _block("type", f"{name}_aggregate", [f"aggregate: {name}_aggregate_fields", f"nodes: [{name}!]!"])
    yield _block(
        "type",
        f"{name}_aggregate_fields",
        [f"count(columns: [{name}_select_column!], distinct: Boolean): Int!"]
        + [f"{function}: {name}_{function}_fields" for function in functions],
    )
    yield _block(
        "input",
        f"{name}_aggregate_order_by",
        ["count: order_by", *(f"{function}: {name}_{function}_order_by" for function in functions)],
    )
    for function, taken in functions.items():
        results = [f"{column.name}: {_result(function, column)}" for column in taken]
        yield _block("type", f"{name}_{function}_fields", results)
        yield _block("input", f"{name}_{function}_order_by", [f"{column.name}: order_by" for column in taken])


def _output(column: Column) -> str:
    arguments = "(path: String)" if column.scalar == "jsonb" else ""
    return f"{column.name}{arguments}: {column.scalar}{'' if column.is_nullable else '!'}"


def _result(function: str, column: Column) -> str:
    return column.scalar if function in ("max", "min", "sum") else "Float"


def _comparison(scalar: Scalar) -> str:
    fields = [f"{operator}: {scalar}" for operator in _COMMON]
    fields += [f"_in: [{scalar}!]", f"_nin: [{scalar}!]", "_is_null: Boolean"]
    if scalar == "String":
        fields += [f"{operator}: String" for operator in (*_PATTERNS, *_REGEXES)]
    if scalar == "jsonb":
        fields += ["_contains: jsonb", "_contained_in: jsonb", "_has_key: String"]
        fields += ["_has_keys_any: [String!]", "_has_keys_all: [String!]"]
    return _block("input", f"{scalar}_comparison_exp", fields)


def _block(kind: str, name: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{kind} {name} {{", *(f"  {line}" for line in lines), "}\n"])
