"""What becomes of an argument of a task while a flow is built.

In charge of telling tasks, containers of tasks and plain values apart, and of making tasks of them; not in charge of
the edges themselves (`flow_graph`).
"""

from typing import TYPE_CHECKING, Any

from eparch.sdk.constants import Constant
from eparch.sdk.containers import KINDS
from eparch.sdk.edges import Annotated
from eparch.sdk.errors import FlowError
from eparch.sdk.tasks import Task

if TYPE_CHECKING:
    from eparch.sdk.flow_graph import FlowGraph


def holds_task(value: Any) -> bool:
    """Return whether `value` is a task, or a list, tuple, set or dictionary with a task somewhere in it.

    Raises:
        FlowError: it holds what only stands around an argument.

    Example:
        >>> holds_task([1, {"a": (2,)}]), holds_task([1, {"a": (Constant(2),)}])
        (False, True)
    """
    if isinstance(value, Task):
        return True
    if isinstance(value, Annotated):
        raise FlowError(
            "`mapped`, `unmapped` and `flatten` say something of a whole argument, not of a member of a list.",
            hint="put them around the argument",
        )
    if type(value) not in KINDS:
        return False
    members = [*value.keys(), *value.values()] if type(value) is dict else value
    # All of them are looked at, for what must not be there.
    return any([holds_task(member) for member in members])  # noqa: C419


def as_task(value: Any, flow: "FlowGraph") -> Task:
    """Return a task whose result is `value`: itself, a container put together in `flow`, or a constant."""
    if isinstance(value, Task):
        return value
    if holds_task(value):
        container = KINDS[type(value)]()
        container.fill(flow, value)
        return container
    return Constant(value)


def check_can_be_mapped(task_name: str, key: str | None, value: Any) -> None:
    """Do nothing, or say that a plain value cannot be mapped over.

    Raises:
        ArgumentError: it has no members that are found by number.
    """
    from eparch.sdk.errors import ArgumentError

    if not hasattr(value, "__getitem__") or not hasattr(value, "__len__"):
        raise ArgumentError(
            f"Task {task_name!r} cannot be mapped over {key}={value!r}: {type(value).__name__} has no order.",
            hint="write unmapped(...) around what is meant for every child, or list(...) around what is to be mapped",
        )
