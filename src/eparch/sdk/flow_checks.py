"""What can be wrong with a flow, found while it is built.

In charge of the checks that need more than one task; not in charge of cycles (`graph`) nor of a task's own options
(`task_options`).
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter as Argument
from typing import TYPE_CHECKING, Any

from eparch.sdk.edges import Edge
from eparch.sdk.errors import ArgumentError, FlowError
from eparch.sdk.parameters import Parameter

if TYPE_CHECKING:
    from eparch.sdk.flow_graph import FlowGraph


def handlers(name: str, given: Sequence[Callable[..., Any]] | None) -> list[Callable[..., Any]]:
    """Return a flow's state handlers as a list of its own.

    Raises:
        FlowError: they are not a list of functions.
    """
    if callable(given) or isinstance(given, str):
        raise FlowError(f"The state handlers of flow {name!r} are not a list.", hint="write state_handlers=[handler]")
    found = list(given or ())
    for handler in found:
        if not callable(handler):
            raise FlowError(f"Flow {name!r} has the state handler {handler!r}, which cannot be called.")
    return found


def edge(new: Edge) -> None:
    """Do nothing, or say that the downstream task has no parameter of the edge's name.

    Raises:
        ArgumentError: it has none.
    """
    if new.key is None:
        return
    arguments = new.downstream_task._signature.parameters
    takes_any = any(argument.kind is Argument.VAR_KEYWORD for argument in arguments.values())
    if new.key not in arguments and not takes_any:
        raise ArgumentError(
            f"Task {new.downstream_task.name!r} has no parameter {new.key!r}.",
            hint=f"it is {new.downstream_task.name}{new.downstream_task._signature}",
        )


def whole(flow: "FlowGraph") -> None:
    """Do nothing, or say what is wrong with a flow that is complete.

    Raises:
        FlowError: a required argument of a task has no value.
    """
    for task in flow.graph.tasks:
        given = {edge.key for edge in flow.graph.edges_to(task)} | flow.graph.constants.get(task, {}).keys()
        for name, argument in task._signature.parameters.items():
            is_needed = argument.default is Argument.empty and argument.kind is not Argument.VAR_KEYWORD
            if is_needed and name not in given:
                raise FlowError(
                    f"Task {task.name!r} of flow {flow.name!r} has no value for {name!r}.",
                    hint="call the task instead of passing it: `task(x)`, or give the value with `bind`",
                )


def parameters(flow: "FlowGraph", given: Mapping[str, Any]) -> None:
    """Do nothing, or say which parameters of a run are missing or unknown.

    Raises:
        ArgumentError: one is.
    """
    known: dict[str, Parameter] = {parameter.name: parameter for parameter in flow.parameters()}
    unknown = [name for name in given if name not in known]
    if unknown:
        close = get_close_matches(unknown[0], known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(known)) or 'no parameters'}"
        raise ArgumentError(f"Flow {flow.name!r} has no parameter {unknown[0]!r}.", hint=hint)
    missing = sorted(name for name, parameter in known.items() if parameter.required and name not in given)
    if missing:
        raise ArgumentError(
            f"Flow {flow.name!r} needs the parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            hint=f"write run({', '.join(f'{name}=...' for name in missing)}),"
            f" or on the command line {' '.join(f'--param {name}=...' for name in missing)}",
        )
