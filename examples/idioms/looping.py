"""A task that runs again and again, each time with what the time before left."""

from eparch import Flow, Parameter, context, task
from eparch.signals import LOOP


@task
def fibonacci(limit):
    a, b = context.get("task_loop_result") or (0, 1)
    if b > limit:
        return a
    raise LOOP("at %d" % b, result=(b, a + b))


@task
def count_to(n):
    turn = context.get("task_loop_count", 1)
    if turn < n:
        raise LOOP(result=turn)
    return turn, context.get("task_loop_result")


with Flow("looping") as flow:
    fibonacci(Parameter("limit", default=50))
    count_to.map([1, 2, 3])

RUNS = [{}, {"limit": 1000}]
EXPECTED = ["Success", "Success"]
