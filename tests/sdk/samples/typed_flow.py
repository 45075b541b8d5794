"""A flow file as a careful user writes it: it passes `mypy --strict`."""

from datetime import timedelta

from eparch import Flow, Parameter, Task, case, context, flatten, flow, get_logger, mapped, merge, task, unmapped
from eparch.artifacts import create_progress_artifact, create_table_artifact
from eparch.cache_validators import all_inputs
from eparch.executors import ThreadExecutor
from eparch.flow_runs import FlowRunView, create_flow_run, get_task_run_result, run_flow, wait_for_flow_run
from eparch.key_values import get_key_value, set_key_value
from eparch.results import LocalResult
from eparch.run_configs import LocalRun
from eparch.schedules import Cron
from eparch.signals import SKIP
from eparch.states import State
from eparch.storage import Local


@task(max_retries=3, retry_delay=timedelta(seconds=10), tags=["database"])
def extract(day: str) -> list[int]:
    get_logger().info("extracting %s", day)
    return [1, 2, 3]


@task(cache_for=timedelta(hours=1), cache_validator=all_inputs)
def transform(x: int, factor: int) -> int:
    if context.map_index == 2:
        raise SKIP("the third is not needed")
    return x * factor


@task(trigger="all_finished", result=LocalResult("results"))
def report(rows: list[int]) -> None: ...


@task
async def notify(address: str, *, urgent: bool = False) -> bool:
    return urgent


@task(nout=2)
def divide(a: int, b: int) -> tuple[int, int]:
    return divmod(a, b)


class Count(Task):
    def __init__(self, start: int = 0, name: str | None = None) -> None:
        self.start = start
        super().__init__(name, tags=["counting"])

    def run(self, rows: list[int]) -> int:
        return self.start + len(rows)


def on_failure(failed: object, state: State) -> None:
    print(failed, state.message)


@flow(schedule=Cron("0 6 * * *", timezone="Europe/Paris"), executor=ThreadExecutor(), on_failure=on_failure)
def etl(day: str = "today", factor: int = 2) -> None:
    rows = extract(day)
    products = transform.map(rows, unmapped(factor))
    report(products)
    quotient, rest = divide(17, factor)
    with case(rest, 0):
        even = notify("boss@example.org", urgent=True)
    with case(rest, 1):
        odd = notify("boss@example.org")
    report([quotient], upstream_tasks=[merge(even, odd)])
    transform(mapped(flatten([rows, rows])), factor)


with Flow("by hand", run_config=LocalRun(labels=["gpu"]), storage=Local(path=__file__)) as by_hand:
    day = Parameter("day", default="today")
    extracted = extract(day, task_args={"name": "other name"})
    counted = Count(1)(extracted)
    counted.set_upstream(extracted)


@task
def remember(day: str) -> int:
    counted = int(get_key_value("count", default=0)) + 1
    set_key_value("count", counted)
    create_table_artifact([{"day": day, "count": counted}])
    create_progress_artifact(100, "all of it")
    return counted


@task
def tell_of(ended: FlowRunView) -> str:
    return f"{ended.flow_name} is {ended.state.message}"


with Flow("parent") as parent:
    remember("monday")
    run_id = create_flow_run(flow_name="etl", project_name="demo", parameters={"factor": 3})
    tell_of(wait_for_flow_run(run_id, raise_final_state=True))
    tell_of(run_flow("etl", "demo"))
    rows = get_task_run_result(run_id, "extract-1")

if __name__ == "__main__":
    state = etl.run(day="2026-01-01")
    print(state.is_successful(), state.result)
    etl.register("demo")
