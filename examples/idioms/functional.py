"""Functions as tasks, called inside a `with` block."""

from eparch import Flow, task


@task
def extract():
    return [1, 2, 3]


@task
def transform(rows):
    return [10 * row for row in rows]


@task
def load(rows):
    return f"loaded {len(rows)} rows"


with Flow("functional") as flow:
    load(transform(extract()))

RUNS = [{}]
EXPECTED = ["Success"]
