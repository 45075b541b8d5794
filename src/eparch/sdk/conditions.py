"""Branches: tasks that run only when a value is what it has to be, and the place where branches meet again.

In charge of `case`, `switch`, `ifelse`, `merge` and `FilterTask`; not in charge of skipping (`engine.decisions`): a
branch that is not taken is a skipped task, and skipping spreads.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Unpack

from eparch.sdk import signals
from eparch.sdk.arguments import as_task
from eparch.sdk.building import current_flow, inside, tags
from eparch.sdk.constants import Constant
from eparch.sdk.errors import FlowError
from eparch.sdk.functions import task
from eparch.sdk.parameters import Parameter
from eparch.sdk.task_options import NamedTaskOptions
from eparch.sdk.tasks import Task
from eparch.sdk.triggers import not_all_skipped

if TYPE_CHECKING:
    from eparch.sdk.flow_graph import FlowGraph

_FORMAT: Final = "prefect.tasks.control_flow"


class CompareValue(Task):
    """Be skipped unless the upstream result equals a value."""

    __format_name__ = f"{_FORMAT}.conditional.CompareValue"
    is_light = True

    def __init__(self, value: Any, **options: Unpack[NamedTaskOptions]) -> None:
        self.value = value
        options.setdefault("name", f'CompareValue: "{value}"')
        super().__init__(**options)

    def run(self, value: Any) -> None:
        """Do nothing when the values are equal.

        Raises:
            SKIP: they are not.
        """
        if value != self.value:
            raise signals.SKIP(f'Provided value "{value}" did not match "{self.value}"')


class Merge(Task):
    """Take the result of the first upstream task that has one."""

    __format_name__ = f"{_FORMAT}.conditional.Merge"
    is_light = True

    def __init__(self, **options: Unpack[NamedTaskOptions]) -> None:
        options.setdefault("skip_on_upstream_skip", False)
        options.setdefault("trigger", not_all_skipped)
        super().__init__(**options)

    def run(self, **task_results: Any) -> Any:
        """Return the first result that is not None, else None."""
        return next((result for result in task_results.values() if result is not None), None)


class case(AbstractContextManager["case"]):  # noqa: N801 - it is written like a keyword
    """Run the tasks inside the block only when a result equals a value; otherwise they are skipped.

    Example:
        >>> from eparch import Flow, Parameter, case, merge, task
        >>> @task
        ... def say(word: str) -> str:
        ...     return word
        >>> with Flow("greeting") as f:
        ...     language = Parameter("language", default="en")
        ...     with case(language, "en"):
        ...         english = say("hello")
        ...     with case(language, "la"):
        ...         latin = say("salve")
        ...     word = merge(english, latin)
        >>> f.run(language="la").result[word].result
        'salve'
    """

    def __init__(self, task: Any, value: Any) -> None:
        if isinstance(value, Task):
            raise FlowError(
                "The value of a case is known beforehand; it cannot be a task.", hint="compare with is_equal"
            )
        self.task = task
        self.value = value
        self._seen: list[Task] = []
        self._block: AbstractContextManager[None] | None = None

    def saw(self, task: Task, flow: "FlowGraph") -> None:
        """Take note of a task that was added inside the block."""
        if not isinstance(task, Parameter | Constant):
            self._seen.append(task)

    def __enter__(self) -> "case":
        if current_flow() is None:
            raise FlowError(
                "A case stands inside a flow.", hint="write it inside `with Flow(...)` or a traced function"
            )
        self._block = inside(self)
        self._block.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._block is not None
        self._block.__exit__(kind, error, trace)
        flow = current_flow()
        if kind is not None or not self._seen or flow is None:
            return
        compare = CompareValue(self.value, name=f"case({self.value})").bind(value=self.task)
        seen = set(self._seen)
        for member in self._seen:
            if not flow.upstream_tasks(member) & seen:
                member.set_upstream(compare)


def switch(condition: Any, cases: Mapping[Any, Any], mapped: bool = False) -> None:
    """Run of several tasks the one whose key equals the result of `condition`; the others are skipped.

    Example:
        >>> from eparch import Flow, Parameter, switch, task
        >>> @task
        ... def say(word: str) -> str:
        ...     return word
        >>> with Flow("greeting") as f:
        ...     hello, salve = say("hello"), say("salve")
        ...     switch(Parameter("language"), {"en": hello, "la": salve})
        >>> state = f.run(language="en")
        >>> state.result[hello], state.result[salve].is_skipped()
        (<Success: "Task run succeeded.">, True)
    """
    flow = current_flow()
    if flow is None:
        raise FlowError("A switch stands inside a flow.", hint="write it inside `with Flow(...)` or a traced function")
    with tags("switch"):
        for value, branch in cases.items():
            target = as_task(branch, flow)
            compare = CompareValue(value).bind(value=condition, mapped=mapped)
            target.set_dependencies(upstream_tasks=[compare], mapped=mapped)


@task
def as_bool(x: Any) -> Any:
    """Return whether x is true."""
    return bool(x)


def ifelse(condition: Any, true_task: Any, false_task: Any, mapped: bool = False) -> None:
    """Run one task when the result of `condition` is true, and another one when it is false; either may be None.

    Example:
        >>> from eparch import Flow, Parameter, ifelse, task
        >>> @task
        ... def say(word: str) -> str:
        ...     return word
        >>> with Flow("answer") as f:
        ...     yes, no = say("yes"), say("no")
        ...     ifelse(Parameter("is_so"), yes, no)
        >>> f.run(is_so=[]).result[no].result
        'no'
    """
    branches = {True: true_task, False: false_task}
    truth = as_bool(condition, mapped=mapped, task_args={})
    switch(truth, {value: branch for value, branch in branches.items() if branch is not None}, mapped=mapped)


def merge(
    *tasks: Any, flow: "FlowGraph | None" = None, mapped: bool = False, **options: Unpack[NamedTaskOptions]
) -> Any:
    """Return a task with the result of the first of `tasks` that was not skipped and has one.

    Example:
        >>> from eparch import Flow, merge, task
        >>> @task
        ... def nothing() -> None: ...
        >>> @task
        ... def something() -> int:
        ...     return 3
        >>> with Flow("either") as f:
        ...     either = merge(nothing(), something())
        >>> f.run().result[either].result
        3
    """
    target = flow or current_flow()
    if target is None:
        raise FlowError("A merge stands inside a flow.", hint="write it inside `with Flow(...)` or a traced function")
    return Merge(**options).bind(**{f"task_{n}": value for n, value in enumerate(tasks, 1)}, flow=target, mapped=mapped)


class FilterTask(Task):
    """Keep the members of a list of results that a function accepts; by default those that are no error and not None.

    Example:
        >>> from eparch import FilterTask, Flow, task
        >>> @task
        ... def inverse(x: int) -> float:
        ...     return 1 / x
        >>> with Flow("inverses") as f:
        ...     good = FilterTask()(inverse.map([1, 0, 2]))
        ...     f.set_reference_tasks([good])
        >>> f.run().result[good].result
        [1.0, 0.5]
    """

    __format_name__ = f"{_FORMAT}.filter.FilterTask"

    def __init__(
        self,
        filter_func: Callable[[Any], bool] | None = None,
        log_func: Callable[[Any], str] | None = None,
        **options: Unpack[NamedTaskOptions],
    ) -> None:
        self.filter_func = filter_func or _is_result
        self.log_func = log_func
        options.setdefault("skip_on_upstream_skip", False)
        options.setdefault("trigger", "all_finished")
        super().__init__(**options)

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return the one parameter with the text that the format has for its type."""
        return {"task_results": {"required": True, "type": "typing.List[typing.Any]"}}

    def outputs(self) -> str:
        """Return the text that the format has for the type of the result."""
        return "typing.List[typing.Any]"

    def run(self, task_results: list[Any]) -> list[Any]:
        """Return the members that are kept."""
        kept: list[Any] = []
        dropped: list[Any] = []
        for result in task_results:
            (kept if self.filter_func(result) else dropped).append(result)
        if self.log_func is not None:
            self.logger.info(self.log_func(dropped))
        return kept


def _is_result(result: Any) -> bool:
    return result is not None and not isinstance(result, BaseException)
