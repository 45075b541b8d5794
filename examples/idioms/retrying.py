"""A task that fails at first; the context says which attempt it is."""

import datetime

from eparch import Flow, context, task


@task(max_retries=3, retry_delay=datetime.timedelta(seconds=0))
def flaky(fails):
    attempt = context.get("task_run_count")
    if attempt <= fails:
        raise ConnectionError("attempt %d" % attempt)
    return attempt


@task(max_retries=3, retry_delay=datetime.timedelta(seconds=0), retry_on=KeyError)
def picky():
    raise ValueError("not worth a retry: attempt %d" % context.get("task_run_count"))


with Flow("retrying") as flow:
    flaky(2)
    flaky.map([0, 1, 5])
    picky()

RUNS = [{}]
EXPECTED = ["Failed"]
