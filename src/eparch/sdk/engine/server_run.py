"""Carrying out a flow run that a server knows.

In charge of what comes before and after the loop: taking the run up where it is, telling the server, ending in the
right state; not in charge of the loop (`driver`), of what is told (`reporting`) nor of getting the code (`storage`).
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from eparch.client.client import Client
from eparch.client.errors import Refused, VersionConflict
from eparch.client.flow_runs import (
    FlowRunInfo,
    flow_run_info,
    flow_run_state,
    limited_tags,
    set_flow_run_state,
)
from eparch.client.reporter import Reporter
from eparch.core.states import FINISHED
from eparch.sdk import flow_checks, states
from eparch.sdk.context import showing
from eparch.sdk.engine.attempts import Shared
from eparch.sdk.engine.clock import clock
from eparch.sdk.engine.decisions import flow_state
from eparch.sdk.engine.driver import Driver
from eparch.sdk.engine.flow_handlers import entered, finished
from eparch.sdk.engine.known_states import known_states
from eparch.sdk.engine.log_shipping import shipping
from eparch.sdk.engine.machine import Machine
from eparch.sdk.engine.plan import Plan, compiled
from eparch.sdk.engine.reporting import TaskReporting
from eparch.sdk.engine.run_context import run_context
from eparch.sdk.engine.server_caches import ServerCaches
from eparch.sdk.engine.watching import Interrupter, Watch
from eparch.sdk.errors import FlowError
from eparch.sdk.executors.dask import DaskExecutor
from eparch.sdk.executors.executor import Executor, Stopped
from eparch.sdk.executors.local import LocalExecutor
from eparch.sdk.executors.processes import ProcessExecutor
from eparch.sdk.logs import without_secrets
from eparch.sdk.results.local import LocalResult
from eparch.sdk.secrets import server_secret
from eparch.sdk.state_documents import state_document, state_of_document
from eparch.sdk.states import State
from eparch.sdk.storage.documents import storage_of_document

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow

# A retry or an approval further away is left to another start of the run.
WAIT_S_MAX: Final = 600.0
# How long the server may wait for a slot before it says that there is none.
_SLOT_S: Final = 20.0
# How long a server may be away before the run gives up telling it anything.
PATIENCE_S: Final = 600.0

_logger: Final = logging.getLogger("eparch.flow_run")


@dataclass(slots=True)
class Interruption:
    """How somebody beside the run can end it.

    Attributes:
        end: call it with the name of a state, such as Cancelling; does nothing before the run has begun.
    """

    end: Callable[[str], None] = field(default=lambda _: None)


def run_flow_run(
    flow_run_id: str,
    *,
    client: Client | None = None,
    flow: "Flow | None" = None,
    executor: Executor | None = None,
    watches: bool = True,
    interruption: Interruption | None = None,
) -> State:
    """Carry out a flow run and return the state it is in then; whatever happens, the server is told.

    Args:
        flow: the flow, when it need not be loaded from its storage.
        watches: whether to send heartbeats and to look out for a cancellation; not when somebody else does.
        interruption: filled in, so that whoever watches can end the run.
    Raises:
        ClientError: the server is away, and stays away longer than patience lasts.
    """
    asked = (client or Client()).patient(PATIENCE_S)
    info = flow_run_info(asked, flow_run_id)
    if info.state_name in ("Cancelling", "Cancelled") or _is_over(info):
        return state_of_document(info.state or {"type": "Pending"})
    try:
        built = flow if flow is not None else _loaded(info)
        plan = compiled(built)
        task_ids = _task_ids(info, plan)
    except Exception as error:
        return _failed_to_load(asked, info, error)
    begun = _begin(asked, info, built)
    if begun is not None:
        return begun
    return _Execution(asked, info, built, plan, task_ids, executor).run(watches, interruption)


class _Execution:
    """One program's work on one flow run, from Running to its end."""

    def __init__(
        self,
        client: Client,
        info: FlowRunInfo,
        flow: "Flow",
        plan: Plan,
        task_ids: dict[str, str],
        executor: Executor | None,
    ) -> None:
        self.client, self.info, self.flow, self.plan, self.task_ids = client, info, flow, plan, task_ids
        self.executor: Executor = executor or flow.executor or LocalExecutor()

    def run(self, watches: bool, interruption: Interruption | None) -> State:
        reporting: list[TaskReporting] = []
        reporter = Reporter(
            self.client,
            self.info.id,
            on_refused=lambda place, error: reporting[0].refused(place, error),
            on_queued=lambda place: reporting[0].queued(place),
        )
        with shipping(reporter, self.task_ids):
            machine = Machine(self.plan, *known_states(self.client, self.info, self.plan, self.task_ids))
            values = self._context()
            shared = self._shared(values)
            driver = Driver(
                machine,
                shared,
                self.executor,
                clock.get(),
                ServerCaches(self.client, self.task_ids),
                wait_s_max=WAIT_S_MAX,
            )
            watcher = TaskReporting(
                self.client,
                reporter,
                self.task_ids,
                self.info.task_runs,
                driver.events,
                is_version_locked=self.info.is_version_locked,
                limited_tags=limited_tags(self.client) if any(step.task.tags for step in self.plan.steps) else set(),
                sends_away=isinstance(self.executor, ProcessExecutor | DaskExecutor),
            )
            reporting.append(watcher)
            driver.watch(watcher)
            ends: list[str] = []
            interrupter = Interrupter(driver.noticed)

            def end(state: str) -> None:
                ends.append(state)
                driver.events.put(Stopped(states.Cancelled("Flow run is cancelled")))
                interrupter.interrupt()

            if interruption is not None:
                interruption.end = end
            watch = Watch(self.client.patient(0.0), self.info.id, end) if watches else None
            try:
                with showing(values):
                    state = self._driven(driver, machine, ends, interrupter)
            finally:
                interrupter.end()
                if watch is not None:
                    watch.close()
            _logger.info("Flow run %s ends in %s: %s", self.info.name, type(state).__name__, state.message)
            reporter.flush()
            if not ends and driver.notice_stop():
                # The server has refused what was told last.
                state = self._stopped(driver)
        try:
            return self._told(state, bool(ends) or driver.stopped is not None)
        finally:
            reporter.close()

    # ---- before ----

    def _context(self) -> dict[str, Any]:
        defaults = {parameter.name: parameter.default for parameter in self.flow.parameters()}
        return run_context(
            flow_name=self.info.flow_name,
            now=clock.get().now(),
            parameters={**defaults, **self.info.parameters},
            flow_run_id=self.info.id,
            flow_run_name=self.info.name,
            flow_id=self.info.flow_id,
            scheduled_start_time=self.info.scheduled_start_time,
            further={
                "project_name": self.info.project_name,
                "api_url": self.client.api_url,
                "ask_secret": server_secret,
                **self.info.context,
            },
        )

    def _shared(self, values: dict[str, Any]) -> Shared:
        return Shared(
            tasks=[step.task for step in self.plan.steps],
            slugs=[step.slug for step in self.plan.steps],
            context=values,
            result=self.flow.result if self.flow.result is not None else LocalResult(),
            keeps_all=True,
            log_prints=self.flow.log_prints,
            tells_all=True,
            timeouts_apart=self.executor.ends_timeouts,
        )

    # ---- the run and its end ----

    def _driven(self, driver: Driver, machine: Machine, ends: list[str], interrupter: Interrupter) -> State:
        _logger.info("Flow run %s of flow %r starts", self.info.name, self.info.flow_name)
        try:
            flow_checks.parameters(self.flow, self.info.parameters)
            driver.run()
            interrupter.end()
        except KeyboardInterrupt:
            interrupter.end()
            how = "Flow run is cancelled" if ends else "Flow run was interrupted at the terminal"
            return states.Cancelled(f"{how}: the task in progress was interrupted.")
        except Exception as error:
            _logger.error("Flow run %s: error outside its tasks", self.info.name, exc_info=error)
            return states.Failed(f"The flow run could not go on: {error}", result=error)
        if driver.stopped is not None:
            return self._stopped(driver)
        references = [machine.states[index] for index in self.plan.references]
        state = flow_state(references, machine.unfinished_count())
        state.result = {
            step.task: found if (found := machine.states[step.index]) is not None else states.Pending()
            for step in self.plan.steps
        }
        return state if state.is_running() else finished(self.flow, states.Running("Running flow."), state)

    def _stopped(self, driver: Driver) -> State:
        assert driver.stopped is not None
        left = driver.left_count
        how = "" if not left else f"; {left} of its tasks could not be stopped and go on by themselves"
        cancelled = states.Cancelled(f"Flow run is cancelled: its tasks were interrupted{how}.")
        if not isinstance(driver.stopped, states.ClientFailed):
            return cancelled
        # A wish to cancel may show first in a refusal; otherwise the server has a reason of its own.
        is_wished = flow_run_state(self.client, self.info.id) == "Cancelling"
        return cancelled if is_wished else states.Failed(driver.stopped.message)

    def _told(self, state: State, is_ended: bool) -> State:
        """Tell the server the end of the run, unless the run has been ended there already or goes on later."""
        if state.is_running():
            return state
        if is_ended:
            # What ended it from outside may be a wish to cancel, which is ours to fulfil, or an end that stands.
            current = flow_run_state(self.client, self.info.id)
            if current is None or current in FINISHED:
                return states.CLASSES[current or "Cancelled"]("The flow run was ended on the server.")
        document = state_document(state)
        if document.get("message"):
            document["message"] = without_secrets(document["message"])
        # Results of a flow run are those of its tasks.
        document["_result"] = {"type": "NoResultType"}
        with contextlib.suppress(VersionConflict):
            set_flow_run_state(self.client, self.info.id, document)
        return state


