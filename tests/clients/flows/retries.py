"""Flows whose task fails at first: with retries after an instant, and after longer than a process waits."""

from datetime import timedelta

from marks import mark
from prefect import Flow, task
from prefect.engine.results import PrefectResult


@task(max_retries=2, retry_delay=timedelta(seconds=1), result=PrefectResult())
def succeed_at_last():
    attempt = mark("attempts")
    if attempt < 3:
        raise ValueError(f"attempt {attempt}")
    return attempt


with Flow("short retries") as short_retries:
    succeed_at_last()


@task(result=PrefectResult())
def prepare():
    return mark("preparations")


@task(max_retries=1, retry_delay=timedelta(minutes=20), result=PrefectResult())
def succeed_later(preparations):
    attempt = mark("attempts")
    if attempt < 2:
        raise ValueError(f"attempt {attempt}")
    return preparations


with Flow("long retry") as long_retry:
    succeed_later(prepare())


@task(max_retries=1, retry_delay=timedelta(seconds=0))
def fail_always():
    mark("attempts")
    raise ValueError("this never works")


with Flow("exhausted retries") as exhausted_retries:
    fail_always()
