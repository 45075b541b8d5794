"""Running a flow in this process, without a server.

In charge of `flow.run()`: checks, the context, the final state; not in charge of the loop (`driver`) nor of runs that a
server knows (`backend_run`).
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from eparch.sdk import flow_checks, states
from eparch.sdk.context import showing
from eparch.sdk.engine import caches
from eparch.sdk.engine.attempts import Shared
from eparch.sdk.engine.clock import clock
from eparch.sdk.engine.decisions import flow_state
from eparch.sdk.engine.driver import Driver
from eparch.sdk.engine.flow_handlers import entered, finished
from eparch.sdk.engine.machine import Machine
from eparch.sdk.engine.plan import Plan, compiled
from eparch.sdk.engine.run_context import run_context
from eparch.sdk.errors import FlowError
from eparch.sdk.executors.executor import Events, Executor
from eparch.sdk.executors.local import LocalExecutor
from eparch.sdk.logs import show_on_terminal
from eparch.sdk.results.local import LocalResult
from eparch.sdk.states import State
from eparch.sdk.storage.loading import is_loading

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow
    from eparch.sdk.tasks import Task

_logger: Final = logging.getLogger("eparch.flow_run")


def run_flow(
    flow: "Flow",
    parameters: Mapping[str, Any],
    *,
    task_states: "Mapping[Task, State]",
    executor: Executor | None,
    context: Mapping[str, Any],
    run_on_schedule: bool,
) -> State:
    """Run a flow in this process and return its final state; see `Flow.run`."""
    if is_loading.get():
        # An agent would run it a second time, beside the run that the file is loaded for.
        raise FlowError(
            f"Flow {flow.name!r} cannot be run while its file is loaded.",
            hint='put what is for running the file itself under: if __name__ == "__main__":',
        )
    flow_checks.parameters(flow, parameters)
    plan = compiled(flow)
    show_on_terminal()
    state = _run_once(flow, plan, parameters, task_states, executor, context, None)
    while run_on_schedule and flow.schedule is not None:
        following = _next_run(flow)
        if following is None:
            break
        state = _run_once(flow, plan, {**following[1], **parameters}, {}, executor, context, following[0])
    return state


def _run_once(
    flow: "Flow",
    plan: Plan,
    parameters: Mapping[str, Any],
    task_states: "Mapping[Task, State]",
    executor: Executor | None,
    context: Mapping[str, Any],
    scheduled_start_time: datetime | None,
) -> State:
    ticking = clock.get()
    run_id = str(uuid4())
    values = run_context(
        flow_name=flow.name,
        now=ticking.now(),
        parameters={**{parameter.name: parameter.default for parameter in flow.parameters()}, **parameters},
        flow_run_id=run_id,
        flow_run_name=run_id,
        scheduled_start_time=scheduled_start_time,
        further=context,
    )
    chosen = executor or flow.executor or LocalExecutor()
    shared = Shared(
        tasks=[step.task for step in plan.steps],
        slugs=[step.slug for step in plan.steps],
        context=values,
        result=flow.result if flow.result is not None else LocalResult(),
        log_prints=flow.log_prints,
        timeouts_apart=chosen.ends_timeouts,
    )
    with showing(values):
        running = entered(flow, states.Scheduled(), states.Running("Running flow."))
        if not running.is_running():
            return running
        _logger.info("Flow %r: run starts", flow.name)
        machine = Machine(plan, *_known(plan, task_states))
        driver = Driver(machine, shared, chosen, ticking, caches.memory.of_flow(flow.name))
        driver.run()
        state = driver.stopped or flow_state([machine.states[i] for i in plan.references], machine.unfinished_count())
        state.result = {
            step.task: found if (found := machine.states[step.index]) is not None else states.Pending()
            for step in plan.steps
        }
        state = finished(flow, running, state)
    _logger.info("Flow %r: run ends in %s: %s", flow.name, type(state).__name__, state.message)
    return state


def _known(plan: Plan, given: "Mapping[Task, State]") -> tuple[dict[int, State], dict[int, dict[int, State]]]:
    """Return the states to start from by number of step, those of children apart."""
    known: dict[int, State] = {}
    children: dict[int, dict[int, State]] = {}
    for task, state in given.items():
        if task not in plan.by_task:
            raise FlowError(f"{task!r} has a state to start from and is not in the flow.")
        number = plan.by_task[task]
        if isinstance(state, states.Mapped):
            children[number] = {index: child for index, child in enumerate(state.map_states) if child is not None}
        else:
            known[number] = state
    return known, children


def _next_run(flow: "Flow") -> tuple[datetime, dict[str, Any]] | None:
    """Wait for the next instant of the schedule; return it with its parameters, None at the schedule's end."""
    assert flow.schedule is not None
    ticking = clock.get()
    events = flow.schedule.next_events(1, ticking.now())
    if not events:
        return None
    event = events[0]
    _logger.info("Flow %r: next run at %s", flow.name, event.start_time.isoformat())
    nothing: Events = SimpleQueue()
    while ticking.now() < event.start_time:
        ticking.wait(nothing, event.start_time, is_busy=False)
    return event.start_time, dict(event.parameter_defaults)
