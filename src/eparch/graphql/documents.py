"""Documents: from text to operations, each distinct shape once.

In charge of parsing, validation and the caches of both; not in charge of variables and plans (`operation`). Parsing and
validating a page's query takes milliseconds, finding its shape microseconds.

Invariant: a document that may hold the value of a secret is in no cache, and no error about it shows what it holds.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from graphql import (
    DirectiveNode,
    DocumentNode,
    FloatValueNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    StringValueNode,
    VariableNode,
    parse,
    specified_rules,
    validate,
)
from graphql.error import GraphQLError
from graphql.validation import recommended_rules

from eparch.graphql.confidence import is_confidential, without_values
from eparch.graphql.faults import PARSE_FAILED, VALIDATION_FAILED, RequestRefused, refuse, refuse_all
from eparch.graphql.limits import DEFAULT_LIMITS, Limits, check_size
from eparch.graphql.literals import INTEGERS, STRINGS, decode_number, lift
from eparch.graphql.operands import Reader, Variables
from eparch.graphql.operation import Operation
from eparch.graphql.prepared import OperationKind, Prepared
from eparch.graphql.schema import schema

_SHAPES_MAX: Final = 1024
_TEXTS_MAX: Final = 1024
# Longer texts are not kept as they are, only by their shape.
_KEPT_CHARACTERS_MAX: Final = 20_000


class Loaded(NamedTuple):
    """An operation, and the literals of the text that asked for it.

    Attributes:
        operation: shared by all texts of one shape.
        literals: pass them to whatever takes `literals`.
        text: the document as it came.
        is_confidential: whether nothing of it may be told.
    """

    operation: Operation
    literals: Sequence[Any]
    text: str
    is_confidential: bool = False

    @property
    def kind(self) -> OperationKind:
        """Whether this is a query, a mutation or a subscription."""
        return self.operation.kind

    def variables(self, raw: dict[str, Any] | None) -> dict[str, Any]:
        """Return the variables of the request, coerced; raises RequestRefused."""
        try:
            return self.operation.variables(raw, self.literals)
        except RequestRefused as refused:
            raise (without_values(refused) if self.is_confidential else refused) from None

    def prepare(self, variables: Variables) -> Prepared:
        """Return the operation ready to be answered; raises RequestRefused."""
        return self.operation.prepare(self.literals, variables)


class Documents:
    """Loads documents; safe to share between threads.

    Args:
        limits: how large a document may be.
        of: the schema to validate against.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, of: GraphQLSchema | None = None) -> None:
        self._schema = of or schema()
        self._limits = limits
        self._by_shape = lru_cache(_SHAPES_MAX)(self._from_shape)
        self._by_text = lru_cache(_TEXTS_MAX)(self._from_text)

    def load(self, text: str, operation_name: str | None = None) -> Loaded:
        """Return an operation of a document.

        Args:
            operation_name: which one; needed where the document has several.
        Raises:
            RequestRefused: the text is no document, does not fit the schema, or is too large.
        """
        try:
            if len(text) <= _KEPT_CHARACTERS_MAX:
                document, literals = self._by_text(text)
            else:
                document, literals = self._from_text(text)
        except _NotToBeKept:
            document, literals = self._in_confidence(text)
            return Loaded(document.operation(operation_name), literals, text, is_confidential=True)
        return Loaded(document.operation(operation_name), literals, text)

    @property
    def cache_figures(self) -> dict[tuple[str, ...], int]:
        """How often a document was found by its text and by its shape, and how often not."""
        caches = {"text": self._by_text.cache_info(), "shape": self._by_shape.cache_info()}
        return {
            **{(name, "hit"): info.hits for name, info in caches.items()},
            **{(name, "miss"): info.misses for name, info in caches.items()},
        }

    def _from_text(self, text: str) -> "tuple[_Document, Sequence[Any]]":
        if len(text) > self._limits.characters_max:
            raise refuse(
                PARSE_FAILED,
                f"The document has {len(text)} characters; {self._limits.characters_max} are allowed.",
                hint="Send large values as variables.",
            )
        if is_confidential(text):
            # Raised, as what is returned would be kept, with the text as its key.
            raise _NotToBeKept
        shape, values = lift(text)
        try:
            document = self._by_shape(shape)
        except RequestRefused:
            # Tell about the text itself: the shape has other values and other columns.
            return self._without_lifting(text)
        if len(document.starts) != len(values):
            return self._without_lifting(text)
        return document, values

    def _from_shape(self, shape: str) -> "_Document":
        return _Document(self._checked(shape), shape, self._schema, self._limits)

    def _in_confidence(self, text: str) -> "tuple[_Document, Sequence[Any]]":
        """Do the work of `_from_text` for a document of which nothing may be kept or told."""
        try:
            return self._without_lifting(text)
        except RequestRefused as refused:
            raise without_values(refused) from None

    def _without_lifting(self, text: str) -> "tuple[_Document, Sequence[Any]]":
        document = _Document(self._checked(text), None, self._schema, self._limits)
        return document, document.values

    def _checked(self, text: str) -> DocumentNode:
        try:
            node = parse(text, max_lexical_tokens=self._limits.tokens_max, max_comments=self._limits.tokens_max)
            check_size(node, self._limits)
            errors = validate(self._schema, node, _RULES)
        except GraphQLError as error:
            raise refuse_all(PARSE_FAILED, [error]) from None
        except RecursionError:
            raise refuse(PARSE_FAILED, "The document is nested too deeply.") from None
        if errors:
            raise refuse_all(VALIDATION_FAILED, errors)
        return node


