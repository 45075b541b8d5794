"""In charge of a flow that has a bit of everything, and of the smallest task."""

from datetime import timedelta

from eparch import Flow, Parameter, context, get_logger, task
from eparch.signals import LOOP


@task
def inc(x: int) -> int:
    return x + 1


def everything() -> Flow:
    @task(max_retries=1)
    def flaky() -> None:
        if context.task_run_count == 1:
            raise ConnectionError("at first")

    @task(cache_for=timedelta(hours=1))
    def cached() -> int:
        return 7

    @task
    def loops() -> int:
        if context.get("task_loop_count", 1) < 2:
            raise LOOP("once more", result=1)
        return 2

    @task(task_run_name="called {x}")
    def named(x: int) -> str:
        get_logger().info("my id is %s", context.task_run_id)
        return str(context.task_run_id)

    @task
    def total(xs: list[int]) -> int:
        return sum(xs)

    with Flow("everything") as flow:
        x = Parameter("x", default=3)
        total(inc.map([x, 2, 3]))
        flaky()
        cached()
        loops()
        named(x)
    return flow
