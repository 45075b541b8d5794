"""Which fields a selection set asks for, once fragments and directives are resolved.

In charge of merging fields with the same response key; not in charge of what a field means.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]


def collect(
    sets: Iterable[SelectionSetNode | None], fragments: Fragments, variables: Mapping[str, Any]
) -> dict[str, list[FieldNode]]:
    """Return the field nodes under each response key, in the order in which the keys first come.

    Args:
        sets: selection sets that are merged, as those of all fields under one key are.
        variables: for `@skip` and `@include`.
    """
    collected: dict[str, list[FieldNode]] = {}
    for selections in sets:
        if selections is not None:
            _collect(selections, fragments, variables, collected, set())
    return collected


def key_of(node: FieldNode) -> str:
    """Return the name under which a field stands in the answer."""
    return node.alias.value if node.alias else node.name.value


def _collect(
    selections: SelectionSetNode,
    fragments: Fragments,
    variables: Mapping[str, Any],
    collected: dict[str, list[FieldNode]],
    visited: set[str],
) -> None:
    for node in selections.selections:
        if node.directives and not _is_included(node, variables):
            continue
        match node:
            case FieldNode():
                collected.setdefault(key_of(node), []).append(node)
            case InlineFragmentNode():
                # No unions and no interfaces in this schema: validation has seen to it that the type fits.
                _collect(node.selection_set, fragments, variables, collected, visited)
            case FragmentSpreadNode():
                name = node.name.value
                if name not in visited:
                    visited.add(name)
                    _collect(fragments[name].selection_set, fragments, variables, collected, visited)


def _is_included(node: SelectionNode, variables: Mapping[str, Any]) -> bool:
    for directive in node.directives or ():
        name = directive.name.value
        if name in ("skip", "include"):
            value = (directive.arguments or ())[0].value
            if isinstance(value, VariableNode):
                condition = variables.get(value.name.value)
            else:
                assert isinstance(value, BooleanValueNode)
                condition = value.value
            if condition is not (name == "include"):
                return False
    return True
