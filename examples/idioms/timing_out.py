"""A task that takes too long."""

import time

from eparch import Flow, task
from eparch.triggers import all_failed


@task(timeout=1)
def slow():
    time.sleep(30)


@task(timeout=30)
def fast():
    return "in time"


@task
def after(x):
    return x


@task(trigger=all_failed)
def instead(x):
    return "something else"


with Flow("timing out") as flow:
    late = slow()
    after(late)
    after(fast())
    instead(late)

RUNS = [{}]
EXPECTED = ["Failed"]