class _NotToBeKept(Exception):
    """A document may hold the value of a secret."""


_RULES: Final = (*specified_rules, *recommended_rules)


class _Document:
    """A valid document.

    Attributes:
        starts: the index of the literal that starts at an offset, for each literal.
        values: the literals themselves, where they were not lifted.
    """

    def __init__(self, node: DocumentNode, shape: str | None, of: GraphQLSchema, limits: Limits) -> None:
        self._schema, self._limits, self._shape = of, limits, shape
        self._operations: dict[str | None, OperationDefinitionNode] = {}
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        for definition in node.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._operations[definition.name.value if definition.name else None] = definition
            elif isinstance(definition, FragmentDefinitionNode):
                self._fragments[definition.name.value] = definition
        literals = sorted(_literals_in(node), key=_start)
        self.starts = {_start(literal): index for index, literal in enumerate(literals)}
        self.values = () if shape is not None else tuple(_value_of(literal) for literal in literals)
        self._conditions = frozenset(_conditions_in(node))
        self._ready: dict[str | None, Operation] = {}

    def operation(self, name: str | None) -> Operation:
        """Return the operation called `name`, or the only one; raises RequestRefused."""
        ready = self._ready.get(name)
        if ready is None:
            ready = self._ready[name] = self._make(name)
        return ready

    def _make(self, name: str | None) -> Operation:
        if name is None or (name == "" and "" not in self._operations):
            if len(self._operations) != 1:
                raise refuse(
                    VALIDATION_FAILED,
                    "Must provide operation name if query contains multiple operations."
                    if self._operations
                    else "The document has no operation.",
                )
            node = next(iter(self._operations.values()))
        elif name in self._operations:
            node = self._operations[name]
        else:
            raise refuse(VALIDATION_FAILED, f'Unknown operation named "{name}".')
        reader = Reader(self.starts.get, self._is_lifted_list, {})
        return Operation(node, self._fragments, self._schema, reader, self._limits, self._conditions)

    def _is_lifted_list(self, node: ListValueNode) -> bool:
        if self._shape is None or node.loc is None:
            return False
        return self._shape[node.loc.start : node.loc.end] in (STRINGS, INTEGERS)


def _literals_in(node: Node) -> Iterator[Node]:
    if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
        yield node
    for child in _children(node):
        yield from _literals_in(child)


def _conditions_in(node: Node) -> Iterator[str]:
    """Yield the names of the variables in directives."""
    if isinstance(node, DirectiveNode):
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                yield argument.value.name.value
    for child in _children(node):
        yield from _conditions_in(child)


def _children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        child = getattr(node, key, None)
        if isinstance(child, Node):
            if key != "loc":
                yield child
        elif isinstance(child, list | tuple):
            yield from (one for one in child if isinstance(one, Node))


def _start(node: Node) -> int:
    assert node.loc is not None
    return node.loc.start


def _value_of(node: Node) -> Any:
    match node:
        case IntValueNode():
            return decode_number(node.value)
        case FloatValueNode():
            return float(node.value)
        case StringValueNode():
            return node.value.replace("\0", "\ufffd")
    raise TypeError(node)
