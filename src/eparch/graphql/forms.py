"""The form of a variable: everything about its value that decides the form of the SQL.

In charge of what plans are told apart by: which members are null, the names and order of members, lists of conditions,
booleans and enum values. Ids, texts, numbers, documents and the length of lists of them do not count.
"""

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, TypeAlias

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInputType, GraphQLList, GraphQLNonNull

FormOf: TypeAlias = Callable[[Any], Hashable]


@cache
def form_of(wanted: GraphQLInputType) -> FormOf:
    """Return the function that gives the form of a coerced value of a type."""
    if isinstance(wanted, GraphQLNonNull):
        return form_of(wanted.of_type)
    if isinstance(wanted, GraphQLList):
        return _list(wanted.of_type)
    if isinstance(wanted, GraphQLInputObjectType):
        return _object(wanted)
    if isinstance(wanted, GraphQLEnumType) or wanted.name == "Boolean":
        return _value
    return _is_given


def _is_given(value: Any) -> Hashable:
    return value is not None


def _value(value: Any) -> Hashable:
    # True and 1 are equal keys of a dict, but no type has both.
    hashable: Hashable = value
    return hashable


def _list(item: GraphQLInputType) -> FormOf:
    bare = item.of_type if isinstance(item, GraphQLNonNull) else item
    if not isinstance(bare, GraphQLInputObjectType | GraphQLEnumType | GraphQLList):
        return _is_given
    form = form_of(bare)
    return lambda value: None if value is None else tuple(form(one) for one in value)


def _object(wanted: GraphQLInputObjectType) -> FormOf:
    members: dict[str, FormOf] = {}

    def form(value: Any) -> Hashable:
        if value is None:
            return None
        if not members:
            members.update((name, form_of(field.type)) for name, field in wanted.fields.items())
        return tuple((name, members[name](member)) for name, member in value.items())

    return form
