"""Variables of a request, judged by the types that the document declares for them.

In charge of the checks (`BAD_USER_INPUT`) and of the Python value that each type becomes; not in charge of operands of
table queries, whose text is judged when it is bound (`binding`).

| type | Python value |
|---|---|
| `JSON`, `jsonb` | what was sent, unchanged |
| `UUID` | lower-case hyphenated str |
| `DateTime` | aware datetime |
| `uuid`, `timestamptz`, `interval`, `_uuid` | what was sent, a str (or a number for `interval`) |
| input objects | dict with the members that were sent, in their order, and the defaults of the others |
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    value_from_ast_untyped,
)

from eparch.core.errors import BadInput
from eparch.core.ids import parse_uuid
from eparch.core.instants import parse_instant

Coerce: TypeAlias = Callable[[Any], Any]

_INT_MAX: Final = 2**31


class Unfit(Exception):
    """A value does not fit its type.

    Attributes:
        reason: what is wrong, with the value.
        path: where in the value, outermost step first.
    """

    def __init__(self, reason: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def within(self, step: str | int) -> "Unfit":
        """Return the same as seen from one step further out."""
        return Unfit(self.reason, (step, *self.path))

    def as_error(self, what: str) -> BadInput:
        """Return the failure of `what`, a variable or an argument."""
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return BadInput(f"{what}{place}: {self.reason}")


@cache
def coercion(wanted: GraphQLInputType) -> Coerce:
    """Return the function that turns a JSON value into a value of the type; it raises Unfit."""
    if isinstance(wanted, GraphQLNonNull):
        return _required(wanted.of_type)
    if isinstance(wanted, GraphQLList):
        return _list(wanted.of_type)
    if isinstance(wanted, GraphQLInputObjectType):
        return _object(wanted)
    if isinstance(wanted, GraphQLEnumType):
        return _enum(wanted)
    return _SCALARS[wanted.name]


def _required(inner: GraphQLInputType) -> Coerce:
    coerce = coercion(inner)
    name = str(inner)

    def required(value: Any) -> Any:
        if value is None:
            raise Unfit(f"Expected a value of type {name}!, got null.")
        return coerce(value)

    return required


def _list(item: GraphQLInputType) -> Coerce:
    coerce = coercion(item)

    def coerce_list(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            return [coerce(value)]
        try:
            return [coerce(one) for one in value]
        except Unfit:
            pass
        # Once more, to say which item it was.
        for index, one in enumerate(value):
            try:
                coerce(one)
            except Unfit as unfit:
                raise unfit.within(index) from None
        raise AssertionError("a coercion failed once only")

    return coerce_list


def _object(wanted: GraphQLInputObjectType) -> Coerce:
    # Types refer to themselves (`_not: flow_bool_exp`), so members are looked up when the first value comes.
    members: dict[str, Coerce] = {}
    defaults: dict[str, Any] = {}
    needed: list[str] = []

    def learn() -> None:
        for name, field in wanted.fields.items():
            if (default := default_of(field)) is not Undefined:
                defaults[name] = default
            elif isinstance(field.type, GraphQLNonNull):
                needed.append(name)
        members.update((name, coercion(field.type)) for name, field in wanted.fields.items())

    def coerce_object(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise Unfit(f"Expected an object of type {wanted.name}, got {shown(value)}.")
        if not members:
            learn()
        made = {}
        for name, member in value.items():
            coerce = members.get(name)
            if coerce is None:
                raise Unfit(unknown_member(name, wanted.name, members))
            try:
                made[name] = coerce(member)
            except Unfit as unfit:
                raise unfit.within(name) from None
        for name in needed:
            if name not in made:
                raise Unfit(f"Field {name!r} of required type {wanted.fields[name].type} was not provided.")
        for name, default in defaults.items():
            if name not in made:
                made[name] = default
        return made

    return coerce_object


def _enum(wanted: GraphQLEnumType) -> Coerce:
    values = frozenset(wanted.values)

    def coerce_enum(value: Any) -> Any:
        if value is None or (isinstance(value, str) and value in values):
            return value
        raise Unfit(unknown_value(shown(value), wanted))

    return coerce_enum


def default_of(field: Any) -> Any:
    """Return the default value of an argument or input field, Undefined where it has none."""
    if field.default is None or field.default.literal is None:
        return Undefined
    return coercion(field.type)(value_from_ast_untyped(field.default.literal))


def unknown_member(name: str, type_name: str, known: Mapping[str, object]) -> str:
    """Return the message for a field that an input object does not have."""
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"Field {name!r} is not defined by type {type_name!r}.{hint}"


def unknown_value(value: str, wanted: GraphQLEnumType) -> str:
    """Return the message for a value that an enum does not have."""
    return f"Value {value} does not exist in {wanted.name!r} enum."


def shown(value: Any) -> str:
    """Return a value as it may stand in a message: short."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _integer(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise Unfit(f"Int cannot represent non-integer value: {shown(value)}")
    if not -_INT_MAX <= value < _INT_MAX:
        raise Unfit(f"Int cannot represent non 32-bit signed integer value: {shown(value)}")
    return value


def _float(value: Any) -> Any:
    if value is None:
        return None
    if type(value) not in (int, float):
        raise Unfit(f"Float cannot represent non numeric value: {shown(value)}")
    return float(value)


def _string(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    raise Unfit(f"String cannot represent a non string value: {shown(value)}")


def _boolean(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    raise Unfit(f"Boolean cannot represent a non boolean value: {shown(value)}")


def _uuid(value: Any) -> Any:
    if value is None:
        return None
    parsed = parse_uuid(value) if isinstance(value, str) else None
    if parsed is None:
        raise Unfit(f"Could not parse UUID: {shown(value)}")
    return parsed


def _instant(value: Any) -> Any:
    if value is None:
        return None
    parsed = parse_instant(value) if isinstance(value, str) else None
    if parsed is None:
        raise Unfit(f"Could not parse DateTime: {shown(value)}")
    return parsed


def _interval(value: Any) -> Any:
    if value is None or isinstance(value, str) or type(value) in (int, float):
        return value
    raise Unfit(f"interval cannot represent {shown(value)}")


def _same(value: Any) -> Any:
    return value


_SCALARS: Final[dict[str, Coerce]] = {
    "Int": _integer,
    "Float": _float,
    "String": _string,
    "ID": _string,
    "Boolean": _boolean,
    "UUID": _uuid,
    "DateTime": _instant,
    "log_level": _string,
    "JSON": _same,
    "jsonb": _same,
    "uuid": _string,
    "_uuid": _string,
    "timestamptz": _string,
    "interval": _interval,
}
