"""What a run that is taken up again starts from.

In charge of reading the states that the server has and of what each is worth; not in charge of going on from them
(`machine`).
"""

from collections.abc import Mapping

from eparch.client.client import Client
from eparch.client.flow_runs import FlowRunInfo, TaskRunInfo, child_task_runs
from eparch.sdk import states
from eparch.sdk.constants import Constant
from eparch.sdk.engine.plan import Plan, Step, is_settled
from eparch.sdk.parameters import Parameter
from eparch.sdk.results.result import Result
from eparch.sdk.state_documents import state_of_document
from eparch.sdk.states import State

Known = tuple[dict[int, State], dict[int, dict[int, State]]]


def known_states(client: Client, info: FlowRunInfo, plan: Plan, task_ids: Mapping[str, str]) -> Known:
    """Return the states that the server has of a run's tasks, by number of step, those of children apart.

    Left out is what has to be done again: what was running when its program died, unless version locking says that the
    program may live; and what was done and kept its result nowhere, where something that is not done needs that.
    Parameters and constants are given anew in any case.
    """
    numbers = {task_ids[step.slug]: step.index for step in plan.steps}
    known: dict[int, State] = {}
    children: dict[int, dict[int, State]] = {}
    for task_run in info.task_runs:
        number = numbers.get(task_run.task_id)
        if number is None or isinstance(plan.steps[number].task, Parameter | Constant):
            continue
        state = _state(task_run, info)
        if isinstance(state, states.Mapped):
            found = child_task_runs(client, info.id, task_run.task_id)
            children[number] = {child.map_index: _state(child, info) for child in found}
        else:
            known[number] = state
    # From the end: what is done again needs what comes before it.
    for step in reversed(plan.steps):
        if not _is_needed(step, plan, known):
            continue
        if step.index in known and _is_lost(known[step.index]):
            del known[step.index]
        for index, child in list(children.get(step.index, {}).items()):
            if _is_lost(child):
                del children[step.index][index]
    return known, children


def _state(task_run: TaskRunInfo, info: FlowRunInfo) -> State:
    state = state_of_document(task_run.state or {"type": "Pending"})
    if isinstance(state, states.Queued):
        # Whether there is a slot by now is asked at once.
        state = state.state or states.Pending()
    return states.Pending() if state.is_running() and not info.is_version_locked else state


def _is_needed(step: Step, plan: Plan, known: Mapping[int, State]) -> bool:
    """Return whether something that is not done takes the result of a step."""
    return any(
        given.upstream == step.index and given.key is not None and not is_settled(known.get(below))
        for below in step.downstream
        for given in plan.steps[below].inputs
    )


def _is_lost(state: State) -> bool:
    return state.is_successful() and type(state.stored) is Result and state.stored.location is None
