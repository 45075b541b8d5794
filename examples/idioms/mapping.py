"""One task run for each item, chained, and brought together again."""

from eparch import Flow, task


@task
def numbers():
    return [1, 2, 3, 4]


@task
def square(x):
    return x * x


@task
def add_one(x):
    return x + 1


@task
def total(xs):
    return sum(xs)


with Flow("mapping") as flow:
    total(add_one.map(square.map(numbers())))

RUNS = [{}]
EXPECTED = ["Success"]
