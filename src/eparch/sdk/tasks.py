"""A task: one step of a flow.

In charge of what a task is, how it is copied and how it is called while a flow is being built; not in charge of running
it (`engine`), of functions as tasks (`functions`), nor of what its arguments become (`arguments`).
"""

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from eparch.sdk import task_options
from eparch.sdk.building import current_flow, current_tags
from eparch.sdk.errors import ArgumentError, FlowError
from eparch.sdk.operations import Operations
from eparch.sdk.task_options import TaskOptions

if TYPE_CHECKING:
    import logging

    from eparch.sdk.flow_graph import FlowGraph


class Task(Operations):
    """One step of a flow. Subclass it and write `run`, or decorate a function with `@task`.

    Calling a task while a flow is built adds a copy of it to the flow, bound to the arguments, and returns the copy.
    Every option is keyword-only, and an attribute: see `TaskOptions`.

    Example:
        >>> from eparch import Flow, Task
        >>> class Multiply(Task):
        ...     def __init__(self, factor: int, **options) -> None:
        ...         self.factor = factor
        ...         super().__init__(**options)
        ...     def run(self, x: int) -> int:
        ...         return self.factor * x
        >>> with Flow("six") as f:
        ...     product = Multiply(3, name="triple")(2)
        >>> f.run().result[product].result
        6
    """

    __format_name__: ClassVar[str | None] = None
    # Made by the library to carry a value; drawn apart, and never asked for by name.
    auto_generated: ClassVar[bool] = False
    # Done in a moment, without the user's code: the engine does it itself instead of sending it to an executor.
    is_light: ClassVar[bool] = False
    _signature: inspect.Signature

    def __init__(self, name: str | None = None, **options: Unpack[TaskOptions]) -> None:
        checked = task_options.check(name or type(self).__name__, options)
        self._signature = _signature(checked.name, self.run)
        # Functions written in C often have arguments without a name.
        self.by_place = [
            name
            for name, parameter in self._signature.parameters.items()
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY
        ]
        self.name = checked.name
        self.slug = checked.slug
        self.tags = checked.tags | current_tags()
        self.max_retries = checked.max_retries
        self.retry_delay = checked.retry_delay
        self.retry_on = checked.retry_on
        self.timeout = checked.timeout_s
        self.trigger = checked.trigger
        self.skip_on_upstream_skip = options.get("skip_on_upstream_skip", True)
        self.cache_for: timedelta | None = checked.cache_for
        self.cache_key = options.get("cache_key")
        self.cache_validator = checked.cache_validator
        self.checkpoint = options.get("checkpoint")
        self.result = options.get("result")
        self.target = options.get("target")
        self.state_handlers = checked.state_handlers
        self.log_prints = options.get("log_prints", False) or options.get("log_stdout", False)
        self.task_run_name = options.get("task_run_name")
        self.nout = options.get("nout")
        if self.nout is None:
            self.nout = task_options.results_of_annotation(self._signature.return_annotation)

    if TYPE_CHECKING:
        # Each subclass has arguments of its own, which type checkers take for a fault where this is a method.
        run: Callable[..., Any]
    else:

        def run(self) -> None:
            """Do the work. Written by subclasses, with the arguments they need; called with keywords."""

    @property
    def logger(self) -> "logging.Logger":
        """The logger of this task: what it logs while it runs belongs to its run."""
        from eparch.sdk.logs import get_logger

        return get_logger(self.name)

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return the parameters of `run`: name to whether it is required and the text of its type."""
        return {
            name: {
                "required": parameter.default is inspect.Parameter.empty,
                "type": _annotation_text(parameter.annotation),
            }
            for name, parameter in self._signature.parameters.items()
        }

    def outputs(self) -> str:
        """Return the text of the type that `run` returns."""
        return _annotation_text(self._signature.return_annotation)

    def copy(self, **options: Any) -> "Task":
        """Return a task like this one, but for the given options; not part of any flow.

        Raises:
            FlowError: there is no such option.
        """
        new = copy.copy(self)
        new.tags = set(self.tags)
        new.state_handlers = list(self.state_handlers)
        if options:
            _set_options(new, options)
        new.tags |= current_tags()
        return new

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a copy of this task to the flow that is being built, and return the copy.

        Args:
            args: the arguments of `run`; tasks among them, or in lists, tuples, sets and dictionaries, become edges.
            kwargs: likewise. Besides: `upstream_tasks`, tasks to wait for without taking their result; `mapped=True` to
                run once for each item; `task_args`, options of this copy; `flow`, when not the one being built.
        Raises:
            ArgumentError: `run` does not take these arguments.
            FlowError: no flow is being built.
        """
        flow, mapped = kwargs.pop("flow", None), kwargs.pop("mapped", False)
        upstream_tasks, task_args = kwargs.pop("upstream_tasks", None), kwargs.pop("task_args", None)
        target = _flow_for(self, flow)
        new = self.copy(**(task_args or {}))
        new._bind(target, args, kwargs, mapped=mapped, upstream_tasks=upstream_tasks)
        return new

    def map(
        self,
        *args: Any,
        upstream_tasks: Iterable[Any] | None = None,
        flow: "FlowGraph | None" = None,
        task_args: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the task once for each item of its arguments, the first with the first, the second with the second.

        It ends with the shortest argument. `unmapped(x)` gives the whole of x to each; `flatten(x)` takes a level of
        nesting away.

        Example:
            >>> from eparch import Flow, task
            >>> @task
            ... def add(x: int, y: int) -> int:
            ...     return x + y
            >>> with Flow("sums") as f:
            ...     sums = add.map([1, 2], [10, 20])
            >>> f.run().result[sums].result
            [11, 22]
        """
        return Task.__call__(
            self, *args, mapped=True, upstream_tasks=upstream_tasks, flow=flow, task_args=task_args, **kwargs
        )

    def bind(
        self,
        *args: Any,
        mapped: bool = False,
        upstream_tasks: Iterable[Any] | None = None,
        flow: "FlowGraph | None" = None,
        **kwargs: Any,
    ) -> "Task":
        """Add this very task, not a copy, to a flow, bound to the arguments; return it."""
        self._bind(_flow_for(self, flow), args, kwargs, mapped=mapped, upstream_tasks=upstream_tasks)
        return self

    def set_upstream(
        self, task: Any, flow: "FlowGraph | None" = None, key: str | None = None, mapped: bool = False
    ) -> "Task":
        """Let this task wait for another one, and take its result as parameter `key` if that is given."""
        self.set_dependencies(
            flow=flow,
            upstream_tasks=None if key else [task],
            keyword_tasks={key: task} if key else None,
            mapped=mapped,
        )
        return self

    def set_downstream(
        self, task: "Task", flow: "FlowGraph | None" = None, key: str | None = None, mapped: bool = False
    ) -> "Task":
        """Let another task wait for this one, and take its result as parameter `key` if that is given."""
        task.set_upstream(self, flow=flow, key=key, mapped=mapped)
        return self

    def set_dependencies(
        self,
        flow: "FlowGraph | None" = None,
        upstream_tasks: Iterable[Any] | None = None,
        downstream_tasks: Iterable["Task"] | None = None,
        keyword_tasks: Mapping[str, Any] | None = None,
        mapped: bool = False,
    ) -> "Task":
        """Tie this task to others: what it waits for, what waits for it, whose results it takes by which name."""
        _flow_for(self, flow).set_dependencies(
            self,
            upstream_tasks=upstream_tasks,
            downstream_tasks=downstream_tasks,
            keyword_tasks=keyword_tasks,
            mapped=mapped,
        )
        return self

    def __iter__(self) -> Iterator[Any]:
        if self.nout is None:
            raise ArgumentError(
                f"Task {self.name!r} is not iterable: how many results it has is not known.",
                hint="write @task(nout=2), or give it a return type such as tuple[int, str]",
            )
        return iter([self[index] for index in range(self.nout)])

    def __repr__(self) -> str:
        return f"<Task: {self.name}>"

    # A task is itself, whatever it is called; comparing tasks of a flow makes new ones (`operations`).
    __hash__ = object.__hash__

    def _bind(
        self,
        flow: "FlowGraph",
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        mapped: bool,
        upstream_tasks: Iterable[Any] | None,
    ) -> None:
        flow.set_dependencies(
            self, upstream_tasks=upstream_tasks, keyword_tasks=self._named(args, kwargs), mapped=mapped
        )

    def _named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments by the names of `run`'s parameters."""
        try:
            arguments = self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise ArgumentError(
                f"Task {self.name!r} cannot be called like this: {error}.", hint=f"it is {self.name}{self._signature}"
            ) from None
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                arguments.update(arguments.pop(name, {}))
        return arguments


def defaults_from_attrs(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let arguments of `run` that are not given, or None, be taken from attributes of the task.

    Example:
        >>> from eparch import Task
        >>> class Greet(Task):
        ...     def __init__(self, word: str = "Hello", **options) -> None:
        ...         self.word = word
        ...         super().__init__(**options)
        ...     @defaults_from_attrs("word")
        ...     def run(self, name: str, word: str | None = None) -> str:
        ...         return f"{word}, {name}"
        >>> Greet("Salve").run(name="Marvin")
        'Salve, Marvin'
    """

    def decorate(run: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(run)

        @functools.wraps(run)
        def with_defaults(self: Task, *args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(self, *args, **kwargs)
            for name in names:
                if given.arguments.get(name) is None:
                    given.arguments[name] = getattr(self, name)
            return run(*given.args, **given.kwargs)

        return with_defaults

    return decorate


def _flow_for(task: Task, flow: "FlowGraph | None") -> "FlowGraph":
    found = flow if flow is not None else current_flow()
    if found is None:
        raise FlowError(
            f"Task {task.name!r} was called and no flow is being built.",
            hint=f"call it inside `with Flow(...)` or a function decorated with @flow; to do its work at once, "
            f"call {task.name}.run(...)",
        )
    return found


def _signature(name: str, run: Callable[..., Any]) -> inspect.Signature:
    try:
        signature = inspect.signature(run)
    except ValueError:
        raise FlowError(
            f"The arguments of task {name!r} cannot be found out: {run!r} has no signature.",
            hint="wrap it in a function of your own",
        ) from None
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            raise FlowError(
                f"Task {name!r} takes *{parameter.name}, and a flow passes arguments by name.",
                hint=f"take a list: `{parameter.name}: list[...]`",
            )
        if parameter.name in ("upstream_tasks", "mapped", "task_args", "flow"):
            raise FlowError(
                f"Task {name!r} has a parameter {parameter.name!r}, which means something else when it is called.",
                hint="call it something else",
            )
    return _evaluated(run, signature)


def _evaluated(run: Callable[..., Any], signature: inspect.Signature) -> inspect.Signature:
    # Only a return type says something to the engine; under `from __future__ import annotations` it is a text.
    if isinstance(signature.return_annotation, str) and "uple" in signature.return_annotation:
        try:
            return signature.replace(return_annotation=inspect.signature(run, eval_str=True).return_annotation)
        except Exception:
            return signature
    return signature


def _annotation_text(annotation: Any) -> str:
    return "typing.Any" if annotation is inspect.Parameter.empty else str(annotation)


def _set_options(task: Task, options: dict[str, Any]) -> None:
    """Change options of a task, checked as at its making."""
    given: Any = {name: value for name, value in options.items() if name != "name"}
    checked = task_options.check(task.name, given)
    for name, value in options.items():
        match name:
            case "timeout":
                task.timeout = checked.timeout_s
            case "log_stdout":
                task.log_prints = value
            case "on_failure":
                task.state_handlers = [*task.state_handlers, *checked.state_handlers[-1:]]
            case "name":
                task.name = value
            case "tags":
                task.tags |= checked.tags
            case _:
                setattr(task, name, getattr(checked, name, value))
