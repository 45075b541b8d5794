"""Changes of state, on both databases: what is stored, what is refused, what follows."""

from datetime import timedelta

import pytest

from eparch.core.errors import BadInput, StateUpdateFailed
from eparch.core.principals import Principal
from eparch.database.tables import (
    flow_run,
    flow_run_heartbeat,
    flow_run_state,
    task_run,
    task_run_state,
)
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.small_flow import make_agent, make_flow, set_state, set_task_state


@pytest.fixture
def run_id(backend: Backend) -> str:
    """A flow run with two task runs."""
    return backend.run("create_flow_run", flow_id=make_flow(backend)["id"])["id"]


def task_run_ids(backend: Backend, run_id: str) -> list[str]:
    return [row["id"] for row in backend.rows(task_run, flow_run_id=run_id)]


def test_a_state_is_stored_word_for_word_and_its_columns_are_derived(backend: Backend, run_id: str) -> None:
    backend.move_clock(seconds=1)
    document = {"type": "Running", "message": 'Ünïcode "quoted"\n', "zeta": [1, {"a": None}], "alpha": 1.5}
    payload = backend.run("set_flow_run_states", states=[{"flow_run_id": run_id, "version": 1, "state": document}])
    assert payload == {"states": [{"id": run_id, "status": "SUCCESS", "message": None, "version": 2}]}
    row = backend.row(flow_run, run_id)
    assert row["serialized_state"] == document
    assert list(row["serialized_state"]) == ["type", "message", "zeta", "alpha"]
    assert (row["state"], row["state_message"], row["version"]) == ("Running", document["message"], 2)
    assert (row["state_timestamp"], row["start_time"], row["end_time"]) == (backend.now, backend.now, None)
    assert row["state_start_time"] is None
    assert backend.rows(flow_run_heartbeat, flow_run_id=run_id)[0]["heartbeat"] == backend.now
    assert [state["state"] for state in backend.rows(flow_run_state, flow_run_id=run_id)] == ["Scheduled", "Running"]


def test_a_run_that_ends_and_starts_again_keeps_its_start_and_loses_its_end(backend: Backend, run_id: str) -> None:
    set_state(backend, run_id, "Running")
    started = backend.now
    backend.move_clock(minutes=1)
    set_state(backend, run_id, "Failed")
    assert backend.row(flow_run, run_id)["end_time"] == backend.now
    set_state(backend, run_id, "Scheduled")
    backend.move_clock(minutes=1)
    set_state(backend, run_id, "Running")
    row = backend.row(flow_run, run_id)
    assert (row["start_time"], row["end_time"], row["version"]) == (started, None, 5)


def test_of_two_agents_the_second_is_told_that_the_run_is_taken(backend: Backend, run_id: str) -> None:
    first, second = make_agent(backend), make_agent(backend)
    item = {"states": [{"flow_run_id": run_id, "version": 1, "state": {"type": "Submitted"}}]}
    backend.run("set_flow_run_states", _principal=Principal(TENANT, agent_id=first), **item)
    with pytest.raises(
        StateUpdateFailed, match=rf"State update failed for flow run ID {run_id}: .*already been submitted"
    ):
        backend.run("set_flow_run_states", _principal=Principal(TENANT, agent_id=second), **item)
    row = backend.row(flow_run, run_id)
    assert (row["agent_id"], row["state"], row["version"]) == (first, "Submitted", 2)


def test_two_submissions_that_waited_together_leave_one_winner(backend: Backend, run_id: str) -> None:
    item = {"states": [{"flow_run_id": run_id, "state": {"type": "Submitted"}}]}
    first, second = backend.run_together("set_flow_run_states", [item, item])
    assert first["states"][0]["status"] == "SUCCESS"
    assert isinstance(second, StateUpdateFailed)
    assert backend.count(flow_run_state, flow_run_id=run_id) == 2


def test_an_agent_that_is_gone_is_not_noted(backend: Backend, run_id: str) -> None:
    principal = Principal(TENANT, agent_id=UNKNOWN)
    state = {"type": "Submitted"}
    backend.run("set_flow_run_states", _principal=principal, states=[{"flow_run_id": run_id, "state": state}])
    assert backend.row(flow_run, run_id)["agent_id"] is None


def test_a_call_with_one_bad_state_changes_nothing_and_others_that_waited_with_it_are_carried_out(
    backend: Backend, run_id: str
) -> None:
    first, second = task_run_ids(backend, run_id)
    good = {"states": [{"task_run_id": first, "state": {"type": "Success"}}]}
    bad = {
        "states": [
            {"task_run_id": second, "state": {"type": "Success"}},
            {"task_run_id": UNKNOWN, "state": {"type": "Success"}},
        ]
    }
    strange = {"states": [{"task_run_id": second, "state": {"type": "Strange"}}]}
    outcomes = backend.run_together("set_task_run_states", [bad, good, strange])
    assert isinstance(outcomes[0], StateUpdateFailed)
    assert UNKNOWN in str(outcomes[0])
    assert outcomes[1]["states"][0]["status"] == "SUCCESS"
    assert isinstance(outcomes[2], BadInput)
    assert backend.row(task_run, first)["state"] == "Success"
    assert backend.row(task_run, second)["state"] == "Pending"


