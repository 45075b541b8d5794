"""Parameters, required and with defaults, and arithmetic on them."""

from eparch import Flow, Parameter, task


@task
def describe(total, name):
    return f"{name}: {total}"


with Flow("parameters") as flow:
    x = Parameter("x")
    y = Parameter("y", default=10)
    name = Parameter("name", required=False)
    described = describe(x + y * 2, name)
    is_big = x > 100

RUNS = [{"x": 1}, {"x": 200, "y": 0, "name": "big"}]
EXPECTED = ["Success", "Success"]
