"""Tasks that fail: one gets there at the third attempt, the other never does."""

from datetime import timedelta

import prefect
from prefect import Flow, task


@task(max_retries=3, retry_delay=timedelta(seconds=1))
def call_a_shaky_service():
    attempt = prefect.context.task_run_count
    if attempt < 3:
        raise ConnectionError(f"no answer at attempt {attempt}")


with Flow("flaky") as flaky:
    call_a_shaky_service()


@task(max_retries=1, retry_delay=timedelta(seconds=1))
def call_a_missing_service():
    raise ConnectionError("there is nothing at this address")


@task
def use_the_answer():
    raise AssertionError("this is never called: the task before it has failed")


with Flow("broken") as broken:
    use_the_answer(upstream_tasks=[call_a_missing_service()])
