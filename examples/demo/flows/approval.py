"""A run that waits, without a process, until somebody says that it may go on."""

from prefect import Flow, task
from prefect.engine.results import PrefectResult
from prefect.triggers import manual_only


@task(result=PrefectResult())
def prepare_release():
    return "2.0"


@task(trigger=manual_only)
def release(version):
    print(f"released {version}")


with Flow("approval") as flow:
    release(prepare_release())
