"""Results that are used again: counted by how often the task really ran."""

import datetime

from eparch import Flow, Parameter, task
from eparch.cache_validators import all_inputs, all_parameters, partial_inputs_only

HOUR = datetime.timedelta(hours=1)
COUNTS = {}


def count(name):
    COUNTS[name] = COUNTS.get(name, 0) + 1
    return COUNTS[name]


@task(cache_for=HOUR)
def always(x):
    return count("always")


@task(cache_for=HOUR, cache_validator=all_inputs)
def by_inputs(x, y):
    return count("by_inputs")


@task(cache_for=HOUR, cache_validator=partial_inputs_only(validate_on=["x"]))
def by_x(x, y):
    return count("by_x")


@task(cache_for=HOUR, cache_validator=all_parameters)
def by_parameters():
    return count("by_parameters")


@task
def never():
    return count("never")


with Flow("caching") as flow:
    x, y = Parameter("x", default=1), Parameter("y", default=1)
    always(x)
    by_inputs(x, y)
    by_x(x, y)
    by_parameters(upstream_tasks=[x, y])
    never()

RUNS = [{}, {}, {"y": 2}, {"x": 2, "y": 2}, {}]
EXPECTED = ["Success"] * 5
