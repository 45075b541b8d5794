"""A flow of 600 tasks, more than one batch of a registration holds."""

from prefect import Flow, task


@task
def step(number):
    return number


@task
def last(numbers):
    return len(numbers)


with Flow("wide") as wide:
    last([step(number, task_args={"name": f"step {number}"}) for number in range(600)])
