"""Functions as flows.

In charge of `@flow`; not in charge of the flow it makes (`flows`), which is the same as one built in a `with` block.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack, overload

from eparch.sdk.arguments import as_task
from eparch.sdk.errors import FlowError
from eparch.sdk.flows import Flow
from eparch.sdk.parameters import Parameter
from eparch.sdk.tasks import Task

if TYPE_CHECKING:
    from eparch.sdk.executors.executor import Executor
    from eparch.sdk.results.result import Result
    from eparch.sdk.run_configs import RunConfig
    from eparch.sdk.schedules.clocks import Clock
    from eparch.sdk.schedules.schedule import Schedule
    from eparch.sdk.states import State
    from eparch.sdk.storage.storage import Storage


class FlowOptions(TypedDict, total=False):
    """The options of `@flow`; see `Flow`."""

    name: str
    schedule: "Schedule | Clock | None"
    executor: "Executor | None"
    run_config: "RunConfig | None"
    storage: "Storage | None"
    state_handlers: Sequence[Callable[[Any, Any, Any], Any]] | None
    on_failure: "Callable[[Any, State], None] | None"
    result: "Result | None"
    terminal_state_handler: Callable[[Any, Any, Any], Any] | None
    log_prints: bool


class _Decorator(Protocol):
    def __call__(self, function: Callable[..., Any], /) -> Flow: ...


@overload
def flow(function: Callable[..., Any], /) -> Flow: ...
@overload
def flow(**options: Unpack[FlowOptions]) -> _Decorator: ...
def flow(function: Callable[..., Any] | None = None, /, **options: Unpack[FlowOptions]) -> Any:
    """Make a flow of a function, by calling it once with parameters for arguments.

    What the function calls are tasks, so nothing is done yet: each call adds a task to the flow. The arguments become
    parameters, with their defaults. What it returns, if anything, decides the state of the flow (its reference tasks).
    Tasks must be defined above the flow.

    Example:
        >>> from eparch import flow, task
        >>> @task
        ... def add(x: int, y: int) -> int:
        ...     return x + y
        >>> @flow
        ... def sums(x: int, y: int = 10) -> int:
        ...     return add(add(x, y), 1)
        >>> state = sums.run(x=5)
        >>> [state.result[task].result for task in sums.reference_tasks()]
        [16]
    """
    if function is None:
        return lambda traced: _trace(traced, options)
    return _trace(function, options)


def _trace(function: Callable[..., Any], options: FlowOptions) -> Flow:
    further: dict[str, Any] = dict(options)
    name = further.pop("name", None) or getattr(function, "__name__", type(function).__name__)
    made = Flow(name, **further)
    made.__doc__ = function.__doc__
    # The module tells an agent where to import the flow from.
    made.__module__ = getattr(function, "__module__", made.__module__)
    arguments: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise FlowError(
                f"Flow {name!r} takes {parameter}; its arguments become parameters, which have names.",
                hint="name each argument",
            )
        default = {} if parameter.default is parameter.empty else {"default": parameter.default}
        arguments[parameter.name] = Parameter(parameter.name, **default)
    with made:
        # A parameter that no task takes is one all the same: a run may be given it.
        for argument in arguments.values():
            made.add_task(argument)
        returned = function(**arguments)
        references = _references(made, returned)
    if references:
        made.set_reference_tasks(references)
    made.validate()
    return made


def _references(made: Flow, returned: Any) -> list[Task]:
    if returned is None:
        return []
    if inspect.iscoroutine(returned):
        returned.close()
        raise FlowError(
            f"Flow {made.name!r} is an async function; building a graph waits for nothing.",
            hint="write `def`; tasks may be async",
        )
    members = returned if isinstance(returned, list | tuple | set) else [returned]
    references = [as_task(member, made) for member in members]
    for task in references:
        made.add_task(task)
    return references
