"""Results that are errors, or empty, are left out."""

from eparch import FilterTask, Flow, task


@task
def parse(text):
    return int(text) if text else None


@task
def total(numbers):
    return sum(numbers)


with Flow("filtering") as flow:
    numbers = parse.map(["1", "x", "", "30"])
    total(FilterTask()(numbers))
    flow.set_reference_tasks([total(FilterTask(filter_func=lambda n: n == 30)(numbers))])

RUNS = [{}]
EXPECTED = ["Success"]
