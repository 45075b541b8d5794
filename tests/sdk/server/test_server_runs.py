"""A run that the server knows: every state of every task arrives, in order."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from eparch import Flow, task
from eparch.executors import LocalExecutor, ProcessExecutor, ThreadExecutor
from eparch.sdk.engine.server_run import run_flow_run
from eparch.states import Success
from eparch.testing import TemporaryServer
from tests.sdk.server.flows import everything, inc
from tests.sdk.server.rows import flow_run, history, task_runs


@pytest.mark.parametrize(
    "executor", [LocalExecutor(), ThreadExecutor(4), ProcessExecutor(2)], ids=["local", "threads", "processes"]
)
def test_every_state_arrives_in_order(server: TemporaryServer, executor: Any) -> None:
    flow = everything()
    run_id = server.create_run(flow, x=10)
    state = run_flow_run(run_id, client=server.client, flow=flow, executor=executor)
    assert isinstance(state, Success)
    row = flow_run(server, run_id)
    assert [entry["state"] for entry in row["states"]] == ["Scheduled", "Running", "Success"]
    found = {slug: [history(one) for one in task_runs(row, slug)] for slug in flow.slugs.values()}
    plain = ["Pending", "Running", "Success"]
    assert found["inc-1"] == [["Pending", "Mapped"], plain, plain, plain]
    assert found["total-1"] == [plain]
    assert found["flaky-1"] == [["Pending", "Running", "Failed", "Retrying", "Running", "Success"]]
    assert found["cached-1"][0][-2:] in (["Success", "Cached"], ["Pending", "Cached"])
    assert found["loops-1"] == [["Pending", "Running", "Looped", "Running", "Success"]]
    assert found["x"] == [["Pending", "Success"]]
    (named,) = task_runs(row, "named-1")
    assert named["name"] == "called 10"
    assert next(s.result for t, s in state.result.items() if t.name == "named") == named["id"]
    logged = [line for line in row["logs"] if line["message"] == f"my id is {named['id']}"]
    assert [line["task_run_id"] for line in logged] == [named["id"]]
    assert any("ConnectionError: at first" in line["message"] for line in row["logs"])


def test_ten_thousand_children_arrive(server: TemporaryServer) -> None:
    with Flow("wide", executor=ThreadExecutor()) as flow:
        inc.map(list(range(10_000)))
    run_id = server.create_run(flow)
    assert run_flow_run(run_id, client=server.client, flow=flow).is_successful()
    counted = server.client.ask(
        """query($id: uuid!) { task_run_aggregate(
             where: {flow_run_id: {_eq: $id}, map_index: {_gte: 0}, state: {_eq: "Success"}, version: {_eq: 3}})
           { aggregate { count } } }""",
        {"id": run_id},
    )
    assert counted["task_run_aggregate"]["aggregate"]["count"] == 10_000


@pytest.mark.parametrize(
    "executor", [LocalExecutor(), ThreadExecutor(1), ProcessExecutor(1)], ids=["local", "threads", "processes"]
)
def test_the_server_knows_that_a_task_runs_while_it_runs(
    server: TemporaryServer, tmp_path: Path, executor: Any
) -> None:
    seen = tmp_path / "seen"

    @task
    def waits_to_be_seen() -> None:
        until = time.monotonic() + 60
        while not seen.exists() and time.monotonic() < until:
            time.sleep(0.01)

    with Flow("seen") as flow:
        waits_to_be_seen()
    run_id = server.create_run(flow)

    def look() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if [one["state"] for one in flow_run(server, run_id)["task_runs"]] == ["Running"]:
                seen.touch()
                return

    looker = threading.Thread(target=look)
    looker.start()
    assert run_flow_run(run_id, client=server.client, flow=flow, executor=executor).is_successful()
    looker.join()
    assert seen.exists()
