"""What a run becomes: the rules, as pure functions.

In charge of skipping, triggers, failures and retries, and of the final state of a flow; not in charge of the order of
things (`machine`) nor of calling tasks (`attempts`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from eparch.sdk import signals, states
from eparch.sdk.context import context
from eparch.sdk.edges import Edge
from eparch.sdk.logs import without_secrets
from eparch.sdk.retries import delay_s
from eparch.sdk.states import State
from eparch.sdk.tasks import Task
from eparch.sdk.triggers import all_successful

SUCCEEDED: Final = "Task run succeeded."
_SKIPPED_UPSTREAM: Final = (
    "Upstream task was skipped; if this was not the intended behavior, consider changing `skip_on_upstream_skip=False` "
    "for this task."
)


def before_run(task: Task, upstream_states: Mapping[Edge, State], before: State | None) -> State | None:
    """Return the state that a task run enters instead of running, None where it runs.

    Args:
        before: the state the run is in; a resumed one passes a `manual_only` trigger.
    """
    if task.skip_on_upstream_skip and any(has_skipped(state) for state in upstream_states.values()):
        return states.Skipped(_SKIPPED_UPSTREAM)
    return _triggered(task, upstream_states, isinstance(before, states.Resume))


def runs_at_once(task: Task, upstream_states: Iterable[State]) -> bool:
    """Return whether a task surely runs, found out without the cost of `before_run`; False says nothing."""
    if task.trigger is not all_successful:
        return False
    return all(type(state) is states.Success or type(state) is states.Cached for state in upstream_states)


def has_skipped(state: State) -> bool:
    """Return whether a state, or that of a child, is Skipped."""
    if isinstance(state, states.Mapped):
        return any(isinstance(child, states.Skipped) for child in state.map_states)
    return isinstance(state, states.Skipped)


def skips_whole_map(task: Task, upstream_states: Iterable[State]) -> State | None:
    """Return the state that a mapped step enters instead of becoming children, None where it becomes them.

    Its trigger is judged by each child for itself.
    """
    if task.skip_on_upstream_skip and any(isinstance(state, states.Skipped) for state in upstream_states):
        return states.Skipped(_SKIPPED_UPSTREAM)
    return None


def after_failure(
    task: Task, failed: State, error: BaseException | None, run_count: int, now: datetime
) -> State | None:
    """Return the Retrying state that follows a failure, None where there is no further attempt.

    Args:
        error: what was raised; None where the failure was not raised.
        run_count: how many attempts there have been, this one included.
        now: the instant of the failure.
    """
    if not failed.is_failed() or isinstance(failed, states.TriggerFailed) or run_count > task.max_retries:
        return None
    if isinstance(error, signals.ENDRUN):
        return None
    if task.retry_on is not None and (error is None or not isinstance(error, task.retry_on)):
        return None
    start_time = now + timedelta(seconds=delay_s(task.retry_delay, run_count))
    return states.Retrying(
        f"Retrying Task (after attempt {run_count} of {task.max_retries + 1})",
        start_time=start_time,
        run_count=run_count,
    )


def state_of_error(error: BaseException) -> State:
    """Return the state that stands for what a task has raised."""
    if isinstance(error, signals.Signal):
        return error.state
    return states.Failed(without_secrets(f"Error during execution of task: {error!r}"), result=error)


def flow_state(references: Iterable[State | None], unfinished_count: int) -> State:
    """Return the state of a flow run whose tasks have nothing left to do now.

    Args:
        references: the states of the reference tasks.
        unfinished_count: how many task runs wait for a far instant or for somebody's approval.
    """
    if unfinished_count:
        many = "task runs wait" if unfinished_count > 1 else "task run waits"
        return states.Running(f"{unfinished_count} {many} for approval or for a later attempt.")
    single = list(_single(references))
    if any(state.is_failed() for state in single):
        return states.Failed("Some reference tasks failed.")
    if any(state.is_cancelled() for state in single):
        return states.Cancelled("Some reference tasks were cancelled.")
    return states.Success("All reference tasks succeeded.")


def _single(found: Iterable[State | None]) -> Iterable[State]:
    for state in found:
        if isinstance(state, states.Mapped):
            yield from state.map_states
        elif state is not None:
            yield state


def _triggered(task: Task, upstream_states: Mapping[Edge, State], resumed: bool) -> State | None:
    try:
        if resumed:
            with context(resume=True):
                passed = task.trigger(upstream_states)
        else:
            passed = task.trigger(upstream_states)
    except signals.Signal as signal:
        return signal.state
    except Exception as error:
        return states.TriggerFailed(f"Unexpected error while checking task trigger: {error!r}", result=error)
    return None if passed else states.TriggerFailed(f"Trigger {task.trigger!r} was not passed.")
