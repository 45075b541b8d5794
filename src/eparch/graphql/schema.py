"""The schema as an object that documents are validated against.

In charge of joining the two halves of the SDL and of what literals each scalar takes; not in charge of turning operands
into values (`variables`, `inputs`).
"""

from functools import cache
from importlib.resources import files

from graphql import (
    FloatValueNode,
    GraphQLScalarType,
    GraphQLSchema,
    IntValueNode,
    StringValueNode,
    ValueNode,
    build_schema,
)
from graphql.error import GraphQLError

from eparch.graphql.sdl import query_sdl


def schema_text() -> str:
    """Return the whole schema as SDL."""
    operations = files("eparch.graphql").joinpath("operations.graphql").read_text(encoding="utf-8")
    return f"{query_sdl()}\n{operations}"


@cache
def schema() -> GraphQLSchema:
    """Return the schema; made once."""
    made = build_schema(schema_text())
    for name, kinds in _LITERALS.items():
        scalar = made.type_map.get(name)
        if isinstance(scalar, GraphQLScalarType):
            scalar.coerce_input_literal = _check(name, kinds)
    return made


# Documents are validated with their literals lifted out, so a scalar can only look at the kind of a literal. Whether a
# text is an instant or an id is judged when the operand is bound.
_TEXT = (StringValueNode,)
_LITERALS: dict[str, tuple[type[ValueNode], ...]] = {
    "uuid": _TEXT,
    "_uuid": _TEXT,
    "timestamptz": _TEXT,
    "interval": (StringValueNode, IntValueNode, FloatValueNode),
    "jsonb": (ValueNode,),
    "UUID": _TEXT,
    "DateTime": _TEXT,
    "JSON": (ValueNode,),
}


def _check(name: str, kinds: tuple[type[ValueNode], ...]):  # type: ignore[no-untyped-def]
    def coerce(node: ValueNode) -> object:
        if not isinstance(node, kinds):
            raise GraphQLError(f"{name} cannot be made from this kind of literal.", node)
        return True

    return coerce
