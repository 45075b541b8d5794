"""`__schema` and `__type`, answered by graphql-core.

In charge of introspection only; its executor sees no other field. Tools ask for the whole schema in one large query,
so the last few answers are kept.
"""

from functools import lru_cache
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
    parse,
)

from eparch.graphql.documents import Loaded
from eparch.graphql.faults import ErrorDict, error_dict
from eparch.graphql.operands import Variables
from eparch.graphql.prepared import IntrospectionRoot, Prepared
from eparch.graphql.schema import schema
from eparch.graphql.selections import collect

_ANSWERS_MAX = 16


def introspect(loaded: Loaded, prepared: Prepared, variables: Variables) -> tuple[dict[str, bytes], list[ErrorDict]]:
    """Return the JSON of all introspection fields of an operation by response key, and errors.

    Args:
        variables: as the operation has coerced them.
    """
    if not any(isinstance(root, IntrospectionRoot) for root in prepared.roots):
        return {}, []
    given = msgspec.json.encode(variables, order="sorted", enc_hook=str)
    return _answered(loaded.text, loaded.operation.name, given)


@lru_cache(_ANSWERS_MAX)
def _answered(text: str, name: str | None, given: bytes) -> tuple[dict[str, bytes], list[ErrorDict]]:
    variables: dict[str, Any] = msgspec.json.decode(given)
    document = parse(text)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    operation = next(node for node in operations if name is None or (node.name and node.name.value == name))
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    collected = collect([operation.selection_set], fragments, variables)
    fields = tuple(node for nodes in collected.values() for node in nodes if node.name.value in ("__schema", "__type"))
    # A copy without the fields of tables and functions, which this executor must not see.
    reduced = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=fields),
    )
    result = execute_sync(schema(), DocumentNode(definitions=(reduced, *fragments.values())), variable_values=variables)
    parts = {key: msgspec.json.encode(value) for key, value in (result.data or {}).items()}
    return parts, [_described(error) for error in result.errors or ()]


def _described(error: GraphQLError) -> ErrorDict:
    return error_dict("INTERNAL_SERVER_ERROR", error.message, locations=error.locations, path=tuple(error.path or ()))
