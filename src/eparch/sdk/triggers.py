"""Whether a task runs, judged by the states of what came before it.

In charge of the triggers; not in charge of skipping (`engine.decisions`): a skipped task counts as successful here,
and the children of a mapped task count one by one. A trigger of your own is a function of `{edge: state}` that returns
True, or raises a signal, usually `signals.TRIGGERFAIL`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from eparch.sdk import signals
from eparch.sdk.edges import Edge
from eparch.sdk.errors import FlowError
from eparch.sdk.format import TRIGGERS
from eparch.sdk.states import Mapped, State

UpstreamStates: TypeAlias = Mapping[Edge, State]
Trigger: TypeAlias = Callable[[UpstreamStates], bool]


def all_finished(upstream_states: UpstreamStates) -> bool:
    """Run whatever came before, once it is at its end.

    Example:
        >>> from eparch.sdk.states import Failed
        >>> all_finished({Edge("a", "b"): Failed()})
        True
    """
    if not all(state.is_finished() for state in _single(upstream_states)):
        raise signals.TRIGGERFAIL('Trigger was "all_finished" but some of the upstream tasks were not finished.')
    return True


always_run = all_finished
"""Run whatever came before; another name for `all_finished`."""


def all_successful(upstream_states: UpstreamStates) -> bool:
    """Run when nothing before has failed. The trigger of a task that names none.

    Example:
        >>> from eparch.sdk.states import Skipped, Success
        >>> all_successful({Edge("a", "c"): Success(), Edge("b", "c"): Skipped()})
        True
    """
    if not all(state.is_successful() for state in _single(upstream_states)):
        raise signals.TRIGGERFAIL('Trigger was "all_successful" but some of the upstream tasks failed.')
    return True


def all_failed(upstream_states: UpstreamStates) -> bool:
    """Run when everything before has failed.

    Example:
        >>> from eparch.sdk.states import Failed
        >>> all_failed({Edge("a", "b"): Failed()})
        True
    """
    if not all(state.is_failed() for state in _single(upstream_states)):
        raise signals.TRIGGERFAIL('Trigger was "all_failed" but some of the upstream tasks succeeded.')
    return True


def any_successful(upstream_states: UpstreamStates) -> bool:
    """Run when at least one task before has succeeded, or there was none.

    Example:
        >>> from eparch.sdk.states import Failed, Success
        >>> any_successful({Edge("a", "c"): Failed(), Edge("b", "c"): Success()})
        True
    """
    if upstream_states and not any(state.is_successful() for state in _single(upstream_states)):
        raise signals.TRIGGERFAIL('Trigger was "any_successful" but none of the upstream tasks succeeded.')
    return True


def any_failed(upstream_states: UpstreamStates) -> bool:
    """Run when at least one task before has failed, or there was none.

    Example:
        >>> from eparch.sdk.states import Failed, Success
        >>> any_failed({Edge("a", "c"): Failed(), Edge("b", "c"): Success()})
        True
    """
    if upstream_states and not any(state.is_failed() for state in _single(upstream_states)):
        raise signals.TRIGGERFAIL('Trigger was "any_failed" but none of the upstream tasks failed.')
    return True


def not_all_skipped(upstream_states: UpstreamStates) -> bool:
    """Run when nothing before has failed and not everything was skipped; otherwise fail, or skip. What `merge` uses.

    Example:
        >>> from eparch.sdk.states import Skipped, Success
        >>> not_all_skipped({Edge("a", "c"): Skipped(), Edge("b", "c"): Success()})
        True
    """
    states = list(_single(upstream_states))
    if all(state.is_skipped() for state in states):
        raise signals.SKIP("All upstreams were skipped", result=None)
    if not all(state.is_successful() for state in states):
        raise signals.TRIGGERFAIL('Trigger was "not_all_skipped" but some of the upstream tasks failed.')
    return True


def manual_only(upstream_states: UpstreamStates) -> bool:  # noqa: ARG001 - all take the same
    """Wait until somebody approves the task: by `eparch`, in the web UI, or with a `Resume` state.

    Example:
        >>> from eparch import Flow, task
        >>> @task(trigger=manual_only)
        ... def deploy() -> str:
        ...     return "deployed"
        >>> with Flow("release") as f:
        ...     deployed = deploy()
        >>> f.run().result[deployed]
        <Paused: "Trigger function is "manual_only"">
    """
    from eparch.sdk.context import context

    if context.get("resume"):
        return True
    raise signals.PAUSE('Trigger function is "manual_only"')


def resource_cleanup_trigger(upstream_states: UpstreamStates) -> bool:
    """Run when the resource was set up, whatever its users did. What the clean-up of a resource manager uses."""
    for edge, state in upstream_states.items():
        if edge.key in ("mgr", "resource"):
            if state.is_skipped():
                raise signals.SKIP("Resource manager setup skipped")
            if state.is_failed():
                raise signals.SKIP("Resource manager setup failed")
    return all_finished(upstream_states)


@dataclass(frozen=True, slots=True)
class _Some:
    """Run when the number of upstream tasks that ended in one way lies within bounds."""

    name: str
    at_least: int | float | None
    at_most: int | float | None

    @property
    def __format_name__(self) -> str:
        return f"{TRIGGERS}.{self.name}"

    @property
    def format_arguments(self) -> dict[str, Any]:
        return {"at_least": self.at_least, "at_most": self.at_most}

    def __call__(self, upstream_states: UpstreamStates) -> bool:
        states = list(_single(upstream_states))
        wanted = "is_failed" if self.name == "some_failed" else "is_successful"
        count = sum(1 for state in states if getattr(state, wanted)())
        if self.at_least is not None and count < _number(self.at_least, len(states)):
            raise signals.TRIGGERFAIL(f'Trigger was "{self.name}" but thresholds were not met.')
        if self.at_most is not None and count > _number(self.at_most, len(states)):
            raise signals.TRIGGERFAIL(f'Trigger was "{self.name}" but thresholds were not met.')
        return True


def some_failed(at_least: int | float | None = None, at_most: int | float | None = None) -> Trigger:
    """Return a trigger that needs between `at_least` and `at_most` failures before it.

    Args:
        at_least: a number of tasks; or, below 1 and with a point, a share of them.

    Example:
        >>> from eparch.sdk.states import Failed, Success
        >>> some_failed(at_least=0.5)({Edge("a", "c"): Success(), Edge("b", "c"): Failed()})
        True
    """
    return _Some("some_failed", at_least, at_most)


def some_successful(at_least: int | float | None = None, at_most: int | float | None = None) -> Trigger:
    """Return a trigger that needs between `at_least` and `at_most` successes before it, counted as by `some_failed`.

    Example:
        >>> from eparch.sdk.states import Failed, Success
        >>> some_successful(at_least=1)({Edge("a", "c"): Success(), Edge("b", "c"): Failed()})
        True
    """
    return _Some("some_successful", at_least, at_most)


NAMED: Final[dict[str, Trigger]] = {
    trigger.__name__: trigger
    for trigger in (
        all_finished,
        all_successful,
        all_failed,
        any_successful,
        any_failed,
        not_all_skipped,
        manual_only,
    )
}
for _name, _trigger in NAMED.items():
    _trigger.__format_name__ = f"{TRIGGERS}.{_name}"  # type: ignore[attr-defined]
NAMED["always_run"] = always_run
resource_cleanup_trigger.__format_name__ = (  # type: ignore[attr-defined]
    "prefect.tasks.core.resource_manager.resource_cleanup_trigger"
)


def trigger_named(task_name: str, trigger: Trigger | str | None) -> Trigger:
    """Return a task's trigger, given as a function, by name, or not at all.

    Raises:
        FlowError: there is no trigger of this name, or it is not a function.

    Example:
        >>> trigger_named("report", "all_finished").__name__
        'all_finished'
    """
    if trigger is None:
        return all_successful
    if isinstance(trigger, str):
        if trigger in NAMED:
            return NAMED[trigger]
        raise FlowError(f"Task {task_name!r} names the trigger {trigger!r}.", hint=f"one of {', '.join(NAMED)}")
    if not callable(trigger):
        raise FlowError(f"The trigger of task {task_name!r} is {trigger!r}, which cannot be called.")
    return trigger


def _single(upstream_states: UpstreamStates) -> Iterator[State]:
    for state in upstream_states.values():
        if isinstance(state, Mapped):
            yield from state.map_states
        else:
            yield state


def _number(bound: int | float, of: int) -> float:
    return bound * of if isinstance(bound, float) and bound <= 1 else bound
