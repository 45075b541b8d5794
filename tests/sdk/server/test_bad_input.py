"""What is wrong is said early: at registration, or before the first task, with the name of what is wrong."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eparch import Flow, FlowError, Parameter, task
from eparch.client.client import Client
from eparch.executors import ProcessExecutor
from eparch.run_configs import UniversalRun
from eparch.storage import Local
from eparch.testing import TemporaryServer
from tests.sdk.server.flows import inc
from tests.sdk.server.rows import flow_run


def test_a_task_that_cannot_be_pickled_is_named_at_registration(server: TemporaryServer) -> None:
    lock = threading.Lock()

    @task
    def holds_a_lock() -> bool:
        return lock.locked()

    with Flow("locked", executor=ProcessExecutor()) as flow:
        holds_a_lock()
    with pytest.raises(FlowError, match="holds_a_lock"):
        server.register(flow)


def test_a_default_that_is_no_json_is_named_at_registration(server: TemporaryServer) -> None:
    with Flow("odd default") as flow:
        inc(Parameter("day", default=object()))
    with pytest.raises(FlowError, match="'day'"):
        server.register(flow)


def test_a_generator_is_named_at_registration(server: TemporaryServer) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    with Flow("generates") as flow:
        task(numbers)()
    with pytest.raises(FlowError, match="Task 'numbers' is a generator"):
        server.register(flow)
    with Flow("generates for the next task alone") as flow:
        task(numbers, checkpoint=False)()
    assert server.register(flow)


def test_a_cycle_is_said_at_registration(server: TemporaryServer) -> None:
    with Flow("cycle") as flow:
        first = inc(1)
        second = inc(first)
    flow.set_dependencies(first, upstream_tasks=[second])
    with pytest.raises(FlowError, match="Cycle found"):
        server.register(flow)


def test_a_label_that_no_agent_has_is_warned_of(server: TemporaryServer, caplog: pytest.LogCaptureFixture) -> None:
    agent = Client(server.url)
    made = agent.change("register_agent", {"type": "LocalAgent", "name": "a", "labels": ["cpu"]}, "id")
    # An agent counts from the time it asks for runs.
    agent.with_agent(made["id"]).change(
        "claim_flow_runs", {"labels": ["cpu"], "limit": 1, "wait_s": 0}, "flow_runs { id }"
    )
    with Flow("wants a gpu", run_config=UniversalRun(labels=["gpu"]), storage=Local(add_default_labels=False)) as flow:
        inc(1)
    with caplog.at_level(logging.WARNING):
        server.register(flow)
    assert "No agent takes runs of flow 'wants a gpu': its labels are gpu, and those of the agents are" in caplog.text
    assert "cpu" in caplog.text
    caplog.clear()
    with Flow("fits", run_config=UniversalRun(labels=["cpu"]), storage=Local(add_default_labels=False)) as flow:
        inc(1)
    with caplog.at_level(logging.WARNING):
        server.register(flow)
    assert not caplog.text


def test_a_parameter_that_the_flow_does_not_know_fails_the_run_before_its_first_task(server: TemporaryServer) -> None:
    with Flow("knows its parameters") as flow:
        inc(Parameter("x", default=1))
    run_id = server.create_run(flow, y=1)
    assert server.carry_out(run_id, flow).is_failed()
    row = flow_run(server, run_id)
    assert "'y'" in row["serialized_state"]["message"]
    assert {one["state"] for one in row["task_runs"]} <= {"Pending"}


def test_a_required_parameter_that_is_missing_is_refused(server: TemporaryServer) -> None:
    with Flow("needs a parameter") as flow:
        inc(Parameter("x"))
    with pytest.raises(Exception, match="x"):
        server.create_run(flow)


def test_a_file_without_a_flow_says_so(tmp_path: Path) -> None:
    from eparch.sdk.storage.loading import flow_of_file

    script = tmp_path / "empty.py"
    script.write_text("x = 1\n")
    with pytest.raises(FlowError, match="no flow"):
        flow_of_file(script, "etl")
