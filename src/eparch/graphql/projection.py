"""Showing of a Python function's payload what a selection set asks for.

In charge of response keys, nested selections and the form of instants; not in charge of rows of tables, which the
database renders (`emit`). Compiled once for each selection set.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from graphql import FieldNode, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLOutputType

from eparch.core.instants import timestamp_text
from eparch.graphql.selections import Fragments, collect

Project: TypeAlias = Callable[[Any], Any]


def compile_projection(
    nodes: Sequence[FieldNode], wanted: GraphQLOutputType, fragments: Fragments, variables: Mapping[str, Any]
) -> Project:
    """Return the function that turns a payload into what is shown of it.

    A payload is a mapping from field names, a list of such, or a scalar; a field that it lacks is null. Values of JSON
    fields are passed on as they are, `msgspec.Raw` too.

    Args:
        nodes: all nodes under one response key.
        variables: for `@skip` and `@include` only.
    """
    if isinstance(wanted, GraphQLNonNull):
        return compile_projection(nodes, wanted.of_type, fragments, variables)
    if isinstance(wanted, GraphQLList):
        item = compile_projection(nodes, wanted.of_type, fragments, variables)
        return lambda value: None if value is None else [item(one) for one in value]
    if isinstance(wanted, GraphQLObjectType):
        return _object(nodes, wanted, fragments, variables)
    return _instant if str(wanted) == "DateTime" else _same


def _object(
    nodes: Sequence[FieldNode], wanted: GraphQLObjectType, fragments: Fragments, variables: Mapping[str, Any]
) -> Project:
    plain: list[tuple[str, str]] = []
    others: list[tuple[str, str, Project]] = []
    keys: list[str] = []
    for key, group in collect((node.selection_set for node in nodes), fragments, variables).items():
        name = group[0].name.value
        keys.append(key)
        if name == "__typename":
            others.append((key, name, _constant(wanted.name)))
            continue
        inner = compile_projection(group, wanted.fields[name].type, fragments, variables)
        if inner is _same:
            plain.append((key, name))
        else:
            others.append((key, name, inner))

    if not others:
        return lambda value: None if value is None else {key: value.get(name) for key, name in plain}

    def project(value: Any) -> Any:
        if value is None:
            return None
        made = dict.fromkeys(keys)  # first, so that keys come in the order in which they were asked for
        for key, name in plain:
            made[key] = value.get(name)
        for key, name, inner in others:
            made[key] = inner(value.get(name))
        return made

    return project


def _same(value: Any) -> Any:
    return value


def _instant(value: Any) -> Any:
    return timestamp_text(value) if isinstance(value, datetime) else value


def _constant(name: str) -> Project:
    return lambda _: name
