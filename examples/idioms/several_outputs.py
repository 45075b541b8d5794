"""Tasks with several results, taken apart by position and by key."""

from typing import Tuple

from eparch import Flow, task


@task(nout=2)
def divide(a, b):
    return divmod(a, b)


@task
def measure() -> Tuple[int, str, float]:
    return 1, "metre", 0.5


@task
def describe():
    return {"name": "box", "sides": [1, 2, 3]}


@task
def show(x):
    return repr(x)


with Flow("several outputs") as flow:
    quotient, rest = divide(17, 5)
    show(quotient)
    show(rest)
    value, unit, error = measure()
    show(unit)
    thing = describe()
    show(thing["name"])
    show(thing["sides"][1])
    show(thing["missing"])

RUNS = [{}]
EXPECTED = ["Failed"]
