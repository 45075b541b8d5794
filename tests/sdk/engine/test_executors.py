"""Every executor comes to the same end; what happens in other processes is seen here."""

import logging
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eparch import Flow, Parameter, context, get_logger, task
from eparch.executors import DaskExecutor, LocalExecutor, ProcessExecutor, ThreadExecutor
from eparch.signals import LOOP, SKIP
from eparch.states import Failed, Mapped, Skipped, Success
from tests.sdk.dask_clusters import dask_cluster

EXECUTORS: list[Callable[[], Any]] = [
    LocalExecutor,
    lambda: ThreadExecutor(3),
    lambda: ProcessExecutor(2),
    lambda: DaskExecutor(cluster_kwargs={"processes": False, "dashboard_address": "127.0.0.1:0"}),
]
pytestmark = [
    # A cluster inside the test's process leaves sockets to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
executors = pytest.mark.parametrize("make", EXECUTORS, ids=["local", "threads", "processes", "dask"])


class Box:
    """An object of a class that only this module knows."""

    def __init__(self, value: int) -> None:
        self.value = value


def mixed_flow() -> tuple[Flow, dict[str, Any]]:
    @task
    def inc(x: int) -> int:
        return x + 1

    @task
    def picky(x: int) -> int:
        if x == 2:
            raise ValueError("two")
        if x == 3:
            raise SKIP("three")
        return x

    @task(max_retries=2)
    def flaky() -> int:
        attempt: int = context.task_run_count
        if attempt < 3:
            raise ConnectionError("not yet")
        return attempt

    @task
    def loops() -> int:
        count: int = context.get("task_loop_count", 1)
        if count < 4:
            raise LOOP(result=count)
        return count

    @task
    def boxed(x: int) -> Box:
        return Box(x)

    @task
    def opened(box: Box) -> int:
        return box.value

    with Flow("mixed") as flow:
        x = Parameter("x", default=1)
        named = {
            "incs": inc.map(inc.map([x, 2, 3])),
            "picky": picky.map([1, 2, 3]),
            "flaky": flaky(),
            "loops": loops(),
            "opened": opened(boxed(inc(x))),
        }
    return flow, named


@executors
def test_every_executor_comes_to_the_same_end(make: Callable[[], Any]) -> None:
    flow, named = mixed_flow()
    state = flow.run(executor=make())
    found = {name: state.result[made] for name, made in named.items()}
    assert type(state) is Failed
    assert found["incs"].result == [3, 4, 5]
    assert [type(child) for child in found["picky"].map_states] == [Success, Failed, Skipped]
    assert repr(found["picky"].map_states[1].result) == "ValueError('two')"
    assert (found["flaky"].result, found["loops"].result, found["opened"].result) == (3, 4, 2)


# Dask's own scheduler keeps more of each task than Eparch does, and its workers log by themselves.
@pytest.mark.parametrize("make", EXECUTORS[:3], ids=["local", "threads", "processes"])
def test_ten_thousand_children_need_little_memory(make: Callable[[], Any]) -> None:
    @task
    def same(x: int) -> int:
        return x

    count = 10_000
    with Flow("wide") as flow:
        children: Any = same.map(list(range(count)))
    tracemalloc.start()
    state = flow.run(executor=make())
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    mapped = state.result[children]
    assert isinstance(mapped, Mapped)
    assert mapped.result == list(range(count))
    # A state and its context are kept of each child; nothing else grows with their number.
    assert kept / count < 1_000
    assert peak / count < 1_500


def lines_of(make: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> list[str]:
    @task(log_prints=True)
    def chatty(x: int) -> None:
        get_logger().info("logged %d", x)
        context.logger.warning("warned")
        print("printed", x)
        print("no newline", end="")

    with Flow("chatty") as flow:
        chatty(7)
    with caplog.at_level(logging.INFO, logger="eparch"):
        flow.run(executor=make())
    return [f"{record.name} {record.getMessage()}" for record in caplog.records if record.name == "eparch.chatty"]


@pytest.mark.parametrize("make", EXECUTORS[:3], ids=["local", "threads", "processes"])
def test_what_a_task_logs_and_prints_is_logged_here(make: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> None:
    assert lines_of(make, caplog) == [
        "eparch.chatty logged 7",
        "eparch.chatty warned",
        "eparch.chatty printed 7",
        "eparch.chatty no newline",
    ]


def test_prints_of_other_tasks_stay_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    both = threading.Barrier(2)

    @task(log_prints=True)
    def logged() -> None:
        both.wait(10)
        print("to the log")
        both.wait(10)

    @task
    def printed() -> None:
        both.wait(10)
        print("to the terminal")
        both.wait(10)

    with Flow("f") as flow:
        logged()
        printed()
    assert flow.run(executor=ThreadExecutor(2)).is_successful()
    assert capsys.readouterr().out == "to the terminal\n"


def test_threads_really_run_side_by_side() -> None:
    meeting = threading.Barrier(3)
    with Flow("f") as flow:
        task(lambda x: meeting.wait(20)).map([1, 2, 3])
    assert flow.run(executor=ThreadExecutor(3)).is_successful()


def test_a_process_that_dies_fails_its_task_alone() -> None:
    def die(x: int) -> int:
        if x == 5:
            os.kill(os.getpid(), 9)
        return x

    with Flow("f") as flow:
        mapped: Any = task(die).map(list(range(40)))
    states = flow.run(executor=ProcessExecutor(2)).result[mapped].map_states
    assert [index for index, state in enumerate(states) if state.is_failed()] == [5]
    assert states[5].message == "The process of the task ended by signal SIGKILL before the task did."


@pytest.mark.parametrize("make", EXECUTORS[2:], ids=["processes", "dask"])
def test_what_cannot_be_sent_fails_its_task_and_says_so(make: Callable[[], Any]) -> None:
    with Flow("f") as flow:
        out: Any = task(lambda: threading.Lock(), name="out")()
    message = flow.run(executor=make()).result[out].message
    assert "The result of task 'out' cannot be sent out of its" in message


def test_a_script_is_not_executed_again_by_its_processes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "print('started', flush=True)\n"
        "from eparch import Flow, task\n"
        "from eparch.executors import ProcessExecutor\n"
        "class Own:\n    pass\n"
        "with Flow('f', executor=ProcessExecutor(2)) as f:\n"
        "    own = task(lambda x: Own()).map([1, 2])\n"
        "print(all(type(one) is Own for one in f.run().result[own].result))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "started\nTrue\n"


def test_an_interrupt_at_the_terminal_stops_the_run() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with Flow("f") as flow:
        first: Any = task(interrupt)()
        task(lambda x: x)(first)
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    # In a thread nobody pressed a key: it is the task's own doing.
    assert isinstance(flow.run(executor=ThreadExecutor(1)).result[first], Failed)


def test_a_dask_worker_is_killed_in_the_middle_of_a_thousand_tasks(tmp_path: Path, unused_port: int) -> None:
    log = tmp_path / "ran"

    @task
    def noted(x: int) -> int:
        time.sleep(0.002)
        # A line this short is appended whole.
        with log.open("a") as file:
            file.write(f"{x}\n")
        return x

    with Flow("wide") as flow:
        mapped: Any = noted.map(list(range(1000)))
    with dask_cluster(unused_port, 2) as workers:
        killer = threading.Thread(
            target=_kill_when, args=(lambda: log.exists() and len(log.read_text()) > 1000, workers[0])
        )
        killer.start()
        state = flow.run(executor=DaskExecutor(f"tcp://127.0.0.1:{unused_port}"))
        killer.join()
    assert state.is_successful()
    assert state.result[mapped].result == list(range(1000))
    assert workers[0].returncode == -9
    ran = log.read_text().split()
    assert set(ran) == {str(x) for x in range(1000)}
    # What was lost with the worker ran again; what had arrived here did not. More than it could hold would be too much.
    assert len(ran) - 1000 < 500


def has_lines(log: Path, count: int) -> bool:
    return log.exists() and log.read_text().count("\n") >= count


def _kill_when(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not condition():
        time.sleep(0.005)
    process.kill()
