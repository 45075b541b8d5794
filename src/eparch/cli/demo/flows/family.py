"""A flow that starts another one for each region, waits for them and adds up what they found."""

from eparch import Flow, Parameter, task, unmapped
from eparch.flow_runs import create_flow_run, get_task_run_result, wait_for_flow_run


@task
def measure(region: str) -> int:
    """Return what a region has."""
    return len(region)


with Flow("child") as child:
    measure(Parameter("region", default="nowhere"))


@task
def as_parameters(regions: list[str]) -> list[dict[str, str]]:
    """Return the parameters of a run for each region."""
    return [{"region": region} for region in regions]


@task
def add(values: list[int]) -> int:
    """Return what all have together."""
    return sum(values)


with Flow("parent") as parent:
    wanted = as_parameters(Parameter("regions", default=["north", "south"]))
    children = create_flow_run.map(flow_name=unmapped("child"), project_name=unmapped("demo"), parameters=wanted)
    finished = wait_for_flow_run.map(children, raise_final_state=unmapped(True))
    add(get_task_run_result.map(children, unmapped("measure-1"), upstream_tasks=[finished]))
