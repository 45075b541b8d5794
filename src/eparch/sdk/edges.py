"""Edges of a flow, and how an argument says what kind of edge it becomes.

In charge of `Edge`, `unmapped`, `mapped` and `flatten`; not in charge of turning arguments into edges (`arguments`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eparch.sdk.tasks import Task


@dataclass(frozen=True, slots=True)
class Edge:
    """One task waits for another.

    Attributes:
        key: the parameter of the downstream task that gets the upstream task's result; None where none does.
        mapped: whether the downstream task runs once for each item of the result.
        flattened: whether one level of nesting is taken away from the result first.

    Example:
        >>> from eparch import Flow, Parameter
        >>> with Flow("sum") as f:
        ...     total = Parameter("x") + 1
        >>> f.edges
        {<Edge: x to Add as x>}
    """

    upstream_task: "Task"
    downstream_task: "Task"
    key: str | None = None
    mapped: bool = False
    flattened: bool = False

    def __repr__(self) -> str:
        kinds = [name for name, is_so in (("mapped", self.mapped), ("flattened", self.flattened)) if is_so]
        key = f" as {self.key}" if self.key else ""
        extra = f" ({', '.join(kinds)})" if kinds else ""
        return f"<Edge: {self.upstream_task.name} to {self.downstream_task.name}{key}{extra}>"


@dataclass(frozen=True, slots=True)
class Annotated:
    """An argument with what was said about it. Made by `unmapped`, `mapped` and `flatten`.

    Attributes:
        is_mapped: True or False where the caller has said so; None where the call decides.
        is_flattened: whether `flatten` was said.
    """

    value: Any
    is_mapped: bool | None = None
    is_flattened: bool = False


def unmapped(value: Any) -> Any:
    """Give the whole of `value` to each child of a mapped task.

    Example:
        >>> from eparch import Flow, task, unmapped
        >>> @task
        ... def add(x: int, y: list[int]) -> int:
        ...     return x + sum(y)
        >>> with Flow("sums") as f:
        ...     sums = add.map([1, 2], unmapped([10, 20]))
        >>> f.run().result[sums].result
        [31, 32]
    """
    inner = _annotated(value)
    return Annotated(inner.value, False, inner.is_flattened)


def mapped(value: Any) -> Any:
    """Run the called task once for each item of `value`.

    Example:
        >>> from eparch import Flow, mapped, task
        >>> @task
        ... def add(x: int, y: int) -> int:
        ...     return x + y
        >>> with Flow("sums") as f:
        ...     sums = add(mapped([1, 2]), 10)
        >>> f.run().result[sums].result
        [11, 12]
    """
    inner = _annotated(value)
    return Annotated(inner.value, True, inner.is_flattened)


def flatten(value: Any) -> Any:
    """Take one level of nesting away from the result of a task, before it is mapped over or passed on.

    Example:
        >>> from eparch import Flow, flatten, task
        >>> @task
        ... def double(x: int) -> int:
        ...     return 2 * x
        >>> with Flow("flat") as f:
        ...     doubles = double.map(flatten([[1], [2, 3]]))
        >>> f.run().result[doubles].result
        [2, 4, 6]
    """
    inner = _annotated(value)
    return Annotated(inner.value, inner.is_mapped, True)


def _annotated(value: Any) -> Annotated:
    return value if isinstance(value, Annotated) else Annotated(value)
