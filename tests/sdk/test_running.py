"""What a flow run in the process does over time: retries, backoff, caching, schedules, pauses, handlers."""

import asyncio
import itertools
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eparch import Flow, FlowError, Parameter, context, exponential_backoff, task
from eparch.executors import LocalExecutor, ThreadExecutor
from eparch.schedules import Dates
from eparch.states import Cached, Failed, Paused, Pending, Resume, Running, Success
from eparch.testing import movable_clock

EXECUTORS = pytest.mark.parametrize("executor", [LocalExecutor(), ThreadExecutor(2)], ids=["local", "threads"])


@EXECUTORS
@pytest.mark.parametrize(
    ("delay", "waits"),
    [
        (timedelta(minutes=1), [60, 60, 60]),
        (5, [5, 5, 5]),
        ([1, 10], [1, 10, 10]),
        (exponential_backoff(first=2, longest=5), [2, 4, 5]),
        (lambda attempt: 100 * attempt, [100, 200, 300]),
    ],
    ids=["timedelta", "seconds", "list", "backoff", "function"],
)
def test_each_attempt_waits_as_it_was_told(executor: Any, delay: Any, waits: list[int]) -> None:
    instants: list[datetime] = []
    with movable_clock() as clock:

        @task(max_retries=3, retry_delay=delay)
        def fails() -> None:
            instants.append(clock.now())
            raise ConnectionError

        with Flow("f") as flow:
            fails()
        assert flow.run(executor=executor).is_failed()
    between = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(instants)]
    assert between == pytest.approx(waits, abs=0.5)


def test_siblings_go_on_while_one_waits() -> None:
    order: list[str] = []
    with movable_clock():

        @task(max_retries=1, retry_delay=timedelta(hours=1))
        def slow(x: int) -> int:
            order.append(f"slow {context.task_run_count}")
            if context.task_run_count == 1:
                raise ConnectionError
            return x

        @task
        def quick(x: int) -> None:
            order.append("quick")

        with Flow("f") as flow:
            slow(1)
            for x in range(3):
                quick(x)
        assert flow.run().is_successful()
    assert order == ["slow 1", "quick", "quick", "quick", "slow 2"]


def test_a_cached_result_is_used_until_it_expires() -> None:
    ran: list[int] = []

    @task(cache_for=timedelta(seconds=0.05), cache_key="shared")
    def counted() -> int:
        ran.append(1)
        return len(ran)

    with Flow("one") as one:
        a: Any = counted()
    with Flow("other") as other:
        b: Any = counted()
    assert isinstance(one.run().result[a], Cached)
    assert other.run().result[b].result == 1, "tasks with the same key share their results"
    state = one.run().result[a]
    while state.cached_result_expiration > datetime.now(UTC):
        pass
    assert one.run().result[a].result == 2


def test_a_paused_flow_stays_running_and_goes_on_when_it_is_resumed() -> None:
    with Flow("release") as flow:
        built: Any = task(lambda: "built", name="build")()
        deployed: Any = task(lambda x: f"{x}, deployed", name="deploy", trigger="manual_only")(built)
        after: Any = task(lambda x: x, name="after")(deployed)
    waiting = flow.run()
    assert type(waiting) is Running
    assert waiting.message == "1 task run waits for approval or for a later attempt."
    assert isinstance(waiting.result[deployed], Paused)
    assert isinstance(waiting.result[after], Pending)
    states = {**waiting.result, deployed: Resume("approved")}
    done = flow.run(task_states=states)
    assert done.result[after].result == "built, deployed"


def test_a_trigger_or_handler_that_fails_is_a_failure_of_its_task() -> None:
    def broken(*_: object) -> bool:
        raise ZeroDivisionError

    with Flow("f") as flow:
        a: Any = task(lambda: 1, trigger=broken)()
        b: Any = task(lambda: 1, state_handlers=[broken])()
        c: Any = task(lambda: 1, trigger=lambda states: False)()
    result = flow.run().result
    assert "while checking task trigger: ZeroDivisionError" in result[a].message
    assert "while calling state handlers: ZeroDivisionError" in result[b].message
    assert result[c].is_failed()


def test_a_system_exit_ends_its_task_and_not_the_program() -> None:
    def leaves() -> None:
        raise SystemExit(3)

    with Flow("f") as flow:
        made: Any = task(leaves)()
    assert isinstance(flow.run().result[made], Failed)


def test_an_async_task_may_run_where_a_loop_runs_already() -> None:
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    with Flow("f") as flow:
        made: Any = task(double).map([1, 2])

    async def in_a_notebook() -> Any:
        return flow.run()

    assert asyncio.run(in_a_notebook()).result[made].result == [2, 4]


def test_states_to_start_from_must_be_of_tasks_of_the_flow() -> None:
    with pytest.raises(FlowError, match="has a state to start from and is not in the flow"):
        Flow("f").run(task_states={task(lambda: 1): Success()})


def test_the_context_ends_with_the_run() -> None:
    with Flow("f") as flow:
        task(lambda: context.task_name)()
    flow.run()
    assert "task_name" not in context
    with pytest.raises(AttributeError, match="it knows nothing outside a run"):
        _ = context.flow_name


def test_a_traceback_begins_where_the_user_code_begins(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        raise ValueError("here")

    with Flow("f") as flow:
        task(fails)()
    with caplog.at_level(logging.ERROR, logger="eparch"):
        flow.run()
    (record,) = [record for record in caplog.records if record.name == "eparch.task_run"]
    text = logging.Formatter().format(record)
    assert 'raise ValueError("here")' in text
    assert "eparch/sdk" not in text


def test_a_flow_runs_on_its_schedule_until_that_ends() -> None:
    seen: list[Any] = []
    with movable_clock() as clock:
        start = clock.now()
        days = [start + timedelta(days=n) for n in (1, 2)]
        with Flow("f", schedule=Dates(days, parameter_defaults={"x": 5})) as flow:
            task(lambda x: seen.append((context.scheduled_start_time, x)))(Parameter("x", default=1))
        flow.run(run_on_schedule=True)
        assert clock.now() >= days[1]
    assert [x for _, x in seen] == [1, 5, 5]
    assert [instant for instant, _ in seen][1:] == days
