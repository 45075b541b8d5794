"""How large a request may be.

In charge of the figures and of the depth rule; not in charge of where they are set (`server.settings`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from eparch.graphql.faults import VALIDATION_FAILED, refuse
from eparch.graphql.selections import Fragments


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one operation.

    Attributes:
        depth_max: how deep fields may nest; fields of the root are at depth 0, introspection does not count.
        cost_max: the estimated number of rows looked at; lists within lists multiply.
        rows_max: how many rows a list at the root may have.
        tokens_max: how many words and signs a document may have.
        characters_max: how long a document may be.
        fields_max: how many fields a document may have when its fragments are written out.
        same_max: how often one name may stand in one selection, fragments written out. Fields of one name are compared
            in pairs, to see that they ask for the same.
    """

    depth_max: int = 7
    cost_max: int = 1_000_000_000
    rows_max: int = 100_000
    tokens_max: int = 20_000
    characters_max: int = 1_000_000
    fields_max: int = 20_000
    same_max: int = 50


DEFAULT_LIMITS: Final = Limits()


def check_size(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document whose validation or planning would take longer than its length lets one expect.

    It need not be valid; of fragments that contain themselves a few rounds are looked at.

    Raises:
        RequestRefused: it has too many fields, or one name too often in one selection.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    field_count = 0
    waiting = [
        ([node.selection_set], 0)
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while waiting:
        selections, depth = waiting.pop()
        merged: dict[str, list[FieldNode]] = {}
        for field in _fields(selections, fragments):
            field_count += 1
            if field_count > limits.fields_max:
                raise refuse(
                    VALIDATION_FAILED,
                    f"The document has more than {limits.fields_max} fields when its fragments are written out.",
                    hint="Ask in several operations.",
                )
            if field is not None:
                merged.setdefault((field.alias or field.name).value, []).append(field)
        for name, fields in merged.items():
            if len(fields) > limits.same_max:
                raise refuse(
                    VALIDATION_FAILED,
                    f"{name!r} stands {len(fields)} times in one selection; {limits.same_max} are allowed.",
                    hint="Give the fields names of their own: `a: field`.",
                )
            inner = [field.selection_set for field in fields if field.selection_set]
            if inner and depth < limits.depth_max + _ROUNDS:
                waiting.append((inner, depth + 1))


def depth_of(selections: SelectionSetNode, fragments: Fragments) -> int:
    """Return the depth of the deepest field, -1 where there is none but introspection."""
    return _Depths(fragments).depth(selections)


# Levels of introspection, and of documents that are refused for their depth later on.
_ROUNDS: Final = 13


def _fields(selections: Sequence[SelectionSetNode], fragments: Fragments) -> Iterator[FieldNode | None]:
    """Yield the fields of selections that are answered by one object, and None for each fragment on the way."""
    waiting, seen = list(selections), set()
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                yield node
                continue
            yield None
            if isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                if node.name.value in fragments:
                    waiting.append(fragments[node.name.value].selection_set)


class _Depths:
    def __init__(self, fragments: Fragments) -> None:
        self._fragments = fragments
        self._known: dict[str, int] = {}  # of fragments, so that one that is spread often is walked once

    def depth(self, selections: SelectionSetNode) -> int:
        deepest = -1
        for node in selections.selections:
            match node:
                case FieldNode() if not node.name.value.startswith("__"):
                    inner = self.depth(node.selection_set) if node.selection_set else -1
                    deepest = max(deepest, 1 + inner)
                case InlineFragmentNode():
                    deepest = max(deepest, self.depth(node.selection_set))
                case FragmentSpreadNode():
                    deepest = max(deepest, self._fragment(node.name.value))
        return deepest

    def _fragment(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = self.depth(self._fragments[name].selection_set)
        return self._known[name]
