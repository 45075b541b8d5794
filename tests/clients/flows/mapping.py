"""A flow whose tasks are mapped over a list, concurrently."""

from prefect import Flow, Parameter, task
from prefect.engine.results import PrefectResult
from prefect.executors import LocalDaskExecutor


@task
def count_to(n):
    return list(range(n))


@task(result=PrefectResult())
def square(number):
    return number * number


@task(result=PrefectResult())
def add(numbers):
    return sum(numbers)


with Flow("mapping", executor=LocalDaskExecutor(scheduler="threads", num_workers=8)) as mapping:
    add(square.map(count_to(Parameter("n", default=130))))
