"""A flow on a real Dask cluster, known to a server."""

import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from eparch import Flow, get_logger, task
from eparch.executors import DaskExecutor
from eparch.testing import TemporaryServer
from tests.sdk.dask_clusters import dask_cluster
from tests.sdk.server.rows import flow_run, history, task_runs

# A cluster leaves sockets of its client to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

COUNT = 1_000


def test_a_worker_is_killed_and_nothing_runs_again_that_was_reported_as_done(
    server: TemporaryServer, tmp_path: Path, unused_port: int
) -> None:
    log = tmp_path / "ran"

    @task
    def noted(x: int) -> int:
        began = time.time()
        time.sleep(0.002)
        # A line this short is appended whole.
        with log.open("a") as file:
            file.write(f"{x} {began}\n")
        get_logger().info("did %d", x)
        return x

    with Flow("wide", executor=DaskExecutor(f"tcp://127.0.0.1:{unused_port}")) as flow:
        noted.map(list(range(COUNT)))
    run_id = server.create_run(flow)
    with dask_cluster(unused_port, 2) as workers:

        def kill() -> None:
            while not log.exists() or log.read_text().count("\n") < COUNT // 3:
                time.sleep(0.005)
            workers[0].kill()

        killer = threading.Thread(target=kill)
        killer.start()
        state = server.carry_out(run_id, flow)
        killer.join()
    assert state.is_successful()
    assert workers[0].returncode == -9
    row = flow_run(server, run_id)
    assert row["state"] == "Success"
    children = [one for one in task_runs(row, "noted-1") if one["map_index"] >= 0]
    assert len(children) == COUNT
    assert {history(one)[-1] for one in children} == {"Success"}
    assert {history(one).count("Success") for one in children} == {1}
    # All of it on one machine, so that the clocks are one.
    query = "query($id: uuid!) { task_run(where: {flow_run_id: {_eq: $id}}) { map_index end_time } }"
    ended = {
        one["map_index"]: datetime.fromisoformat(one["end_time"]).timestamp()
        for one in server.client.ask(query, {"id": run_id})["task_run"]
    }
    for line in log.read_text().splitlines():
        x, began = line.split(" ")
        assert float(began) <= ended[int(x)], f"task {x} ran again after its success was told"
    assert {line["message"] for line in row["logs"]} >= {f"did {x}" for x in range(COUNT)}
