"""Mapping with some arguments whole, and over several lists at once."""

from eparch import Flow, mapped, task, unmapped


@task
def add(x, y):
    return x + y


@task
def scale(x, factors):
    return [x * factor for factor in factors]


@task
def base():
    return 100


with Flow("unmapped inputs") as flow:
    pairs = add.map([1, 2, 3], [10, 20, 30])
    shifted = add.map(pairs, y=unmapped(base()))
    scaled = scale.map(shifted, unmapped([1, -1]))
    again = add(mapped([5, 6]), 1)
    short = add.map([1, 2, 3], [1, 2])

RUNS = [{}]
EXPECTED = ["Success"]
