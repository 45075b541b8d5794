"""Tasks that fail: one gets there at the third attempt, the other never does."""

from datetime import timedelta

from eparch import Flow, context, task


@task(max_retries=3, retry_delay=timedelta(seconds=1))
def call_a_shaky_service() -> None:
    """Fail twice."""
    attempt = context.task_run_count
    if attempt < 3:
        raise ConnectionError(f"no answer at attempt {attempt}")


with Flow("flaky") as flaky:
    call_a_shaky_service()


@task(max_retries=1, retry_delay=timedelta(seconds=1))
def call_a_missing_service() -> str:
    """Fail for ever."""
    raise ConnectionError("there is nothing at this address")


@task
def use_the_answer(answer: str) -> str:
    """Never be called: the task before has failed."""
    return answer


with Flow("broken") as broken:
    use_the_answer(call_a_missing_service())
