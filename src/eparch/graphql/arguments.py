"""Arguments of fields that a Python function answers.

In charge of turning literals and variables into the dict that an operation takes; not in charge of arguments of table
queries (`planner`). Everything that does not depend on the request is settled once, when the document is first seen.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FieldNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
)

from eparch.core.json_text import decoded
from eparch.graphql.confidence import HIDDEN, is_confidential
from eparch.graphql.operands import Fixed, Literals, Reader, Variables
from eparch.graphql.variables import Unfit, coercion, default_of, shown

Evaluate: TypeAlias = Callable[[Literals, Variables], Any]

_ABSENT: Final = object()


def compile_arguments(node: FieldNode, arguments: dict[str, GraphQLArgument], reader: Reader) -> Evaluate:
    """Return the function that gives the arguments of a field as a dict.

    The dict has an argument only if it was given or has a default. The function raises BadInput for a value that its
    type does not take.
    """
    nodes = {argument.name.value: argument.value for argument in node.arguments or ()}
    members = _members(nodes, arguments, reader)

    def evaluate(literals: Literals, variables: Variables) -> Any:
        try:
            return _filled(members, literals, variables)
        except Unfit as unfit:
            told = Unfit(HIDDEN, unfit.path) if is_confidential(node.name.value) else unfit
            raise told.as_error(node.name.value) from None

    return evaluate


_Members: TypeAlias = Sequence[tuple[str, Evaluate, Any]]


def _members(
    nodes: dict[str, ValueNode], fields: dict[str, GraphQLArgument] | dict[str, GraphQLInputField], reader: Reader
) -> _Members:
    """Return name, value and default (or _ABSENT) of each member that can have a value."""
    members: list[tuple[str, Evaluate, Any]] = []
    for name, node in nodes.items():
        members.append((name, _value(node, fields[name].type, reader), _default(fields[name])))
    for name, field in fields.items():
        if name not in nodes and (default := _default(field)) is not _ABSENT:
            members.append((name, Fixed(default), _ABSENT))
    return members


def _filled(members: _Members, literals: Literals, variables: Variables) -> dict[str, Any]:
    made = {}
    for name, evaluate, default in members:
        try:
            value = evaluate(literals, variables)
        except Unfit as unfit:
            raise unfit.within(name) from None
        if value is _ABSENT:
            value = default
        if value is not _ABSENT:
            made[name] = value
    return made


def _default(field: GraphQLArgument | GraphQLInputField) -> Any:
    default = default_of(field)
    return _ABSENT if default is Undefined else default


def _value(node: ValueNode, wanted: GraphQLInputType, reader: Reader) -> Evaluate:
    if isinstance(node, VariableNode):
        return _variable(node.name.value, wanted)
    if isinstance(node, NullValueNode):
        return Fixed(None)
    bare = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
    if isinstance(bare, GraphQLList):
        return _list(node, bare, reader)
    if isinstance(bare, GraphQLInputObjectType):
        assert isinstance(node, ObjectValueNode)
        members = _members({field.name.value: field.value for field in node.fields}, bare.fields, reader)
        return lambda literals, variables: _filled(members, literals, variables)
    if isinstance(bare, GraphQLEnumType):
        assert isinstance(node, EnumValueNode)
        return Fixed(node.value)
    if isinstance(node, BooleanValueNode):
        return Fixed(node.value)
    if isinstance(node, EnumValueNode) and bare.name == "log_level":
        # An enum once, now open to names of one's own: a bare word is as good as a text.
        return Fixed(node.value)
    return _scalar(node, bare, reader)


def _variable(name: str, wanted: GraphQLInputType) -> Evaluate:
    # Variables were coerced by their declared type, which validation has found to fit this place, but for nulls.
    if not isinstance(wanted, GraphQLNonNull):
        return lambda _, variables: variables.get(name, _ABSENT)

    def required(_: Literals, variables: Variables) -> Any:
        value = variables.get(name, _ABSENT)
        if value is None:
            raise Unfit(f"Expected a value of type {wanted}, got null.")
        return value

    return required


def _list(node: ValueNode, wanted: GraphQLList[Any], reader: Reader) -> Evaluate:
    if not isinstance(node, ListValueNode):
        one = _value(node, wanted.of_type, reader)
        return lambda literals, variables: [one(literals, variables)]
    if reader.is_lifted_list(node):
        source, coerce = reader.source(node), coercion(wanted)
        return lambda literals, variables: coerce(source(literals, variables))
    items = [_value(item, wanted.of_type, reader) for item in node.values]

    def evaluate(literals: Literals, variables: Variables) -> Any:
        made = []
        for index, item in enumerate(items):
            try:
                value = item(literals, variables)
            except Unfit as unfit:
                raise unfit.within(index) from None
            made.append(None if value is _ABSENT else value)
        return made

    return evaluate


def _scalar(node: ValueNode, wanted: GraphQLScalarType, reader: Reader) -> Evaluate:
    source, coerce = reader.source(node), coercion(wanted)
    if wanted.name == "JSON":
        if isinstance(node, StringValueNode):
            return lambda literals, variables: _decoded(source(literals, variables))
        return source
    return lambda literals, variables: coerce(source(literals, variables))


def _decoded(text: str) -> Any:
    """Return the JSON value that an inline string literal holds: the rule of the JSON scalar for literals."""
    try:
        return decoded(text.encode())
    except msgspec.DecodeError as error:
        raise Unfit(
            f"An inline string for JSON must hold JSON, got {shown(text)}: {error}. A variable may be any string."
        ) from None
