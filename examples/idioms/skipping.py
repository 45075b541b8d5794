"""Skipping spreads, except to those who do not mind."""

from eparch import Flow, task
from eparch.signals import SKIP


@task
def new_rows():
    raise SKIP("no new rows", result=None)


@task
def load(rows):
    return "loaded"


@task(skip_on_upstream_skip=False)
def tidy(rows):
    return "tidied"


@task
def odd(x):
    if x % 2:
        raise SKIP("odd", result=None)
    return x


@task
def collect(xs):
    return xs


with Flow("skipping") as flow:
    rows = new_rows()
    tidy(load(rows))
    evens = odd.map([0, 1, 2])
    collect(evens)
    tidy(evens)
    load.map(evens)

RUNS = [{}]
EXPECTED = ["Success"]