def _is_over(info: FlowRunInfo) -> bool:
    return info.state is not None and state_of_document(info.state).is_finished()


def _loaded(info: FlowRunInfo) -> "Flow":
    if info.storage is None:
        raise FlowError(f"Flow {info.flow_name!r} was registered without storage.", hint="register it again")
    return storage_of_document(info.storage).get_flow(info.flow_name)


def _task_ids(info: FlowRunInfo, plan: Plan) -> dict[str, str]:
    missing = [step.slug for step in plan.steps if step.slug not in info.slugs]
    if missing:
        raise FlowError(
            f"Flow {info.flow_name!r} has the task {missing[0]!r}, which the registered version has not.",
            hint="its code has changed since; register it again",
        )
    return info.slugs


def _failed_to_load(client: Client, info: FlowRunInfo, error: Exception) -> State:
    hint = getattr(error, "hint", "")
    state = states.Failed(f"Failed to load and execute flow run: {error}{f' Hint: {hint}' if hint else ''}")
    _logger.error("Flow run %s: %s", info.name, state.message)
    line = {"flow_run_id": info.id, "name": "eparch.flow_run", "level": "ERROR", "message": state.message}
    with contextlib.suppress(Refused):
        client.change("write_run_logs", {"logs": [line]}, "success")
    set_flow_run_state(client, info.id, state_document(state))
    return state


