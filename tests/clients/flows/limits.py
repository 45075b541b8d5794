"""Flows that share something scarce: tasks under a limit by tag, and runs that two processes fight for."""

import time

from marks import mark, meet
from prefect import Flow, task
from prefect.executors import LocalDaskExecutor


@task(tags=["scarce"])
def use(number):
    mark("used")
    time.sleep(0.3)
    return number


@task
def make_numbers():
    return [1, 2]


with Flow("tagged", executor=LocalDaskExecutor(scheduler="threads", num_workers=2)) as tagged:
    use.map(make_numbers())


@task
def step(before):
    mark("steps")
    time.sleep(0.5)
    return before


with Flow("contested") as contested:
    step(step(step(0)))


def at_once(thing, old, new):
    """Let both processes ask to run at the same moment, each believing that it is the first."""
    if new.is_running():
        meet("rivals")
    return new


with Flow("rivals", state_handlers=[at_once]) as rivals:
    step(0)


@task(state_handlers=[at_once])
def fight():
    mark("fights")
    time.sleep(0.5)
    return 0


with Flow("rival tasks") as rival_tasks:
    step(fight())
