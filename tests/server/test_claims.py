"""Agents that wait for runs: each run goes to one, at the instant it is due, and to nobody who has left."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from eparch.core.offers import RETRY_GRACE
from tests.server.agents import CLAIM, Agent
from tests.server.making import make_flow, make_run, mutate
from tests.server.socket_client import SocketClient
from tests.server.wire import ask
from tests.server_process import ServerProcess


def claim(server: ServerProcess, labels: Sequence[str], **more: Any) -> list[str]:
    """Return the ids of the runs that an agent gets which does not wait."""
    answer = mutate(server, "claim_flow_runs", "flow_runs { id }", labels=list(labels), **more)
    return [run["id"] for run in answer["flow_runs"]]


def state_of(server: ServerProcess, run_id: str) -> str:
    found = ask(server.port, "query ($r: uuid!) { flow_run_by_pk(id: $r) { state } }", {"r": run_id}).json()
    state: str = found["data"]["flow_run_by_pk"]["state"]
    return state


def test_a_waiting_agent_gets_a_new_run_at_once(each_server: ServerProcess) -> None:
    flow_id, agent = make_flow(each_server), Agent(each_server)
    agent.wait(60)
    start = time.monotonic()
    run_id = make_run(each_server, flow_id, labels=agent.labels)
    assert agent.receive() == [run_id]
    assert time.monotonic() - start < 5
    assert state_of(each_server, run_id) == "Submitted"
    agent.close()


def test_it_gets_a_scheduled_run_when_it_is_due_and_not_before(each_server: ServerProcess) -> None:
    flow_id, agent = make_flow(each_server), Agent(each_server)
    due = datetime.now(UTC) + timedelta(seconds=3)
    run_id = make_run(each_server, flow_id, labels=agent.labels, due=due)
    agent.wait(60)
    assert datetime.now(UTC) < due, "this machine is too slow for this test"
    assert agent.receive() == [run_id]
    assert due <= datetime.now(UTC) < due + timedelta(seconds=5)
    agent.close()


def test_it_may_look_ahead(each_server: ServerProcess) -> None:
    flow_id, agent = make_flow(each_server), Agent(each_server)
    agent.wait(60, prefetch_s=600)
    run_id = make_run(each_server, flow_id, labels=agent.labels, due=datetime.now(UTC) + timedelta(seconds=500))
    assert agent.receive() == [run_id]
    agent.close()


def test_a_run_that_was_to_come_later_is_handed_out_when_it_is_moved_forward(each_server: ServerProcess) -> None:
    flow_id, agent = make_flow(each_server), Agent(each_server)
    run_id = make_run(each_server, flow_id, labels=agent.labels, due=datetime.now(UTC) + timedelta(hours=1))
    agent.wait(60)
    state = {"type": "Scheduled", "message": "Now.", "start_time": datetime.now(UTC).isoformat()}
    mutate(each_server, "set_flow_run_states", "states { status }", states=[{"flow_run_id": run_id, "state": state}])
    assert agent.receive() == [run_id]
    agent.close()


def test_it_gets_a_run_whose_task_is_to_be_retried_when_that_is_due(each_server: ServerProcess) -> None:
    flow_id, agent = make_flow(each_server), Agent(each_server)
    run_id = make_run(each_server, flow_id, labels=agent.labels)
    assert claim(each_server, agent.labels) == [run_id]

    def set_state(kind: str, thing_id: str, **state: Any) -> None:
        states = [{f"{kind}_id": thing_id, "state": state}]
        mutate(each_server, f"set_{kind}_states", "states { status }", states=states)

    set_state("flow_run", run_id, type="Running")
    find = "query ($r: uuid) { task_run(where: {flow_run_id: {_eq: $r}}, limit: 1) { id } }"
    (task_run,) = ask(each_server.port, find, {"r": run_id}).json()["data"]["task_run"]
    # A process that lives makes its retries itself, so the run is offered a little later.
    due = datetime.now(UTC) + timedelta(seconds=3)
    set_state("task_run", task_run["id"], type="Running")
    set_state("task_run", task_run["id"], type="Retrying", start_time=(due - RETRY_GRACE).isoformat())
    agent.wait(60)
    assert agent.receive() == [run_id]
    assert due <= datetime.now(UTC) < due + timedelta(seconds=5)
    agent.close()


def test_an_agent_is_answered_when_its_time_is_up(each_server: ServerProcess) -> None:
    agent = Agent(each_server)
    start = time.monotonic()
    agent.wait(0.5)
    assert agent.receive() == []
    assert 0.5 <= time.monotonic() - start < 5
    agent.close()


def test_an_agent_that_has_left_takes_no_run_with_it(each_server: ServerProcess) -> None:
    flow_id, agent = make_flow(each_server), Agent(each_server)
    for _ in range(5):
        leaver = Agent(each_server, agent.labels)
        leaver.wait(60)
        leaver.close()
        run_id = make_run(each_server, flow_id, labels=agent.labels)
        assert state_of(each_server, run_id) == "Scheduled"
        assert claim(each_server, agent.labels) == [run_id]
    agent.close()


@pytest.mark.parametrize("way", ["complete", "close"])
def test_nor_does_one_that_has_left_a_websocket(each_server: ServerProcess, way: str) -> None:
    flow_id, labels = make_flow(each_server), [str(uuid4())]
    with SocketClient(each_server.port) as client:
        client.subscribe("c", CLAIM, {"i": {"labels": labels, "wait_s": 60}})
        client.check_silence()
        if way == "close":
            client.connection.close()
        else:
            client.send("complete", "c")
            client.check_silence()
        run_id = make_run(each_server, flow_id, labels=labels)
        assert claim(each_server, labels) == [run_id]


def test_of_two_waiting_agents_one_gets_a_run(each_server: ServerProcess) -> None:
    flow_id, first = make_flow(each_server), Agent(each_server)
    second = Agent(each_server, first.labels)
    first.wait(3)
    second.wait(3)
    run_id = make_run(each_server, flow_id, labels=first.labels)
    assert sorted([first.receive(), second.receive()]) == [[], [run_id]]
    for agent in (first, second):
        agent.close()


def test_many_runs_go_to_many_waiting_agents_once_each(each_server: ServerProcess) -> None:
    flow_id, labels = make_flow(each_server), [str(uuid4())]
    agents = [Agent(each_server, labels) for _ in range(20)]
    for agent in agents:
        agent.wait(60, limit=1)
    made = [make_run(each_server, flow_id, labels=labels) for _ in agents]
    taken = [agent.receive() for agent in agents]
    assert all(len(runs) == 1 for runs in taken)
    assert sorted(run for (run,) in taken) == sorted(made)
    for agent in agents:
        agent.close()


def test_an_agent_is_not_given_runs_with_labels_that_it_lacks(each_server: ServerProcess) -> None:
    flow_id, agent = make_flow(each_server), Agent(each_server)
    agent.wait(60)
    others = make_run(each_server, flow_id, labels=[*agent.labels, "gpu"])
    own = make_run(each_server, flow_id, labels=agent.labels)
    assert agent.receive() == [own]
    assert state_of(each_server, others) == "Scheduled"
    agent.close()
