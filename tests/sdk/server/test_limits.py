"""Concurrency limits: tasks with a limited tag, and flow runs with a limited label, wait for a slot."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from eparch import Flow, task
from eparch.client.flow_runs import flow_run_info, set_flow_run_state
from eparch.client.reporter import Reporter
from eparch.executors import LocalExecutor, ProcessExecutor, ThreadExecutor
from eparch.run_configs import UniversalRun
from eparch.storage import Local
from eparch.testing import TemporaryServer
from tests.sdk.server.rows import flow_run, history

EXECUTORS = pytest.mark.parametrize(
    "executor", [LocalExecutor(), ThreadExecutor(6), ProcessExecutor(4)], ids=["local", "threads", "processes"]
)


def limit(server: TemporaryServer, tag: str, slots: int) -> None:
    server.client.change("update_task_tag_limit", {"tag": tag, "limit": slots}, "id")


def overlapping(log: Path) -> int:
    """Return how many of the tasks that have noted their beginning and end in a file were in progress at once."""
    most = now = 0
    for line in log.read_text().splitlines():
        now += 1 if line == "begin" else -1
        most = max(most, now)
    return most


def noted(log: Path, tag: str) -> Any:
    @task(tags=[tag])
    def note(x: int) -> int:
        with log.open("a") as file:
            file.write("begin\n")
        time.sleep(0.02)
        with log.open("a") as file:
            file.write("end\n")
        return x

    return note


@EXECUTORS
def test_no_more_tasks_with_a_tag_run_at_once_than_have_slots(
    server: TemporaryServer, tmp_path: Path, executor: Any
) -> None:
    log, tag = tmp_path / "log", f"tag-{tmp_path.name}"
    limit(server, tag, 2)
    with Flow("limited", executor=executor) as flow:
        noted(log, tag).map(list(range(60)))
    run_id = server.create_run(flow)
    assert server.carry_out(run_id, flow).is_successful()
    assert overlapping(log) <= 2
    children = [one for one in flow_run(server, run_id)["task_runs"] if one["map_index"] >= 0]
    assert [history(one)[-2:] for one in children] == [["Running", "Success"]] * 60
    # Few ask in vain: what is behind a line need not ask, and the line moves as slots become free.
    assert sum(history(one).count("Queued") for one in children) <= 120


def test_two_runs_share_the_slots_of_a_tag(server: TemporaryServer, tmp_path: Path) -> None:
    log, tag = tmp_path / "log", f"tag-{tmp_path.name}"
    limit(server, tag, 1)
    states: list[Any] = []

    def run(name: str) -> None:
        with Flow(name, executor=ThreadExecutor(3)) as flow:
            noted(log, tag).map(list(range(5)))
        states.append(server.run(flow))

    threads = [threading.Thread(target=run, args=(name,)) for name in ("one of two", "two of two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.is_successful() for state in states] == [True, True]
    assert overlapping(log) == 1
    assert log.read_text().count("begin") == 10


def test_a_reporter_says_which_runs_should_have_asked(server: TemporaryServer, tmp_path: Path) -> None:
    tag = f"tag-{tmp_path.name}"
    with Flow("asks nobody") as flow:
        task(lambda: 1, name="one", tags=[tag])()
    run_id = server.create_run(flow)
    set_flow_run_state(server.client, run_id, {"type": "Running"})
    (one,) = flow_run_info(server.client, run_id).task_runs
    # Set after the run has looked whether there is one.
    limit(server, tag, 0)
    queued: list[Any] = []
    reporter = Reporter(server.client, run_id, on_queued=queued.append)
    reporter.know({(one.task_id, -1): one.id})
    reporter.task_state((one.task_id, -1), lambda: {"type": "Running", "context": {"tags": [tag]}})
    reporter.close()
    assert queued == [(one.task_id, -1)]


def test_a_flow_run_waits_for_a_slot_of_its_label(server: TemporaryServer, tmp_path: Path) -> None:
    label = f"label-{tmp_path.name}"
    server.client.change("update_flow_concurrency_limit", {"label": label, "limit": 1}, "id")
    log = tmp_path / "log"

    @task
    def note() -> None:
        with log.open("a") as file:
            file.write("begin\n")
        time.sleep(0.1)
        with log.open("a") as file:
            file.write("end\n")

    states: list[Any] = []
    with Flow(
        "one at a time", run_config=UniversalRun(labels=[label]), storage=Local(add_default_labels=False)
    ) as flow:
        note()
    flow_id = server.register(flow)
    runs = [server.client.change("create_flow_run", {"flow_id": flow_id}, "id")["id"] for _ in range(3)]
    threads = [
        threading.Thread(target=lambda run_id=run_id: states.append(server.carry_out(run_id, flow))) for run_id in runs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.is_successful() for state in states] == [True] * 3, states
    assert overlapping(log) == 1
