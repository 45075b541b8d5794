"""Functions as tasks.

In charge of `@task`; not in charge of what all tasks share (`tasks`) nor of awaiting an async function
(`engine.calls`).
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, Unpack, cast, overload

from eparch.sdk.errors import FlowError
from eparch.sdk.format import FUNCTION_TASK
from eparch.sdk.task_options import NamedTaskOptions, TaskOptions
from eparch.sdk.tasks import Task

if TYPE_CHECKING:
    from eparch.sdk.flow_graph import FlowGraph

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class FunctionTask(Task, Generic[P, R]):
    """A task that calls a function. Made by `@task`.

    To a type checker, calling it takes the function's arguments and gives what the function returns, so that a flow
    reads and is checked like plain Python. In truth it gives a task, whose result that will be.

    Attributes:
        function: the function.
    """

    __format_name__ = FUNCTION_TASK

    def __init__(self, fn: Callable[P, Any], name: str | None = None, **options: Unpack[TaskOptions]) -> None:
        if not callable(fn):
            raise FlowError(f"A task is made of a function, not of {fn!r}.")
        self.function = fn
        self.run: Callable[P, R] = fn
        own = getattr(fn, "__name__", None) or type(fn).__name__
        super().__init__(name or own, **options)
        self.__doc__ = getattr(fn, "__doc__", None)
        self.__wrapped__ = fn

    if TYPE_CHECKING:

        @overload
        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
        @overload
        def __call__(
            self,
            *args: Any,
            upstream_tasks: Iterable[Any],
            task_args: Mapping[str, Any] | None = ...,
            mapped: bool = ...,
            flow: "FlowGraph | None" = ...,
            **kwargs: Any,
        ) -> R: ...
        @overload
        def __call__(
            self,
            *args: Any,
            task_args: Mapping[str, Any],
            mapped: bool = ...,
            flow: "FlowGraph | None" = ...,
            **kwargs: Any,
        ) -> R: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

        def map(
            self,
            *args: Any,
            upstream_tasks: Iterable[Any] | None = None,
            flow: "FlowGraph | None" = None,
            task_args: Mapping[str, Any] | None = None,
            **kwargs: Any,
        ) -> list[R]: ...

        def copy(self, **options: Any) -> "FunctionTask[P, R]": ...


class _Decorator(Protocol):
    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> FunctionTask[P, R]: ...
    @overload
    def __call__(self, fn: Callable[P, R], /) -> FunctionTask[P, R]: ...


@overload
def task(fn: Callable[P, Coroutine[Any, Any, R]], /, **options: Unpack[NamedTaskOptions]) -> FunctionTask[P, R]: ...
@overload
def task(fn: Callable[P, R], /, **options: Unpack[NamedTaskOptions]) -> FunctionTask[P, R]: ...
@overload
def task(**options: Unpack[NamedTaskOptions]) -> _Decorator: ...
def task(fn: Any = None, /, **options: Unpack[NamedTaskOptions]) -> Any:
    """Make a task of a function, with options or without.

    The function may be a coroutine function. Options: see `TaskOptions`.

    Example:
        >>> from datetime import timedelta
        >>> from eparch import Flow, task
        >>> @task(max_retries=3, retry_delay=timedelta(seconds=10), tags=["database"])
        ... def extract(day: str) -> list[int]:
        ...     return [1, 2, 3]
        >>> extract.run("2026-01-01")
        [1, 2, 3]
        >>> with Flow("etl") as f:
        ...     rows = extract("2026-01-01")
        >>> f.run().result[rows]
        <Success: "Task run succeeded.">
    """
    if fn is None:
        return cast("_Decorator", lambda function: FunctionTask(function, **options))
    return FunctionTask(fn, **options)
