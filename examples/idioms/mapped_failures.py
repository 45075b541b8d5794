"""Some children of a mapped task fail: what follows each of them, and what follows all."""

from eparch import Flow, task
from eparch.triggers import all_finished, any_successful


@task
def inverse(x):
    return 12 / x


@task
def half(x):
    return x / 2


@task
def all_needed(xs):
    return len(xs)


@task(trigger=any_successful)
def some_needed(xs):
    return len(xs)


@task(trigger=all_finished)
def good_ones(xs):
    return [x for x in xs if not isinstance(x, Exception)]


with Flow("mapped failures") as flow:
    halves = half.map(inverse.map([1, 0, 3]))
    all_needed(halves)
    some_needed(halves)
    flow.set_reference_tasks([good_ones(halves)])

RUNS = [{}]
EXPECTED = ["Success"]
