"""How large a request may be.

In charge of the figures and of the depth rule; not in charge of where they are set (`server.settings`).
"""

from dataclasses import dataclass
from typing import Final

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

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
    """

    depth_max: int = 7
    cost_max: int = 1_000_000_000
    rows_max: int = 100_000
    tokens_max: int = 20_000
    characters_max: int = 1_000_000


DEFAULT_LIMITS: Final = Limits()


def depth_of(selections: SelectionSetNode, fragments: Fragments) -> int:
    """Return the depth of the deepest field, -1 where there is none but introspection."""
    return _Depths(fragments).depth(selections)


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
