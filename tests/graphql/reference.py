"""In charge of what conditions and orders mean, written as plainly as possible, to judge the compiler by.

Works on rows as dicts; knows comparison, LIKE, lists, relationships and the three values of SQL's logic.
"""

import re
from datetime import datetime
from functools import cmp_to_key
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, ValueNode, VariableNode, parse, value_from_ast_untyped

from eparch.core.instants import parse_instant
from eparch.graphql.catalog import OBJECTS, Object
from tests.graphql.dataset import T1

Rows = dict[str, list[dict[str, Any]]]


def ids_of(query: str, variables: dict[str, Any], rows: Rows) -> list[str]:
    """Return the ids that a query with one list at its root gives to tenant 1."""
    definition = parse(query).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    root = definition.selection_set.selections[0]
    assert isinstance(root, FieldNode)
    arguments = {one.name.value: _plain(one.value, variables) for one in root.arguments or ()}
    entry = OBJECTS[root.name.value]
    found = [one for one in _visible(rows, entry) if _holds(arguments.get("where") or {}, one, entry, rows) is True]
    keys = arguments.get("order_by") or []
    for key in [{entry.unique: "asc"}, *reversed(keys if isinstance(keys, list) else [keys])]:
        for name, direction in reversed(list(key.items())):
            found.sort(key=cmp_to_key(_comparer(name, direction, entry, rows)))
    start = arguments.get("offset") or 0
    limit = arguments.get("limit")
    return [one["id"] for one in found[start : None if limit is None else start + limit]]


def _plain(node: ValueNode, variables: dict[str, Any]) -> Any:
    return variables[node.name.value] if isinstance(node, VariableNode) else value_from_ast_untyped(node, variables)


def _visible(rows: Rows, entry: Object) -> list[dict[str, Any]]:
    return [one for one in rows.get(entry.name, ()) if one[entry.tenant_column] == T1]


def _related(one: dict[str, Any], name: str, entry: Object, rows: Rows) -> tuple[list[dict[str, Any]], Object]:
    link = entry.relationships[name]
    target = OBJECTS[link.target]
    wanted = one.get(link.local)
    return [
        other for other in _visible(rows, target) if wanted is not None and other.get(link.remote) == wanted
    ], target


def _holds(where: Any, one: dict[str, Any], entry: Object, rows: Rows) -> bool | None:
    results = []
    for name, value in where.items():
        if value is None:
            continue
        if name == "_and":
            results.append(_all([_holds(item, one, entry, rows) for item in _listed(value)]))
        elif name == "_or":
            results.append(_not(_all([_not(_holds(item, one, entry, rows)) for item in _listed(value)])))
        elif name == "_not":
            results.append(_not(_holds(value, one, entry, rows)))
        elif name in entry.relationships:
            others, target = _related(one, name, entry, rows)
            results.append(any(_holds(value, other, target, rows) is True for other in others))
        else:
            results += [
                _compared(operator, _value(one, name, entry, rows), operand, entry.columns[name].scalar)
                for operator, operand in value.items()
                if operand is not None
            ]
    return _all(results)


def _value(one: dict[str, Any], name: str, entry: Object, rows: Rows) -> Any:
    lookup = entry.columns[name].lookup
    if lookup is None:
        return one.get(name)
    found = [other for other in rows.get(lookup.table.name, ()) if other[lookup.key] == one[lookup.local]]
    return found[0][lookup.value] if found else None


def _compared(operator: str, value: Any, operand: Any, scalar: str) -> bool | None:
    if operator == "_is_null":
        return (value is None) is operand
    if operator in ("_in", "_nin"):
        items = [_read(item, scalar) for item in _listed(operand)]
        if not items or (scalar == "uuid" and all(item is None for item in items)):
            return operator == "_nin"
        found = None if value is None else any(item == value for item in items if item is not None)
        return found if operator == "_in" else _not(found)
    operand = _read(operand, scalar)
    if value is None or operand is None:
        return None
    match operator:
        case "_eq":
            return bool(value == operand)
        case "_neq":
            return bool(value != operand)
        case "_gt":
            return bool(value > operand)
        case "_gte":
            return bool(value >= operand)
        case "_lt":
            return bool(value < operand)
        case "_lte":
            return bool(value <= operand)
        case _:
            matched = re.fullmatch(
                _regex_of_like(operand), value, re.DOTALL | (re.ASCII | re.IGNORECASE if "ilike" in operator else 0)
            )
            return (matched is None) is operator.startswith("_n")


def _regex_of_like(pattern: str) -> str:
    made, signs = "", iter(pattern)
    for sign in signs:
        made += {"%": ".*", "_": "."}.get(sign) or re.escape(next(signs) if sign == "\\" else sign)
    return made


def _read(operand: Any, scalar: str) -> Any:
    if scalar == "timestamptz":
        return parse_instant(operand)
    if scalar == "uuid" and operand == "none":
        return None
    return operand


def _all(results: list[bool | None]) -> bool | None:
    if False in results:
        return False
    return None if None in results else True


def _not(result: bool | None) -> bool | None:
    return None if result is None else not result


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _comparer(name: str, direction: Any, entry: Object, rows: Rows) -> Any:
    def read(one: dict[str, Any]) -> tuple[Any, str]:
        at, where, wanted, column = [one], entry, direction, name
        while isinstance(wanted, dict):
            at, where = (
                _related(at[0], column, where, rows) if at else ([], OBJECTS[where.relationships[column].target])
            )
            column, wanted = next(iter(wanted.items()))
        return (_value(at[0], column, where, rows) if at else None), wanted

    def compare(one: dict[str, Any], other: dict[str, Any]) -> int:
        (left, how), (right, _) = read(one), read(other)
        nulls_first = how.endswith("nulls_first") or how == "desc"
        if left is None or right is None:
            order = (left is not None) - (right is not None)
            return order if nulls_first else -order
        assert isinstance(left, str | int | bool | datetime)
        return ((left > right) - (left < right)) * (-1 if how.startswith("desc") else 1)

    return compare
