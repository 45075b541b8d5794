"""What takes too long is stopped where it can be, and it is said where it cannot."""

import asyncio
import ctypes
import threading
import time
from typing import Any

import pytest

from eparch import Flow, task
from eparch.executors import LocalExecutor, ProcessExecutor, ThreadExecutor
from eparch.states import Failed, TimedOut

STOPPED = threading.Event()


def busy() -> None:
    try:
        while True:
            time.sleep(0.005)
    finally:
        STOPPED.set()


def unstoppable() -> None:
    # A call into C that holds nothing and returns when it likes.
    ctypes.CDLL(None).usleep(800_000)


async def waiting() -> None:
    await asyncio.sleep(60)


def raises_timeout_error() -> None:
    raise TimeoutError("of my own")


def outcome(function: Any, executor: Any, timeout: float = 0.1) -> Any:
    with Flow("f") as flow:
        made: Any = task(function, timeout=timeout)()
    return flow.run(executor=executor).result[made]


@pytest.mark.parametrize("executor", [LocalExecutor(), ThreadExecutor(2)], ids=lambda executor: type(executor).__name__)
def test_python_code_is_interrupted(executor: Any) -> None:
    STOPPED.clear()
    state = outcome(busy, executor)
    assert isinstance(state, TimedOut)
    assert "after 0.1 s: it was interrupted" in state.message
    assert STOPPED.wait(5), "the code goes on"


def test_waiting_in_the_main_thread_is_interrupted() -> None:
    before = time.monotonic()
    state = outcome(lambda: time.sleep(30), LocalExecutor())
    assert isinstance(state, TimedOut)
    assert time.monotonic() - before < 10


def test_a_thread_that_cannot_be_stopped_is_left_behind_and_said_to_be() -> None:
    state = outcome(unstoppable, ThreadExecutor(1))
    assert isinstance(state, TimedOut)
    assert "could not be stopped and goes on by itself" in state.message


@pytest.mark.parametrize("executor", [LocalExecutor(), ThreadExecutor(2)], ids=lambda executor: type(executor).__name__)
def test_an_async_task_is_cancelled_at_an_await(executor: Any) -> None:
    state = outcome(waiting, executor)
    assert isinstance(state, TimedOut)
    assert "cancelled at an await" in state.message


def test_a_process_is_killed_with_its_task() -> None:
    before = time.monotonic()
    state = outcome(lambda: ctypes.CDLL(None).usleep(60_000_000), ProcessExecutor(1), timeout=0.2)
    assert isinstance(state, TimedOut)
    assert "its process was killed" in state.message
    assert time.monotonic() - before < 30


@pytest.mark.parametrize(
    "executor", [LocalExecutor(), ThreadExecutor(2), ProcessExecutor(1)], ids=lambda executor: type(executor).__name__
)
def test_a_timeout_error_of_the_task_itself_is_a_failure_like_others(executor: Any) -> None:
    state = outcome(raises_timeout_error, executor, timeout=30)
    assert type(state) is Failed
    assert "of my own" in state.message


def test_a_task_in_time_is_not_disturbed() -> None:
    async def quick() -> int:
        await asyncio.sleep(0)
        return 4

    with Flow("f") as flow:
        a: Any = task(lambda: 3, timeout=30)()
        b: Any = task(quick, timeout=30)()
        c: Any = task(quick)()
    for executor in (LocalExecutor(), ThreadExecutor(2), ProcessExecutor(1)):
        results = flow.run(executor=executor).result
        assert [results[made].result for made in (a, b, c)] == [3, 4, 4]
