"""One task mapped over hundreds of elements, several at a time."""

from prefect import Flow, Parameter, task
from prefect.engine.results import PrefectResult
from prefect.executors import LocalDaskExecutor


@task
def numbers(count):
    return list(range(count))


@task
def square(number):
    return number * number


@task(result=PrefectResult())
def total(squares):
    return sum(squares)


with Flow("mapping", executor=LocalDaskExecutor(scheduler="threads", num_workers=8)) as flow:
    total(square.map(numbers(Parameter("count", default=300))))
