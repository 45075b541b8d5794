"""Mapping over nothing, over what is no list, and over what has failed."""

from eparch import Flow, Parameter, task, unmapped
from eparch.triggers import all_finished


@task
def items(n):
    return list(range(n))


@task
def boom():
    raise ValueError("no items today")


@task
def double(x):
    return 2 * x


@task
def total(xs):
    return sum(xs)


@task(trigger=all_finished)
def anyway(x, y):
    return x


with Flow("empty maps") as flow:
    nothing = double.map(items(Parameter("n", default=0)))
    total(nothing)
    total(double.map(nothing))
    failed = boom()
    double.map(failed)
    anyway.map(items(2), unmapped(failed))

RUNS = [{}, {"n": 2}]
EXPECTED = ["Failed", "Failed"]
