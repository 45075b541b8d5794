"""Names of task runs, made of their arguments."""

from eparch import Flow, context, task


@task(task_run_name="{who} the {map_index}")
def greet(who):
    return context.get("task_run_name")


@task(task_run_name=lambda **names: names["who"].upper())
def shout(who):
    return context.get("task_run_name")


with Flow("task run names") as flow:
    greet.map(["ann", "bob"])
    shout("eve")

RUNS = [{}]
EXPECTED = ["Success"]
