"""Limits of flow runs by label: taken with the submission, held to the end, never more handed out than are free."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput, StateUpdateFailed
from eparch.core.rescue import RescueRules
from eparch.database.tables import flow_run, flow_run_state, flow_run_waiter
from eparch.operations.queue_pause import look_at_tenant
from eparch.operations.rescue import resurrect
from tests.operations.backend import OTHER_TENANT, TENANT, Backend
from tests.operations.limit_world import ask_flow, check_slots, flow_holders, limit_flows, woken
from tests.operations.small_flow import make_flow, set_state


@pytest.fixture
def flow_id(backend: Backend) -> str:
    return str(make_flow(backend, tasks=1)["id"])


def make_runs(backend: Backend, flow_id: str, count: int, *labels: str, **given: Any) -> list[str]:
    """Make labelled runs, each due a second after the one before and all of them now."""
    return [
        backend.run(
            "create_flow_run",
            flow_id=flow_id,
            labels=list(labels),
            **({"scheduled_start_time": backend.now - timedelta(minutes=5) + timedelta(seconds=index)} | given),
        )["id"]
        for index in range(count)
    ]


def queue(backend: Backend, *labels: str) -> list[str]:
    return list(backend.run("get_runs_in_queue", labels=list(labels))["flow_run_ids"])


def claim(backend: Backend, *labels: str, **given: Any) -> list[str]:
    return [run["id"] for run in backend.run("claim_flow_runs", labels=list(labels), **given)["flow_runs"]]


def test_no_more_runs_are_offered_than_slots_are_free(backend: Backend, flow_id: str) -> None:
    runs = make_runs(backend, flow_id, 5, "gpu")
    limit_id = limit_flows(backend, "gpu", 2)
    assert queue(backend, "gpu") == runs[:2]
    set_state(backend, runs[0], "Submitted")
    assert flow_holders(backend, limit_id) == {runs[0]}
    assert queue(backend, "gpu") == runs[1:2]
    set_state(backend, runs[1], "Submitted")
    assert queue(backend, "gpu") == []
    with pytest.raises(StateUpdateFailed, match=r"free slot of the concurrency limit 'gpu' \(2 of 2"):
        set_state(backend, runs[2], "Submitted")
    set_state(backend, runs[0], "Running")
    set_state(backend, runs[0], "Success")
    assert "queue" in backend.touched
    assert queue(backend, "gpu") == [runs[2]]
    check_slots(backend)


def test_an_agent_claims_no_more_runs_than_slots_are_free(backend: Backend, flow_id: str) -> None:
    runs = make_runs(backend, flow_id, 5, "gpu")
    limit_id = limit_flows(backend, "gpu", 2)
    assert claim(backend, "gpu") == runs[:2]
    assert claim(backend, "gpu") == []
    assert flow_holders(backend, limit_id) == set(runs[:2])
    set_state(backend, runs[1], "Failed")
    assert claim(backend, "gpu") == [runs[2]]
    check_slots(backend)


def test_runs_that_wait_for_a_slot_hide_no_others(backend: Backend, flow_id: str) -> None:
    make_runs(backend, flow_id, 60, "gpu", "big")
    others = make_runs(backend, flow_id, 3, "gpu")
    make_runs(backend, flow_id, 1, "big")
    limit_flows(backend, "big", 1)
    offered = queue(backend, "gpu", "big")
    assert (len(offered), set(others) <= set(offered)) == (4, True)
    assert len(claim(backend, "gpu", "big", limit=10)) == 4


def test_all_of_a_runs_limits_must_have_a_free_slot(backend: Backend, flow_id: str) -> None:
    both = make_runs(backend, flow_id, 1, "gpu", "big")
    limit_flows(backend, "gpu", 1)
    big = limit_flows(backend, "big", 0)
    assert claim(backend, "gpu", "big") == []
    limit_flows(backend, "big", 1)
    assert claim(backend, "gpu", "big") == both
    assert flow_holders(backend, big) == set(both)


def test_runs_with_a_higher_priority_come_first(backend: Backend, flow_id: str) -> None:
    low, middle, high = (make_runs(backend, flow_id, 1, "gpu", priority=priority)[0] for priority in (-1, 0, 7))
    limit_flows(backend, "gpu", 1)
    assert queue(backend, "gpu") == [high]
    assert backend.run("set_flow_run_priority", flow_run_id=low, priority=8) == {"success": True}
    assert claim(backend, "gpu") == [low]
    backend.run("delete_flow_concurrency_limit", limit_id=limit_flows(backend, "gpu", 1))
    assert claim(backend, "gpu") == [high, middle]
    with pytest.raises(BadInput, match="priority of 2000000"):
        backend.run("set_flow_run_priority", flow_run_id=low, priority=2_000_000)


def test_a_limit_may_count_only_runs_that_are_running(backend: Backend, flow_id: str) -> None:
    first, second = make_runs(backend, flow_id, 2, "gpu")
    limit_id = limit_flows(backend, "gpu", 1, counts_submitted=False)
    assert claim(backend, "gpu") == [first]
    assert claim(backend, "gpu") == [second]
    assert flow_holders(backend, limit_id) == set()
    assert [ask_flow(backend, run_id) for run_id in (first, second)] == ["SUCCESS", "QUEUED"]
    assert flow_holders(backend, limit_id) == {first}
    # Setting the number alone leaves the rest as it is.
    limit_flows(backend, "gpu", 0)
    assert not backend.rows(flow_run.metadata.tables["flow_concurrency_limit"])[0]["counts_submitted"]
    assert backend.row(flow_run, second)["serialized_state"]["state"]["type"] == "Scheduled"
    check_slots(backend)


@pytest.mark.parametrize("state", ["Scheduled", "Success", "Failed", "Cancelled", "Paused", "Pending"])
def test_a_slot_is_given_back_by_any_state_that_is_not_carried_out(backend: Backend, flow_id: str, state: str) -> None:
    (run_id,) = make_runs(backend, flow_id, 1, "gpu")
    limit_id = limit_flows(backend, "gpu", 1)
    for held in ("Submitted", "Running", "Cancelling"):
        set_state(backend, run_id, held)
        assert flow_holders(backend, limit_id) == {run_id}
    set_state(backend, run_id, state)
    assert flow_holders(backend, limit_id) == set()


def test_a_run_that_starts_by_itself_waits_for_its_slot(backend: Backend, flow_id: str) -> None:
    first, second = make_runs(backend, flow_id, 2, "gpu")
    limit_id = limit_flows(backend, "gpu", 1)
    assert ask_flow(backend, first) == "SUCCESS"
    assert ask_flow(backend, second, wait_s=30.0) == "QUEUED"
    row = backend.row(flow_run, second)
    assert (row["state"], row["state_start_time"]) == ("Queued", backend.now + timedelta(minutes=10))
    set_state(backend, first, "Success")
    assert woken(backend) == {second}
    # It has begun already: no agent is offered it, nor anybody its slot.
    (third,) = make_runs(backend, flow_id, 1, "gpu", scheduled_start_time=backend.now)
    assert claim(backend, "gpu") == []
    assert ask_flow(backend, second) == "SUCCESS"
    assert flow_holders(backend, limit_id) == {second}
    assert backend.row(flow_run, third)["state"] == "Scheduled"
    check_slots(backend)


def test_cancelling_a_run_that_waits_takes_it_out_of_the_line(backend: Backend, flow_id: str) -> None:
    (run_id,) = make_runs(backend, flow_id, 1, "gpu")
    limit_flows(backend, "gpu", 0)
    assert ask_flow(backend, run_id, wait_s=30.0) == "QUEUED"
    assert backend.run("cancel_flow_run", flow_run_id=run_id) == {"state": "Cancelled"}
    assert woken(backend) == {run_id}
    assert backend.count(flow_run_waiter) == 0
    version = backend.row(flow_run, run_id)["version"]
    again = {"flow_run_id": run_id, "state": {"type": "Running"}, "only_at": version - 1}
    with pytest.raises(StateUpdateFailed, match="it has moved on while it waited for a slot: it is Cancelled now"):
        backend.run("set_flow_run_states", states=[again])


def test_a_run_whose_process_died_in_the_line_is_offered_to_agents_again(backend: Backend, flow_id: str) -> None:
    (run_id,) = make_runs(backend, flow_id, 1, "gpu")
    limit_flows(backend, "gpu", 0)
    assert ask_flow(backend, run_id) == "QUEUED"
    limit_flows(backend, "gpu", 1)
    assert queue(backend, "gpu") == []
    backend.move_clock(minutes=10)
    assert queue(backend, "gpu") == [run_id]
    states = sorted(backend.rows(flow_run_state, flow_run_id=run_id), key=lambda state: state["version"])
    assert [state["state"] for state in states] == ["Scheduled", "Queued", "Scheduled"]
    assert backend.count(flow_run_waiter) == 0
    set_state(backend, run_id, "Submitted")


def test_a_run_that_is_resurrected_gives_its_slot_to_the_next(backend: Backend, flow_id: str) -> None:
    first, second = make_runs(backend, flow_id, 2, "gpu")
    limit_id = limit_flows(backend, "gpu", 1)
    assert claim(backend, "gpu") == [first]
    later = backend.move_clock(minutes=11)
    with backend.transaction() as tx:
        assert resurrect(tx, [first], later, RescueRules()).resurrected == 1
        assert "queue" in tx.touched
    assert flow_holders(backend, limit_id) == set()
    assert claim(backend, "gpu") == [second]


@pytest.mark.parametrize("name", ["delete_flow_run", "delete_flow", "archive_flow"])
def test_deleting_a_run_frees_its_slot(backend: Backend, flow_id: str, name: str) -> None:
    (mine,) = make_runs(backend, flow_id, 1, "gpu")
    other = make_flow(backend, tasks=1)["id"]
    (waiting,) = make_runs(backend, other, 1, "gpu")
    limit_id = limit_flows(backend, "gpu", 1)
    set_state(backend, mine, "Running")
    assert ask_flow(backend, waiting, wait_s=30.0) == "QUEUED"
    backend.run(name, **({"flow_run_id": mine} if name == "delete_flow_run" else {"flow_id": flow_id}))
    # Archiving leaves runs alone that have begun.
    is_freed = name != "archive_flow"
    assert woken(backend) == ({waiting} if is_freed else set())
    assert flow_holders(backend, limit_id) == (set() if is_freed else {mine})


def test_a_new_limit_counts_the_runs_that_are_carried_out(backend: Backend, flow_id: str) -> None:
    submitted, running, cancelling, waiting, other = make_runs(backend, flow_id, 5, "gpu")
    (unlabelled,) = make_runs(backend, flow_id, 1)
    for run_id, names in (
        (submitted, ["Submitted"]),
        (running, ["Running"]),
        (cancelling, ["Running", "Cancelling"]),
        (other, ["Running", "Success"]),
        (unlabelled, ["Running"]),
    ):
        for name in names:
            set_state(backend, run_id, name)
    limit_id = limit_flows(backend, "gpu", 1)
    assert flow_holders(backend, limit_id) == {submitted, running, cancelling}
    assert backend.run("flow_concurrency") == [{"label": "gpu", "usage": 3}]
    assert ask_flow(backend, waiting) == "QUEUED"
    for run_id in (submitted, running, cancelling):
        set_state(backend, run_id, "Failed")
    assert backend.run("flow_concurrency", labels=["gpu"]) == [{"label": "gpu", "usage": 0}]
    check_slots(backend)


def test_a_tenant_without_limits_is_asked_nothing_more(backend: Backend, flow_id: str) -> None:
    limit_flows(backend, "gpu", 1)
    with backend.transaction() as tx:
        assert look_at_tenant(tx, TENANT).has_limits
        assert not look_at_tenant(tx, OTHER_TENANT).has_limits
