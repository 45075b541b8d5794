"""Flows that start other flows and wait for them."""

from datetime import timedelta

from prefect import Flow, Parameter, task
from prefect.engine.results import PrefectResult
from prefect.tasks.prefect import StartFlowRun, create_flow_run, get_task_run_result, wait_for_flow_run


@task(result=PrefectResult())
def triple(number):
    return number * 3


with Flow("child") as child:
    triple(Parameter("number", default=1))


@task(result=PrefectResult())
def keep(value):
    return value


with Flow("parent") as parent:
    project = Parameter("project")
    child_run = create_flow_run(
        flow_name="child", project_name=project, parameters={"number": 14}, run_name="the child"
    )
    finished = wait_for_flow_run(child_run, stream_logs=True, raise_final_state=True)
    keep(get_task_run_result(child_run, "triple-1", upstream_tasks=[finished]))


with Flow("older parent") as older_parent:
    StartFlowRun(flow_name="child", wait=True, poll_interval=timedelta(seconds=3))(
        project_name=Parameter("project"), parameters={"number": 5}
    )
