"""Random programs of states on both databases, against a model that knows the rules in its own words."""

from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eparch.core.errors import StateUpdateFailed
from eparch.database.tables import flow_run, flow_run_state, task_run, task_run_state
from tests.operations.backend import Backend
from tests.operations.conftest import backend
from tests.operations.small_flow import make_flow, set_state, set_task_state

__all__ = ["backend"]

WAITING = {"Scheduled", "Paused", "Resume", "Retrying", "Queued"}
ENDED = {
    *("Finished", "Looped", "Success", "Cached", "Mapped", "Skipped"),
    *("Cancelled", "Failed", "TimedOut", "TriggerFailed", "ValidationFailed"),
}
NAMES = sorted(WAITING | ENDED | {"Pending", "Submitted", "Running", "Cancelling", "ClientFailed"})

# A step: on the flow run (None) or on one of its two task runs, the state, and how many of a second pass before.
STEPS = st.lists(st.tuples(st.sampled_from([None, 0, 1]), st.sampled_from(NAMES), st.integers(0, 3)), max_size=12)


@dataclass
class Model:
    """A run as it should be."""

    state: str
    version: int = 1
    started: datetime | None = None
    ended: datetime | None = None
    history: list[str] = field(default_factory=list)

    def enter(self, state: str, now: datetime) -> None:
        self.state = state
        self.version += 1
        self.history.append(state)
        if state == "Running" and self.started is None:
            self.started = now
        self.ended = now if state in ENDED else None


@given(STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_program_of_states_leaves_what_the_model_says(
    backend: Backend,
    steps: list[tuple[int | None, str, int]],
) -> None:
    run_id = backend.run("create_flow_run", flow_id=make_flow(backend)["id"])["id"]
    task_run_ids = [row["id"] for row in backend.rows(task_run, flow_run_id=run_id)]
    flow = Model("Scheduled", history=["Scheduled"])
    tasks = [Model("Pending", history=["Pending"]) for _ in task_run_ids]
    for target, name, seconds in steps:
        now = backend.move_clock(seconds=seconds)
        try:
            if target is None:
                set_state(backend, run_id, name)
                is_taken = True
            else:
                set_task_state(backend, task_run_ids[target], name)
                is_taken = True
        except StateUpdateFailed:
            is_taken = False
        if target is None:
            assert is_taken == (name != "Submitted" or flow.state in WAITING)
            if is_taken:
                if name == "Cancelled":
                    for task in tasks:
                        if task.state not in ENDED:
                            task.enter("Cancelled", now)
                flow.enter(name, now)
        else:
            assert is_taken == (name not in {"Running", "Cancelling"} or flow.state == "Running")
            if is_taken:
                tasks[target].enter(name, now)
    check(backend, flow, run_id, is_flow_run=True)
    for task, task_run_id in zip(tasks, task_run_ids, strict=True):
        check(backend, task, task_run_id, is_flow_run=False)


def check(backend: Backend, model: Model, run_id: str, *, is_flow_run: bool) -> None:
    row = backend.row(flow_run if is_flow_run else task_run, run_id)
    assert (row["state"], row["version"]) == (model.state, model.version)
    assert (row["start_time"], row["end_time"]) == (model.started, model.ended)
    states, key = (flow_run_state, "flow_run_id") if is_flow_run else (task_run_state, "task_run_id")
    history = sorted(backend.rows(states, **{key: run_id}), key=lambda state: state["version"])
    assert [state["state"] for state in history] == model.history
    assert [state["version"] for state in history] == list(range(1, model.version + 1))
