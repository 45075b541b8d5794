"""What a task may know about its run."""

from eparch import Flow, Parameter, context, task


@task
def names():
    return [context.get(key) for key in ("flow_name", "task_name", "task_full_name", "task_slug", "map_index")]


@task(tags=["a", "b"])
def child(x):
    return [context["task_full_name"], context.map_index, sorted(context.task_tags), context.task_run_count]


@task
def given():
    return dict(context.parameters)


@task
def days():
    dashes = [context[day] for day in ("yesterday", "today", "tomorrow")]
    return [day.replace("-", "") for day in dashes] == [
        context["yesterday_nodash"],
        context["today_nodash"],
        context["tomorrow_nodash"],
    ]


@task
def ids():
    return [bool(context.flow_run_id), bool(context.task_run_id), "unknown" in context, context.get("unknown", 7)]


with Flow("run context") as flow:
    names()
    child.map([5, 6])
    given(upstream_tasks=[Parameter("p", default=3)])
    days()
    ids()

RUNS = [{}, {"p": [1]}]
EXPECTED = ["Success", "Success"]
