"""A flow that starts another one for each region, waits for them and adds up what they found."""

from prefect import Flow, Parameter, task, unmapped
from prefect.engine.results import PrefectResult
from prefect.tasks.prefect import create_flow_run, get_task_run_result, wait_for_flow_run


@task(result=PrefectResult())
def measure(region):
    return len(region)


with Flow("child") as child:
    measure(Parameter("region", default="nowhere"))


@task
def as_parameters(regions):
    return [{"region": region} for region in regions]


@task(result=PrefectResult())
def add(values):
    return sum(values)


with Flow("parent") as parent:
    regions = Parameter("regions", default=["north", "south"])
    children = create_flow_run.map(
        flow_name=unmapped("child"), project_name=unmapped("demo"), parameters=as_parameters(regions)
    )
    finished = wait_for_flow_run.map(children, raise_final_state=unmapped(True))
    add(get_task_run_result.map(children, unmapped("measure-1"), upstream_tasks=[finished]))
