"""A flow of ten tasks in a row whose first line of user code notes the instant, for agents under measurement."""

import os
import time

from eparch import Flow, context, task


@task
def first() -> int:
    now = time.time()
    with open(os.environ["MARKS"], "a") as file:
        file.write(f"{context.flow_run_id} {now}\n")
    return 0


@task
def following(x: int) -> int:
    return x + 1


with Flow("linear") as linear:
    value = first()
    for _ in range(9):
        value = following(value)
