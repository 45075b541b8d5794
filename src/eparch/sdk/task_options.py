"""What can be said about a task besides what it does, checked when it is said.

In charge of the options' names, meanings and limits; not in charge of acting on them (`engine`).
"""

import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from eparch.sdk import retries
from eparch.sdk.caching import CacheValidator, duration_only, never_use
from eparch.sdk.errors import FlowError
from eparch.sdk.triggers import Trigger, trigger_named

if TYPE_CHECKING:
    from eparch.sdk.results.result import Result
    from eparch.sdk.states import State

StateHandler: TypeAlias = "Callable[[Any, State, State], State | None]"
NameTemplate: TypeAlias = str | Callable[..., str]


class TaskOptions(TypedDict, total=False):
    """The options of a task: what `@task(...)`, `Task(...)` and `task_args=` take, besides `name`.

    Attributes:
        slug: what programs see, unique in a flow; by default made from name, tags and a number.
        tags: words that concurrency limits and filters go by; in `task_args`, added to those there are.
        max_retries: how often it is tried again after a failure.
        retry_delay: timedelta, seconds, one for each attempt, or a function of the attempt (`exponential_backoff`).
        retry_on: the exceptions that are worth a retry; by default all.
        timeout: how long one attempt may take; seconds or timedelta.
        trigger: when it runs, judged by what came before: a function, or the name of one in `eparch.triggers`.
        skip_on_upstream_skip: whether it is skipped when something before it was.
        cache_for: how long its result may be used instead of running it again.
        cache_validator: whether a result may be used; see `eparch.cache_validators`. By default: until it expires.
        cache_key: tasks with the same key share their results.
        checkpoint: whether its result is kept outside the process; None leaves it to the run.
        result: where and how its result is kept.
        target: the name of its result; when it exists already, it is used and the task is not run. A template such as
            "{task_name}-{today}.csv", or a function of the context.
        state_handlers: called as handler(task, old_state, new_state) at every change; may return another state.
        on_failure: called as on_failure(task, state) when it ends with an error.
        log_prints: whether what it prints goes to its log. `log_stdout` is an older name for the same.
        task_run_name: what people see of one run: a template or a function of its arguments.
        nout: how many results it has, for `a, b = task()`; by default taken from a `tuple[...]` return type.
    """

    slug: str | None
    tags: Iterable[str] | None
    max_retries: int
    retry_delay: retries.RetryDelay | None
    retry_on: type[BaseException] | Iterable[type[BaseException]] | None
    timeout: float | timedelta | None
    trigger: Trigger | str | None
    skip_on_upstream_skip: bool
    cache_for: timedelta | None
    cache_validator: CacheValidator | None
    cache_key: str | None
    checkpoint: bool | None
    result: "Result | None"
    target: NameTemplate | None
    state_handlers: "Sequence[StateHandler] | None"
    on_failure: "Callable[[Any, State], None] | None"
    log_prints: bool
    log_stdout: bool
    task_run_name: NameTemplate | None
    nout: int | None


class NamedTaskOptions(TaskOptions, total=False):
    """The options of a task, with its name: by default that of its function or class."""

    name: str | None


@dataclass(frozen=True, slots=True)
class OnFailure:
    """The state handler that `on_failure` becomes."""

    function: "Callable[[Any, State], None]"

    def __call__(self, thing: Any, old: "State", new: "State") -> "State":
        if new.is_failed():
            self.function(thing, new)
        return new


@dataclass(frozen=True, slots=True)
class Checked:
    """The options of one task, checked and with their defaults filled in."""

    name: str
    slug: str | None
    tags: set[str]
    max_retries: int
    retry_delay: retries.RetryDelay | None
    retry_on: tuple[type[BaseException], ...] | None
    timeout_s: float | None
    trigger: Trigger
    cache_for: timedelta | None
    cache_validator: CacheValidator
    state_handlers: list[StateHandler] = field(default_factory=list)