def _begin(client: Client, info: FlowRunInfo, flow: "Flow") -> State | None:
    """Let the flow run enter Running; return None when it has, otherwise the state it is in."""
    if info.state_name == "Running":
        return None
    before = state_of_document(info.state or {"type": "Pending"})
    running = entered(flow, before, states.Running("Running flow."))
    # Tells our own start from somebody else's when the answer to it was lost.
    running.context = {**(running.context or {}), "program": uuid4().hex}
    version = info.version if info.is_version_locked else None
    while True:
        try:
            answer = set_flow_run_state(client, info.id, state_document(running), version, wait_s=_SLOT_S)
        except VersionConflict as error:
            now = flow_run_info(client, info.id).state or {}
            if (now.get("context") or {}).get("program") == running.context["program"]:
                return None
            return states.Running(f"Somebody else carries this flow run out: {error.message}")
        except Refused as error:
            current = flow_run_state(client, info.id)
            if current is None or current in FINISHED:
                return states.CLASSES[current or "Cancelled"]("The flow run was ended on the server.")
            return states.ClientFailed(f"The flow run may not start: {error.message}", state=running)
        if answer["status"] != "QUEUED":
            return None if running.is_running() else running
        _logger.info("Flow run %s waits for a slot: %s", info.name, answer.get("message"))
        version = answer["version"] if info.is_version_locked else None
