"""Flows that start flows, wait for them, and read what their tasks have left."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from eparch import Flow, Parameter, context, task
from eparch.flow_runs import (
    FlowRunView,
    StartFlowRun,
    create_flow_run,
    get_task_run_result,
    run_flow,
    wait_for_flow_run,
)
from eparch.testing import TemporaryServer
from tests.sdk.server.rows import flow_run, task_runs


@task
def double(x: int) -> int:
    if x > 100:
        raise ValueError(f"{x} is too much")
    return 2 * x


with Flow("child") as child:
    double.map([Parameter("x"), 1])


@pytest.fixture
def agent(server: TemporaryServer) -> Iterator[list[str]]:
    """Carries out every run of the child in this process, as an agent would; gives the ids of the runs."""
    server.register(child)
    done: list[str] = []
    stop = threading.Event()
    queued = """query { flow_run(where: {flow: {name: {_eq: "child"}}, state: {_eq: "Scheduled"}}) { id } }"""

    def work() -> None:
        while not stop.wait(0.02):
            for row in server.client.ask(queued)["flow_run"]:
                server.carry_out(row["id"], child)
                done.append(row["id"])

    thread = threading.Thread(target=work)
    thread.start()
    yield done
    stop.set()
    thread.join()


def test_a_flow_makes_a_run_waits_for_it_and_reads_a_result(server: TemporaryServer, agent: list[str]) -> None:
    with Flow("parent") as parent:
        run_id = create_flow_run(flow_name="child", project_name="tests", parameters={"x": 4}, labels=["none"])
        ended = wait_for_flow_run(run_id, stream_logs=True, raise_final_state=True)
        every: Any = get_task_run_result(run_id, "double-1", upstream_tasks=[ended])
        first: Any = get_task_run_result(run_id, "double-1", map_index=0)
    state = server.run(parent)
    assert state.is_successful(), state.result
    assert state.result[every].result == [8, 2]
    assert state.result[first].result == 8
    view = state.result[ended].result
    assert isinstance(view, FlowRunView)
    assert (view.state.is_successful(), view.flow_name, view.parameters, view.labels) == (
        True,
        "child",
        {"x": 4},
        ["none"],
    )
    assert view.name.endswith("-child")
    assert any("starts" in line.message for line in view.get_logs())
    with pytest.raises(ValueError, match="has no task 'gone-1'"):
        view.get_task_run("gone-1")


def test_a_run_that_does_not_end_well_fails_the_task_that_waits_for_it(
    server: TemporaryServer, agent: list[str]
) -> None:
    with Flow("parent of a failure") as parent:
        run_flow("child", "tests", parameters={"x": 101})
        StartFlowRun(flow_name="child", project_name="tests", parameters={"x": 102}, wait=True)()
        waited = wait_for_flow_run(create_flow_run(flow_name="child", parameters={"x": 103}))
    run_id = server.create_run(parent)
    state = server.carry_out(run_id, parent)
    row = flow_run(server, run_id)
    for slug in ("run_flow-1", "StartFlowRun-1"):
        (one,) = task_runs(row, slug)
        assert one["state"] == "Failed"
        assert "of flow 'child' ended in Failed: " in one["serialized_state"]["message"]
    assert state.result[waited].is_successful()
    assert state.result[waited].result.state.is_failed()


def test_a_second_attempt_makes_no_second_run(server: TemporaryServer, agent: list[str]) -> None:
    made: list[str] = []

    @task(max_retries=1)
    def twice() -> str:
        made.append(create_flow_run.run(flow_name="child", parameters={"x": 1}))
        if context.task_run_count == 1:
            raise ConnectionError("after the run was made")
        return made[-1]

    with Flow("parent that tries again") as parent:
        first, second = twice(), twice()
        wait_for_flow_run(first)
        wait_for_flow_run(second)
    assert server.run(parent).is_successful()
    assert (len(made), len(set(made))) == (4, 2)
    assert sorted(agent) == sorted(set(made))


def test_a_flow_that_is_not_there_is_named_with_one_that_is(server: TemporaryServer) -> None:
    server.register(child)
    with Flow("parent of nothing") as parent:
        made: Any = create_flow_run(flow_name="chil")
    error = server.run(parent).result[made].result
    assert str(error) == "There is no flow 'chil'."
    assert error.hint == "did you mean 'child'?"


def test_waiting_for_oneself_is_noticed(server: TemporaryServer) -> None:
    @task
    def own_id() -> str:
        return str(context.flow_run_id)

    with Flow("narcissus") as flow:
        mine: Any = get_task_run_result(own_id(), "own_id-1")
    assert "would never come" in str(server.run(flow).result[mine].result)