def check(name: str, options: TaskOptions) -> Checked:
    """Return the options that need it in their one checked form.

    Raises:
        FlowError: an option has a value that it cannot have; the message names the task.
    """
    unknown = options.keys() - TaskOptions.__annotations__.keys()
    if unknown:
        raise FlowError(
            f"Task {name!r} got the unknown option {min(unknown)!r}.",
            hint=f"options are {', '.join(TaskOptions.__annotations__)}",
        )
    max_retries, delay = options.get("max_retries", 0), options.get("retry_delay")
    if not isinstance(max_retries, int) or max_retries < 0:
        raise FlowError(f"`max_retries` of task {name!r} is {max_retries!r}; it must be a whole number, 0 or more.")
    if delay is not None and not max_retries:
        raise FlowError(f"Task {name!r} has a `retry_delay` and no retries.", hint="give `max_retries` too")
    retries.check(name, delay)
    return Checked(
        name=name,
        slug=options.get("slug"),
        tags=_tags(name, options.get("tags")),
        max_retries=max_retries,
        retry_delay=delay,
        retry_on=_exceptions(name, options.get("retry_on")),
        timeout_s=_timeout_s(name, options.get("timeout")),
        trigger=trigger_named(name, options.get("trigger")),
        cache_for=options.get("cache_for"),
        cache_validator=_validator(name, options),
        state_handlers=_handlers(name, options),
    )


def results_of_annotation(annotation: Any) -> int | None:
    """Return how many results a return annotation promises, None where it does not say.

    Example:
        >>> results_of_annotation(tuple[int, str]), results_of_annotation(tuple[int, ...]), results_of_annotation(int)
        (2, None, None)
    """
    if typing.get_origin(annotation) is not tuple:
        return None
    members = typing.get_args(annotation)
    return None if Ellipsis in members else len(members)


def _tags(name: str, tags: Iterable[str] | None) -> set[str]:
    if isinstance(tags, str):
        raise FlowError(f"The tags of task {name!r} are the text {tags!r}.", hint=f"write tags=[{tags!r}]")
    found = set(tags or ())
    for tag in found:
        if not isinstance(tag, str):
            raise FlowError(f"Task {name!r} has the tag {tag!r}, which is not text.")
    return found


def _exceptions(name: str, given: Any) -> tuple[type[BaseException], ...] | None:
    if given is None:
        return None
    members = (given,) if isinstance(given, type) else tuple(given)
    for member in members:
        if not (isinstance(member, type) and issubclass(member, BaseException)):
            raise FlowError(f"`retry_on` of task {name!r} contains {member!r}, which is not an exception class.")
    return members


def _timeout_s(name: str, given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float | timedelta) or retries.seconds(given) <= 0:
        raise FlowError(f"The timeout of task {name!r} is {given!r}.", hint="give seconds, or a timedelta, above 0")
    return retries.seconds(given)


def _validator(name: str, options: TaskOptions) -> CacheValidator:
    given, cache_for = options.get("cache_validator"), options.get("cache_for")
    if cache_for is not None and not isinstance(cache_for, timedelta):
        raise FlowError(f"`cache_for` of task {name!r} is {cache_for!r}.", hint="give a timedelta")
    if given is None:
        return never_use if cache_for is None else duration_only
    if cache_for is None and given is not never_use:
        raise FlowError(
            f"Task {name!r} has a cache validator and nothing to validate.", hint="give `cache_for` too, a timedelta"
        )
    return given


def _handlers(name: str, options: TaskOptions) -> list[StateHandler]:
    given: Any = options.get("state_handlers") or []
    if callable(given) or isinstance(given, str):
        raise FlowError(f"The state handlers of task {name!r} are not a list.", hint="write state_handlers=[handler]")
    handlers = list(given)
    for handler in handlers:
        if not callable(handler):
            raise FlowError(f"Task {name!r} has the state handler {handler!r}, which cannot be called.")
    on_failure = options.get("on_failure")
    if on_failure is not None:
        handlers.append(OnFailure(on_failure))
    return handlers
