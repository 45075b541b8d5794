"""How a run ends that does not simply come to its end: cancelled, ended on the server, refused, fought over."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from eparch import Flow, Parameter, task
from eparch.client.flow_runs import set_flow_run_state
from eparch.executors import LocalExecutor, ProcessExecutor, ThreadExecutor
from eparch.results import PrefectResult
from eparch.sdk.engine.server_run import run_flow_run
from eparch.states import Cancelled, Failed, Running
from eparch.testing import TemporaryServer
from tests.sdk.server.flows import inc
from tests.sdk.server.rows import flow_run, task_runs


@pytest.mark.parametrize(
    "executor", [LocalExecutor(), ThreadExecutor(2), ProcessExecutor(1)], ids=["local", "threads", "processes"]
)
def test_a_run_is_cancelled_within_seconds(server: TemporaryServer, tmp_path: Path, executor: Any) -> None:
    started = tmp_path / "started"

    @task
    def endless() -> None:
        started.touch()
        while True:
            time.sleep(0.01)

    with Flow("endless") as flow:
        inc(1, upstream_tasks=[endless()])
    run_id = server.create_run(flow)

    def cancel() -> None:
        while not started.exists():
            time.sleep(0.01)
        server.client.change("cancel_flow_run", {"flow_run_id": run_id}, "state")

    canceller = threading.Thread(target=cancel)
    canceller.start()
    before = time.monotonic()
    state = run_flow_run(run_id, client=server.client, flow=flow, executor=executor)
    canceller.join()
    assert isinstance(state, Cancelled)
    assert time.monotonic() - before < 20
    row = flow_run(server, run_id)
    assert [entry["state"] for entry in row["states"]][-2:] == ["Cancelling", "Cancelled"]
    assert "interrupted" in row["states"][-1]["message"]
    assert {one["state"] for one in row["task_runs"]} == {"Cancelled"}


def test_a_run_that_was_ended_on_the_server_stops_and_lets_that_end_stand(
    server: TemporaryServer, tmp_path: Path
) -> None:
    started = tmp_path / "started"

    @task
    def slow(x: int) -> int:
        started.touch()
        time.sleep(0.05)
        return x

    with Flow("ended", executor=ThreadExecutor(1)) as flow:
        slow.map(list(range(400)))
    run_id = server.create_run(flow)

    def fail() -> None:
        while not started.exists():
            time.sleep(0.01)
        set_flow_run_state(server.client, run_id, {"type": "Failed", "message": "by hand"})

    failer = threading.Thread(target=fail)
    failer.start()
    assert isinstance(run_flow_run(run_id, client=server.client, flow=flow), Failed)
    failer.join()
    assert flow_run(server, run_id)["serialized_state"]["message"] == "by hand"


def test_a_state_that_the_server_refuses_fails_the_run_and_says_why(server: TemporaryServer) -> None:
    @task(result=PrefectResult())
    def verbose() -> str:
        return "x" * 1_100_000

    with Flow("verbose") as flow:
        verbose()
    run_id = server.create_run(flow)
    assert isinstance(run_flow_run(run_id, client=server.client, flow=flow), Failed)
    row = flow_run(server, run_id)
    assert row["state"] == "Failed"
    assert "State payload is too large" in row["serialized_state"]["message"]


def test_a_long_message_is_cut_and_a_large_parameter_is_no_part_of_its_state(server: TemporaryServer) -> None:
    @task
    def verbose(text: str) -> None:
        raise ValueError(text)

    with Flow("verbose") as flow:
        verbose(Parameter("text"))
    run_id = server.create_run(flow, text="x" * 1_100_000)
    assert isinstance(run_flow_run(run_id, client=server.client, flow=flow), Failed)
    row = flow_run(server, run_id)
    (verbose_run,) = task_runs(row, "verbose-1")
    assert verbose_run["serialized_state"]["message"].endswith("[cut: the message was longer]")
    assert task_runs(row, "text")[0]["state"] == "Success"
    assert any(line["message"].endswith("[cut: the line was longer]") for line in row["logs"])


def test_of_two_programs_one_carries_out_each_task_of_a_version_locked_run(
    server: TemporaryServer, tmp_path: Path
) -> None:
    log = tmp_path / "ran"
    may_end = threading.Event()

    @task
    def noted(x: int) -> int:
        with log.open("a") as file:
            file.write(f"{x}\n")
        # The first two are in progress until the second program has done what is left to it.
        if x < 2:
            may_end.wait(60)
        return x

    with Flow("fought over", executor=ThreadExecutor(2)) as flow:
        noted.map(list(range(20)))
    flow_id = server.register(flow)
    server.client.change("enable_flow_version_lock", {"flow_id": flow_id}, "success")
    run_id = server.client.change("create_flow_run", {"flow_id": flow_id}, "id")["id"]
    states: list[Any] = []
    first = threading.Thread(target=lambda: states.append(server.carry_out(run_id, flow)))
    first.start()
    while not log.exists() or log.read_text().count("\n") < 2:
        time.sleep(0.01)
    second = server.carry_out(run_id, flow)
    assert isinstance(second, Running), "it leaves the end of the run to the one who has the last tasks"
    may_end.set()
    first.join()
    assert sorted(log.read_text().split(), key=int) == [str(x) for x in range(20)]
    assert states[0].is_successful()
    assert flow_run(server, run_id)["state"] == "Success"


def test_a_flow_that_cannot_be_loaded_fails_its_run_and_says_why(server: TemporaryServer, tmp_path: Path) -> None:
    script = tmp_path / "gone.py"
    script.write_text("from eparch import Flow, task\nwith Flow('gone') as f:\n    task(lambda: 1)()\n")
    from eparch.sdk.storage.loading import flow_of_file
    from eparch.storage import Local

    flow = flow_of_file(script, "gone")
    flow.storage = Local(path=script)
    run_id = server.create_run(flow)
    script.unlink()
    assert isinstance(run_flow_run(run_id, client=server.client), Failed)
    row = flow_run(server, run_id)
    assert "Failed to load and execute flow run: The flow file" in row["serialized_state"]["message"]
    assert [line["level"] for line in row["logs"]] == ["ERROR"]


def test_code_that_has_changed_since_its_registration_is_noticed(server: TemporaryServer) -> None:
    with Flow("changed") as before:
        inc(1)
    run_id = server.create_run(before)
    with Flow("changed") as after:
        inc(inc(1))
    assert isinstance(run_flow_run(run_id, client=server.client, flow=after), Failed)
    assert "register it again" in flow_run(server, run_id)["serialized_state"]["message"]
