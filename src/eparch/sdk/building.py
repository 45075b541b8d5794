"""What is being built right now: the flow, the blocks and the tags around the line that is being executed.

In charge of remembering them, for each thread; not in charge of what they do with the tasks they see.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from eparch.sdk.flow_graph import FlowGraph
    from eparch.sdk.tasks import Task


class Block(Protocol):
    """A `with` block inside a flow that ties the tasks added in it to a task of its own."""

    def saw(self, task: "Task", flow: "FlowGraph") -> None:
        """Take note of a task that was added to `flow` inside the block."""


@dataclass(frozen=True, slots=True)
class _Site:
    flow: "FlowGraph | None" = None
    blocks: tuple[Block, ...] = ()
    tags: frozenset[str] = frozenset()


_NOWHERE: Final = _Site()
_site: ContextVar[_Site] = ContextVar("eparch_building", default=_NOWHERE)


def current_flow() -> "FlowGraph | None":
    """Return the flow whose `with` block, or whose tracing, is going on."""
    return _site.get().flow


def current_blocks() -> tuple[Block, ...]:
    """Return the blocks around, outermost first."""
    return _site.get().blocks


def current_tags() -> frozenset[str]:
    """Return the tags that a task made now gets."""
    return _site.get().tags


@contextmanager
def building(flow: "FlowGraph") -> Iterator[None]:
    """Make `flow` the current one; blocks around another flow do not see its tasks."""
    token = _site.set(_Site(flow, (), _site.get().tags))
    try:
        yield
    finally:
        _site.reset(token)


@contextmanager
def inside(block: Block) -> Iterator[None]:
    """Let `block` see the tasks that are added."""
    site = _site.get()
    token = _site.set(_Site(site.flow, (*site.blocks, block), site.tags))
    try:
        yield
    finally:
        _site.reset(token)


@contextmanager
def tags(*names: str) -> Iterator[frozenset[str]]:
    """Give these tags to every task that is made or called inside the block.

    Example:
        >>> from eparch import Flow, tags, task
        >>> @task
        ... def load() -> None: ...
        >>> with Flow("nightly") as f:
        ...     with tags("database"):
        ...         loaded = load()
        >>> loaded.tags
        {'database'}
    """
    site = _site.get()
    together = site.tags | set(names)
    token = _site.set(_Site(site.flow, site.blocks, together))
    try:
        yield together
    finally:
        _site.reset(token)
