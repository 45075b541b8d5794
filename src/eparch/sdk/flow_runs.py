"""Flows that start flows: tasks that make a run of another flow, wait for it, and read what its tasks have left.

In charge of asking the server; not in charge of carrying the runs out, which agents do.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final, Unpack

from eparch.core.instants import timestamp_text
from eparch.sdk import signals
from eparch.sdk.context import context
from eparch.sdk.errors import FlowError
from eparch.sdk.flow_run_view import FlowRunView, latest_state
from eparch.sdk.functions import task
from eparch.sdk.logs import get_logger
from eparch.sdk.run_configs import RunConfig
from eparch.sdk.run_server import run_client
from eparch.sdk.states import State
from eparch.sdk.task_options import NamedTaskOptions
from eparch.sdk.tasks import Task

_FLOW: Final = """query($where: flow_bool_exp!) {
  flow(where: $where, order_by: [{version: desc}], limit: 2) { id name project { name } }
}"""
_NAMES: Final = "query { flow(where: {archived: {_eq: false}}, limit: 500) { name project { name } } }"
_POLL_S_FIRST: Final = 0.1
_POLL_S_MAX: Final = 2.0


@task
def create_flow_run(
    flow_id: str | None = None,
    flow_name: str | None = None,
    project_name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    labels: Iterable[str] | None = None,
    run_name: str | None = None,
    run_config: RunConfig | None = None,
    scheduled_start_time: datetime | timedelta | None = None,
    idempotency_key: str | None = None,
) -> str:
    """Make a run of a registered flow, for an agent to take; its result is the run's id.

    A second attempt of the task finds the run that the first one made.

    Args:
        flow_id: which version of a flow; or instead
        flow_name: the flow's name, for its newest version.
        project_name: its project, needed where several have a flow of this name.
        run_name: by default this run's name and the flow's.
        scheduled_start_time: an instant, or how long from now; by default at once.
        idempotency_key: runs of a flow with the same key are one; by default a key of this task run.
    Raises:
        FlowError: there is no such flow, or more than one.

    Example:
        >>> from eparch import Flow, Parameter
        >>> from eparch.testing import temporary_server
        >>> with Flow("child") as child:
        ...     doubled = Parameter("x") * 2
        >>> with Flow("parent") as parent:
        ...     made = create_flow_run(flow_name="child", project_name="tests", parameters={"x": 4})
        >>> with temporary_server() as server:
        ...     registered = server.register(child)
        ...     server.run(parent)
        <Success: "All reference tasks succeeded.">
    """
    return _created(
        _flow_id(flow_id, flow_name, project_name),
        flow_name,
        parameters=parameters,
        context=context,
        labels=labels,
        run_name=run_name,
        run_config=run_config,
        scheduled_start_time=scheduled_start_time,
        idempotency_key=idempotency_key,
    )


@task
def wait_for_flow_run(
    flow_run_id: str,
    stream_states: bool = True,
    stream_logs: bool = False,
    raise_final_state: bool = False,
) -> FlowRunView:
    """Wait until a flow run has come to its end; its result is the run as it is then.

    Args:
        stream_states: whether each state that it is seen in is logged here.
        stream_logs: whether its log lines are logged here, once it has ended.
        raise_final_state: whether this task ends as the run has: fails if it has failed, say.

    Example:
        >>> from eparch import Flow
        >>> with Flow("parent") as parent:
        ...     run_id = create_flow_run(flow_name="child", project_name="demo")
        ...     ended = wait_for_flow_run(run_id, raise_final_state=True)
        >>> sorted(task.name for task in parent.tasks)
        ['create_flow_run', 'wait_for_flow_run']
    """
    return _waited(flow_run_id, stream_states=stream_states, stream_logs=stream_logs, raises=raise_final_state)


@task
def get_task_run_result(flow_run_id: str, task_slug: str, map_index: int = -1) -> Any:
    """Wait until a flow run has come to its end; its result is that of one of the run's tasks.

    Args:
        task_slug: as in `flow.slugs`, such as `extract-1`.
        map_index: which child of a mapped task; without it a list of all.

    Example:
        >>> from eparch import Flow
        >>> with Flow("parent") as parent:
        ...     rows = get_task_run_result(create_flow_run(flow_name="child"), "extract-1")
        >>> len(parent.tasks)
        2
    """
    if flow_run_id == context.get("flow_run_id"):
        raise FlowError(
            "A task waits for the end of the flow run it belongs to, which would never come.",
            hint="pass the result from task to task instead",
        )
    ended = _waited(flow_run_id, stream_states=False, stream_logs=False, raises=False)
    return ended.get_task_run(task_slug, map_index).get_result()


@task
def run_flow(
    flow_name: str | None = None,
    project_name: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    flow_id: str | None = None,
    context: Mapping[str, Any] | None = None,
    labels: Iterable[str] | None = None,
    run_name: str | None = None,
    run_config: RunConfig | None = None,
    stream_logs: bool = False,
) -> FlowRunView:
    """Make a run of a registered flow, wait for it, and end as it has; the result is the run as it is then.

    Example:
        >>> from eparch import Flow
        >>> with Flow("parent") as parent:
        ...     ended = run_flow("child", "demo", parameters={"x": 4})
        >>> len(parent.tasks)
        1
    """
    found = _flow_id(flow_id, flow_name, project_name)
    run_id = _created(
        found,
        flow_name,
        parameters=parameters,
        context=context,
        labels=labels,
        run_name=run_name,
        run_config=run_config,
    )
    return _waited(run_id, stream_states=True, stream_logs=stream_logs, raises=True)


class StartFlowRun(Task):
    """Make a run of a registered flow and, with `wait`, wait for it and end as it has.

    The older form of `create_flow_run` and `run_flow`, as a class whose arguments may be given early or late.

    Example:
        >>> from eparch import Flow
        >>> start = StartFlowRun(flow_name="child", project_name="demo", wait=True)
        >>> with Flow("parent") as parent:
        ...     first = start(parameters={"x": 4})
        >>> parent.tasks
        {<Task: StartFlowRun>}
    """

    def __init__(
        self,
        flow_name: str | None = None,
        project_name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        wait: bool = False,
        new_flow_context: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        scheduled_start_time: datetime | timedelta | None = None,
        run_config: RunConfig | None = None,
        **options: Unpack[NamedTaskOptions],
    ) -> None:
        self.flow_name = flow_name
        self.project_name = project_name
        self.parameters = parameters
        self.wait = wait
        self.new_flow_context = new_flow_context
        self.run_name = run_name
        self.scheduled_start_time = scheduled_start_time
        self.run_config = run_config
        super().__init__(**options)

    def run(
        self,
        flow_name: str | None = None,
        project_name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        new_flow_context: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        scheduled_start_time: datetime | timedelta | None = None,
        run_config: RunConfig | None = None,
    ) -> str:
        """Make the run and return its id; what is given here comes before what was given to the task.

        Raises:
            Signal: the run did not end well, and `wait` was given.
        """
        name = flow_name or self.flow_name
        run_id = _created(
            _flow_id(None, name, project_name or self.project_name),
            name,
            parameters=parameters or self.parameters,
            context=new_flow_context or self.new_flow_context,
            run_name=run_name or self.run_name,
            run_config=run_config or self.run_config,
            scheduled_start_time=scheduled_start_time or self.scheduled_start_time,
            idempotency_key=idempotency_key,
        )
        if self.wait:
            _waited(run_id, stream_states=True, stream_logs=False, raises=True)
        return run_id


def _created(
    flow_id: str,
    flow_name: str | None,
    *,
    parameters: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    labels: Iterable[str] | None = None,
    run_name: str | None = None,
    run_config: RunConfig | None = None,
    scheduled_start_time: datetime | timedelta | None = None,
    idempotency_key: str | None = None,
) -> str:
    given: dict[str, Any] = {"flow_id": flow_id, "parameters": dict(parameters or {})}
    key = idempotency_key or _own_key()
    if isinstance(scheduled_start_time, timedelta):
        scheduled_start_time = datetime.now().astimezone() + scheduled_start_time
    optional = {
        "context": None if context is None else dict(context),
        "labels": None if labels is None else sorted(labels),
        "run_config": None if run_config is None else run_config.serialize(),
        "scheduled_start_time": None if scheduled_start_time is None else timestamp_text(scheduled_start_time),
        "flow_run_name": run_name or _own_run_name(flow_name),
        "idempotency_key": key,
    }
    given |= {name: value for name, value in optional.items() if value is not None}
    made: str = run_client().change("create_flow_run", given, "id")["id"]
    get_logger().info("Flow run %s of flow %s is made.", made, flow_name or flow_id)
    return made


def _waited(flow_run_id: str, *, stream_states: bool, stream_logs: bool, raises: bool) -> FlowRunView:
    logger = get_logger()
    seen: tuple[str, str | None] | None = None
    poll_s = _POLL_S_FIRST
    while True:
        state = latest_state(flow_run_id)
        now = (type(state).__name__, state.message)
        if stream_states and now != seen:
            logger.info("Flow run %s is %s: %s", flow_run_id, *now)
        seen = now
        if state.is_finished():
            break
        time.sleep(poll_s)
        poll_s = min(_POLL_S_MAX, poll_s * 1.5)
    ended = FlowRunView.from_flow_run_id(flow_run_id)
    if stream_logs:
        for line in ended.get_logs():
            logger.info("Flow run %s: %s %s | %s", ended.name, line.level, line.name, line.message)
    if raises:
        _raise_unless_successful(ended, state)
    return ended


def _raise_unless_successful(ended: FlowRunView, state: State) -> None:
    message = f"Flow run {ended.name} of flow {ended.flow_name!r} ended in {type(state).__name__}: {state.message}"
    if state.is_skipped():
        raise signals.SKIP(message, result=ended)
    if not state.is_successful():
        raise signals.FAIL(message, result=ended)


def _flow_id(flow_id: str | None, flow_name: str | None, project_name: str | None) -> str:
    if (flow_id is None) is (flow_name is None):
        raise FlowError("Which flow is to run?", hint="give either flow_id or flow_name, with project_name if need be")
    if flow_id is not None:
        return flow_id
    where: dict[str, Any] = {"name": {"_eq": flow_name}, "archived": {"_eq": False}}
    if project_name is not None:
        where["project"] = {"name": {"_eq": project_name}}
    rows = run_client().ask(_FLOW, {"where": where})["flow"]
    place = "" if project_name is None else f" in project {project_name!r}"
    if not rows:
        known = [
            row["name"] for row in run_client().ask(_NAMES)["flow"] if project_name in (None, row["project"]["name"])
        ]
        close = get_close_matches(str(flow_name), known, 1)
        raise FlowError(
            f"There is no flow {flow_name!r}{place}.",
            hint=f"did you mean {close[0]!r}?" if close else "register it first: flow.register(project)",
        )
    if len({row["project"]["name"] for row in rows}) > 1:
        names = " and ".join(sorted(repr(row["project"]["name"]) for row in rows))
        raise FlowError(f"There is a flow {flow_name!r} in the projects {names}.", hint="give project_name")
    found: str = rows[0]["id"]
    return found


def _own_key() -> str | None:
    """Return a key of the task run in progress, so that a second attempt makes no second run."""
    if "task_slug" not in context or "api_url" not in context:
        return None
    index = context.get("map_index")
    own = str(context["task_run_id"]) if index is None else f"{context['task_run_id']}-{index}"
    loops = context.get("task_loop_count", 1)
    return own if loops == 1 else f"{own}-loop-{loops}"


def _own_run_name(flow_name: str | None) -> str | None:
    own = context.get("flow_run_name")
    return f"{own}-{flow_name}" if own and flow_name and "api_url" in context else None
