"""Argument values before they have values: what a plan knows about an operand, and where the rest comes from.

In charge of reading an argument, literal or variable, into one tree; not in charge of what the tree means (`planner`).
Whatever decides the form of the SQL (names, nulls, booleans, enum values, how many conditions) is in the tree. Leaves
(ids, texts, numbers, documents) are *sources*: recipes that give the value of one request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

Literals: TypeAlias = Sequence[Any]
Variables: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Literal:
    """The literal at `index` of the document."""

    index: int

    def __call__(self, literals: Literals, variables: Variables) -> Any:
        return literals[self.index]

    def __str__(self) -> str:
        return f"literal {self.index}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, or what is at `path` within it; None where it was not given."""

    name: str
    path: tuple[str | int, ...] = ()

    def __call__(self, literals: Literals, variables: Variables) -> Any:
        value = variables.get(self.name)
        for step in self.path:
            assert value is not None
            value = value[step]  # the path was walked when the plan was made for variables of this form
        return value

    def __str__(self) -> str:
        return "$" + ".".join([self.name, *map(str, self.path)])


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that the shape itself holds: a boolean, a null or an enum name within a document."""

    value: Any

    def __call__(self, literals: Literals, variables: Variables) -> Any:
        return self.value

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list that is put together from several sources."""

    items: "tuple[Source, ...]"

    def __call__(self, literals: Literals, variables: Variables) -> Any:
        return [item(literals, variables) for item in self.items]

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.items))}]"


@dataclass(frozen=True, slots=True)
class DocumentOf:
    """A JSON object that is put together from several sources."""

    members: "tuple[tuple[str, Source], ...]"

    def __call__(self, literals: Literals, variables: Variables) -> Any:
        return {name: source(literals, variables) for name, source in self.members}

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}: {source}" for name, source in self.members) + "}"


Source: TypeAlias = Literal | Variable | Fixed | ListOf | DocumentOf


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar, or a list of scalars, that only the request has."""

    source: Source


@dataclass(frozen=True, slots=True)
class Word:
    """A boolean or the value of an enum."""

    value: str | bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list of anything but plain scalars."""

    items: "tuple[Operand, ...]"


@dataclass(frozen=True, slots=True)
class Members:
    """An input object, in the order in which it was written."""

    members: "tuple[tuple[str, Operand], ...]"


Operand: TypeAlias = Leaf | Word | Items | Members | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads arguments of one document.

    Attributes:
        literal_at: gives the index of the literal that starts at an offset of the shape; None for no literal there.
        is_lifted_list: tells whether a list literal was lifted as one.
        variables: of the request that is being planned; only their form is looked at.
    """

    literal_at: Callable[[int], int | None]
    is_lifted_list: Callable[[ListValueNode], bool]
    variables: Variables

    def operand(self, node: ValueNode | None, wanted: GraphQLInputType) -> Operand:
        """Return the tree of an argument; None for null, for absent, and for a variable that is either."""
        if node is None or isinstance(node, NullValueNode):
            return None
        if isinstance(node, VariableNode):
            name = node.name.value
            return of_value(self.variables.get(name), wanted, Variable(name))
        bare = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
        if isinstance(bare, GraphQLList):
            return self._list(node, bare.of_type)
        if isinstance(bare, GraphQLInputObjectType):
            assert isinstance(node, ObjectValueNode)
            return Members(
                tuple(
                    (field.name.value, self.operand(field.value, bare.fields[field.name.value].type))
                    for field in node.fields
                )
            )
        if isinstance(bare, GraphQLEnumType):
            assert isinstance(node, EnumValueNode)
            return Word(node.value)
        if isinstance(node, BooleanValueNode) and bare.name == "Boolean":
            return Word(node.value)
        return Leaf(self.source(node))

    def source(self, node: ValueNode) -> Source:
        """Return the recipe for any value, as JSON."""
        match node:
            case StringValueNode() | IntValueNode() | FloatValueNode():
                assert node.loc is not None
                index = self.literal_at(node.loc.start)
                assert index is not None
                return Literal(index)
            case VariableNode():
                return Variable(node.name.value)
            case BooleanValueNode() | EnumValueNode():
                return Fixed(node.value)
            case ListValueNode() if self.is_lifted_list(node):
                return self.source(node.values[0])
            case ListValueNode():
                return ListOf(tuple(self.source(item) for item in node.values))
            case ObjectValueNode():
                return DocumentOf(tuple((field.name.value, self.source(field.value)) for field in node.fields))
            case _:
                return Fixed(None)

    def _list(self, node: ValueNode, item: GraphQLInputType) -> Operand:
        bare = item.of_type if isinstance(item, GraphQLNonNull) else item
        nodes = node.values if isinstance(node, ListValueNode) else (node,)
        if isinstance(bare, GraphQLInputObjectType | GraphQLEnumType | GraphQLList):
            return Items(tuple(self.operand(one, item) for one in nodes))
        if isinstance(node, ListValueNode):
            return Leaf(self.source(node))
        return Leaf(ListOf((self.source(node),)))


def of_value(value: Any, wanted: GraphQLInputType, source: Variable) -> Operand:
    """Return the tree of a coerced variable."""
    if value is None:
        return None
    bare = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
    if isinstance(bare, GraphQLList):
        item = bare.of_type.of_type if isinstance(bare.of_type, GraphQLNonNull) else bare.of_type
        if not isinstance(item, GraphQLInputObjectType | GraphQLEnumType | GraphQLList):
            return Leaf(source)
        return Items(
            tuple(of_value(one, item, Variable(source.name, (*source.path, index))) for index, one in enumerate(value))
        )
    if isinstance(bare, GraphQLInputObjectType):
        return Members(
            tuple(
                (name, of_value(member, bare.fields[name].type, Variable(source.name, (*source.path, name))))
                for name, member in value.items()
            )
        )
    if isinstance(bare, GraphQLEnumType):
        return Word(value)
    if isinstance(value, bool) and bare.name == "Boolean":
        return Word(value)
    return Leaf(source)
