"""Which tasks decide the state of the flow."""

from eparch import Flow, task
from eparch.triggers import always_run


@task
def work():
    raise RuntimeError("broken")


@task(trigger=always_run)
def clean_up():
    return "clean"


with Flow("reference tasks") as flow:
    broken = work()
    clean_up(upstream_tasks=[broken])

flow.set_reference_tasks([broken])

RUNS = [{}]
EXPECTED = ["Failed"]
