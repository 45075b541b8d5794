"""A server that goes away in the middle of a run: the run goes on, and nothing is missing afterwards."""

import signal
import threading
import time

import pytest

from eparch import Flow, get_logger, task
from eparch.client.client import Client
from eparch.client.errors import ClientError
from eparch.client.reporter import Reporter
from eparch.executors import ThreadExecutor
from eparch.sdk.engine.server_run import run_flow_run
from eparch.testing import TemporaryServer
from tests.sdk.server.rows import flow_run, history, task_runs


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_run_goes_on_while_the_server_is_away(own_server: TemporaryServer, number: signal.Signals) -> None:
    begun, away, back = threading.Event(), threading.Event(), threading.Event()

    @task
    def work(x: int) -> int:
        if x == 100:
            begun.set()
            away.wait(60)
        if x == 300:
            # The last third of the work is done while nobody answers.
            back.set()
        get_logger().info("did %d", x)
        return x

    with Flow("goes on", executor=ThreadExecutor(4)) as flow:
        work.map(list(range(400)))
    run_id = own_server.create_run(flow)

    def interrupt() -> None:
        begun.wait(60)
        own_server.stop(number)
        away.set()
        back.wait(60)
        own_server.start()

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    state = run_flow_run(run_id, client=own_server.client, flow=flow)
    interrupter.join()
    assert state.is_successful()
    row = flow_run(own_server, run_id)
    assert row["state"] == "Success"
    children = [one for one in task_runs(row, "work-1") if one["map_index"] >= 0]
    assert len(children) == 400
    # A call whose answer was lost is made again, so that a state may be there twice; none is missing or out of order.
    for child in children:
        assert list(dict.fromkeys(history(child))) == ["Pending", "Running", "Success"]
        assert history(child)[-1] == "Success"
    assert {line["message"] for line in row["logs"]} >= {f"did {x}" for x in range(400)}


def test_a_reporter_says_how_much_is_missing_when_its_patience_ends(own_server: TemporaryServer) -> None:
    with Flow("f") as flow:
        task(lambda: 1)()
    run_id = own_server.create_run(flow)
    own_server.stop()
    reporter = Reporter(Client(own_server.url, sleep=lambda _: None), run_id, patience_s=0.2)
    for number in range(3):
        reporter.log({"message": f"line {number}", "level": "INFO", "name": "test"})
    before = time.monotonic()
    with pytest.raises(ClientError, match=f"3 states and log lines of flow run {run_id} have not reached the server"):
        reporter.close()
    assert time.monotonic() - before < 30
