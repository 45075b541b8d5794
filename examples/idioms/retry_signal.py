"""A task that asks for another attempt by itself."""

import datetime

from eparch import Flow, task
from eparch.signals import RETRY

ATTEMPTS = []


@task
def wait_for_it():
    ATTEMPTS.append(1)
    if len(ATTEMPTS) % 3:
        raise RETRY("not yet", start_time=datetime.datetime.now(datetime.timezone.utc))
    return len(ATTEMPTS)


@task
def after(x):
    return x > 0


with Flow("retry signal") as flow:
    after(wait_for_it())

RUNS = [{}]
EXPECTED = ["Success"]