def test_many_changes_of_one_run_in_one_batch_are_made_in_order(backend: Backend, run_id: str) -> None:
    set_state(backend, run_id, "Running")
    task_run_id = task_run_ids(backend, run_id)[0]
    names = ["Running", "Failed", "Retrying", "Running", "Success", "Cached"]
    calls = [{"states": [{"task_run_id": task_run_id, "state": {"type": name}}]} for name in names]
    backend.run_together("set_task_run_states", calls)
    states = sorted(backend.rows(task_run_state, task_run_id=task_run_id), key=lambda row: row["version"])
    assert [state["state"] for state in states] == ["Pending", *names]
    assert [state["version"] for state in states] == list(range(1, 8))
    assert backend.row(task_run, task_run_id)["version"] == 7


@pytest.mark.parametrize("flow_state", ["Scheduled", "Submitted", "Cancelling", "Success", "Failed"])
def test_a_task_run_cannot_start_unless_its_flow_run_is_running(backend: Backend, run_id: str, flow_state: str) -> None:
    set_state(backend, run_id, flow_state)
    task_run_id = task_run_ids(backend, run_id)[0]
    with pytest.raises(StateUpdateFailed, match="not in a running state"):
        set_task_state(backend, task_run_id, "Running")
    set_task_state(backend, task_run_id, "Success")


def test_cached_inputs_pass_to_the_next_state_that_has_none(backend: Backend, run_id: str) -> None:
    task_run_id = task_run_ids(backend, run_id)[0]
    inputs = {"x": {"type": "LocalResult", "location": "a"}}
    set_task_state(backend, task_run_id, "Retrying", cached_inputs=inputs)
    set_task_state(backend, task_run_id, "Submitted", cached_inputs={})
    assert backend.row(task_run, task_run_id)["serialized_state"]["cached_inputs"] == inputs
    set_task_state(backend, task_run_id, "Pending", cached_inputs={"y": {"type": "LocalResult"}})
    assert backend.row(task_run, task_run_id)["serialized_state"]["cached_inputs"] == {"y": {"type": "LocalResult"}}


def test_a_state_of_more_than_a_megabyte_is_refused(backend: Backend, run_id: str) -> None:
    with pytest.raises(BadInput, match="State payload is too large"):
        set_state(backend, run_id, "Success", message="x" * 1_000_001)
    assert backend.row(flow_run, run_id)["version"] == 1


def test_a_run_of_another_tenant_is_as_good_as_none(backend: Backend, run_id: str) -> None:
    with pytest.raises(StateUpdateFailed, match=run_id):
        backend.run(
            "set_flow_run_states",
            _principal=Principal(OTHER_TENANT),
            states=[{"flow_run_id": run_id, "state": {"type": "Failed"}}],
        )


def test_the_singular_form_answers_with_the_id(backend: Backend, run_id: str) -> None:
    assert backend.run("set_flow_run_state", flow_run_id=run_id, state={"type": "Running"}) == {"id": run_id}
    task_run_id = task_run_ids(backend, run_id)[0]
    assert backend.run("set_task_run_state", task_run_id=task_run_id, state={"type": "Running"}) == {"id": task_run_id}


@pytest.mark.parametrize(
    ("before", "after", "version"),
    [
        ("Scheduled", "Cancelled", 3),
        ("Submitted", "Cancelled", 3),
        ("Queued", "Cancelled", 3),
        ("Paused", "Cancelled", 3),
        ("Running", "Cancelling", 3),
        ("Cancelling", "Cancelling", 3),
        ("Success", "Success", 2),
        ("Cancelled", "Cancelled", 2),
    ],
)
def test_cancelling_depends_on_how_far_the_run_is(
    backend: Backend, run_id: str, before: str, after: str, version: int
) -> None:
    set_state(backend, run_id, before)
    assert backend.run("cancel_flow_run", flow_run_id=run_id) == {"state": after}
    assert backend.row(flow_run, run_id)["version"] == version


def test_cancelling_what_does_not_exist_says_so(backend: Backend) -> None:
    with pytest.raises(BadInput, match="Invalid flow run ID"):
        backend.run("cancel_flow_run", flow_run_id=UNKNOWN)


def test_unfinished_task_runs_end_with_a_cancelled_flow_run(backend: Backend, run_id: str) -> None:
    set_state(backend, run_id, "Running")
    done, left = task_run_ids(backend, run_id)
    set_task_state(backend, done, "Success")
    set_task_state(backend, left, "Running")
    set_state(backend, run_id, "Cancelled", message="enough")
    assert backend.row(task_run, done)["state"] == "Success"
    assert (backend.row(task_run, left)["state"], backend.row(task_run, left)["state_message"]) == (
        "Cancelled",
        "enough",
    )


def test_heartbeats_are_noted_and_unknown_runs_are_no_error(backend: Backend, run_id: str) -> None:
    later = backend.move_clock(seconds=30)
    calls = [{"flow_run_id": run_id}, {"flow_run_id": UNKNOWN}, {"flow_run_id": run_id}]
    assert backend.run_together("update_flow_run_heartbeat", calls) == [{"success": True}] * 3
    assert [row["heartbeat"] for row in backend.rows(flow_run_heartbeat)] == [later]
    assert backend.run("update_task_run_heartbeat", task_run_id=task_run_ids(backend, run_id)[0]) == {"success": True}


def test_a_waiting_state_is_due_at_its_start_time(backend: Backend, run_id: str) -> None:
    due = backend.now + timedelta(hours=2)
    set_state(backend, run_id, "Scheduled", start_time=due.isoformat())
    assert backend.row(flow_run, run_id)["state_start_time"] == due
    set_state(backend, run_id, "Submitted")
    assert backend.row(flow_run, run_id)["state_start_time"] is None
