"""One operation of a document, and the plans that it has been prepared with.

In charge of coercing its variables and of keeping one plan for each form of the variables; not in charge of parsing
(`documents`) nor of running anything (`execute`).
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_input_type,
    type_from_ast,
)

from eparch.graphql.arguments import compile_arguments
from eparch.graphql.faults import VALIDATION_FAILED, RequestRefused, describe, refuse
from eparch.graphql.forms import FormOf, form_of
from eparch.graphql.limits import Limits, depth_of
from eparch.graphql.operands import Literals, Reader, Source, Variables
from eparch.graphql.planner import Planner, is_table_field
from eparch.graphql.prepared import (
    FunctionRoot,
    IntrospectionRoot,
    NameRoot,
    OperationKind,
    Prepared,
    Root,
    TableRoot,
)
from eparch.graphql.projection import compile_projection
from eparch.graphql.selections import Fragments, collect
from eparch.graphql.variables import Coerce, Unfit, coercion

# Forms of variables, and values of peeked operands, for which plans are kept. A client uses a handful.
_PLANS_MAX: Final = 256

_ABSENT: Final = object()

type_of_root: Final[dict[OperationKind, Callable[[GraphQLSchema], GraphQLObjectType | None]]] = {
    "query": lambda schema: schema.query_type,
    "mutation": lambda schema: schema.mutation_type,
    "subscription": lambda schema: schema.subscription_type,
}


class _Declared(NamedTuple):
    """A variable as the operation declares it."""

    name: str
    coerce: Coerce
    form: FormOf
    default: Source | None
    is_required: bool


class _Peek(NamedTuple):
    """An operand whose value decides the form of the SQL."""

    source: Source
    known: frozenset[str]

    def value(self, literals: Literals, variables: Variables) -> Any:
        value = self.source(literals, variables)
        if not self.known:
            return value
        if isinstance(value, list):
            return tuple(sorted(set(value))) if all(one in self.known for one in value) else None
        return value if value in self.known else None


class _Variant:
    """Plans for one form of the variables, by the values of what is peeked at."""

    __slots__ = ("peeks", "prepared")

    def __init__(self) -> None:
        self.peeks: tuple[_Peek, ...] | None = None
        self.prepared: dict[tuple[Any, ...], Prepared] = {}


class Operation:
    """An operation that has passed validation.

    Attributes:
        plans_made: how many times it had to be planned.
    Raises:
        RequestRefused: it nests deeper than the limits allow.
    """

    def __init__(
        self,
        node: OperationDefinitionNode,
        fragments: Fragments,
        schema: GraphQLSchema,
        reader: Reader,
        limits: Limits,
        conditions: frozenset[str],
    ) -> None:
        self.kind: OperationKind = node.operation.value
        self.name: str | None = node.name.value if node.name else None
        self._node, self._fragments, self._schema, self._reader, self._limits = node, fragments, schema, reader, limits
        depth = depth_of(node.selection_set, fragments)
        if depth > limits.depth_max:
            raise refuse(
                VALIDATION_FAILED,
                f"'{self.name or ''}' exceeds maximum operation depth of {limits.depth_max}",
                hint=f"Its deepest field is at depth {depth}. Ask in several operations.",
            )
        self._declared = [self._declare(definition) for definition in node.variable_definitions or ()]
        # Operations on tables differ by the form of all variables; others only by those of @skip and @include.
        is_read = self.kind != "mutation"
        self._telling = [(one.name, one.form) for one in self._declared if is_read or one.name in conditions]
        self._variants: dict[Hashable, _Variant] = {}
        self.plans_made = 0

    def variables(self, raw: Mapping[str, Any] | None, literals: Literals) -> dict[str, Any]:
        """Return the variables of a request, coerced and with defaults; those not given are left out.

        Args:
            raw: what came with the request. Names that the operation does not declare are ignored.
        Raises:
            RequestRefused: a value does not fit its type.
        """
        coerced: dict[str, Any] = {}
        for name, coerce, _, default, is_required in self._declared:
            value = raw.get(name, _ABSENT) if raw else _ABSENT
            if value is _ABSENT:
                if default is None:
                    if is_required:
                        raise refuse("BAD_USER_INPUT", f'Variable "${name}" is required, but it was not provided.')
                    continue
                value = default(literals, {})
            try:
                coerced[name] = coerce(value)
            except Unfit as unfit:
                error = unfit.as_error(f'Variable "${name}"')
                raise RequestRefused([describe(error)]) from None
            except RecursionError:
                raise refuse("BAD_USER_INPUT", f'Variable "${name}" is nested too deeply.') from None
        return coerced

    def prepare(self, literals: Literals, variables: Variables) -> Prepared:
        """Return the operation ready to be answered for a request.

        Args:
            variables: as `variables` has returned them.
        Raises:
            RequestRefused: an argument breaks a rule that types cannot express, or the read is too large.
        """
        form = tuple(form(variables.get(name)) for name, form in self._telling)
        variant = self._variants.get(form)
        if variant is None:
            _make_room(self._variants)
            variant = self._variants[form] = _Variant()
        if variant.peeks is not None:
            prepared = variant.prepared.get(tuple(peek.value(literals, variables) for peek in variant.peeks))
            if prepared is not None:
                return prepared
        return self._make(variant, literals, variables)

    def _declare(self, definition: Any) -> _Declared:
        wanted = type_from_ast(self._schema, definition.type)
        assert wanted is not None
        assert is_input_type(wanted)
        default = None if definition.default_value is None else self._reader.source(definition.default_value)
        return _Declared(
            definition.variable.name.value,
            coercion(wanted),
            form_of(wanted),
            default,
            isinstance(wanted, GraphQLNonNull),
        )

    def _make(self, variant: _Variant, literals: Literals, variables: Variables) -> Prepared:
        self.plans_made += 1
        peeked: dict[_Peek, Any] = {}

        def peek(source: Source, known: frozenset[str]) -> Any:
            key = _Peek(source, known)
            peeked[key] = key.value(literals, variables)
            return peeked[key]

        reader = Reader(self._reader.literal_at, self._reader.is_lifted_list, variables)
        parent = type_of_root[self.kind](self._schema)
        assert parent is not None
        try:
            collected = collect([self._node.selection_set], self._fragments, variables)
            roots = tuple(self._root(key, nodes, parent, reader, peek) for key, nodes in collected.items())
        except RecursionError:
            raise refuse(VALIDATION_FAILED, "The operation is nested too deeply.") from None
        plans = [root.plan for root in roots if isinstance(root, TableRoot)]
        cost = sum(plan.cost for plan in plans)
        if cost > self._limits.cost_max:
            raise refuse(
                VALIDATION_FAILED,
                f"The operation may read some {cost} rows; {self._limits.cost_max} are allowed.",
                hint="Give lists within lists a `limit`, or ask in several operations.",
            )
        prepared = Prepared(self.kind, roots, frozenset().union(*(plan.objects for plan in plans)))
        variant.peeks = tuple(peeked)
        _make_room(variant.prepared)
        variant.prepared[tuple(peeked.values())] = prepared
        return prepared

    def _root(self, key: str, nodes: Any, parent: GraphQLObjectType, reader: Reader, peek: Any) -> Root:
        name = nodes[0].name.value
        if name == "__typename":
            return NameRoot(key, parent.name)
        if name.startswith("__"):
            return IntrospectionRoot(key, nodes)
        field = parent.fields[name]
        is_nullable = not isinstance(field.type, GraphQLNonNull)
        if self.kind != "mutation" and is_table_field(name):
            plan = Planner(self._schema, self._fragments, reader, peek).plan(nodes, parent)
            return TableRoot(key, name, plan, is_nullable)
        return FunctionRoot(
            key,
            name,
            compile_arguments(nodes[0], field.args, reader),
            compile_projection(nodes, field.type, self._fragments, reader.variables),
            is_nullable,
        )


def _make_room(plans: dict[Any, Any]) -> None:
    if len(plans) >= _PLANS_MAX:
        plans.clear()
