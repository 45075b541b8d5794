"""Flows about what goes into a run and comes out of it: parameters, context, environment, names, state handlers."""

import os

import prefect
from marks import mark
from prefect import Flow, Parameter, task
from prefect.engine.results import PrefectResult
from prefect.engine.state import Success
from prefect.run_configs import LocalRun


@task(result=PrefectResult())
def double(number):
    return number * 2


@task(result=PrefectResult())
def greet(who):
    return f"{prefect.context.get('greeting', 'hello')} {who}"


with Flow("parameters") as parameters:
    n, who = Parameter("n", default=1), Parameter("who")
    double(n)
    greet(who)


@task(result=PrefectResult())
def read_environment():
    return os.environ.get("EPARCH_TEST_COLOUR", "none")


with Flow("environment", run_config=LocalRun(env={"EPARCH_TEST_COLOUR": "of the flow"})) as environment:
    read_environment()


with Flow("labelled", run_config=LocalRun(labels=["gpu"])) as labelled:
    read_environment()


@task(task_run_name="doubling {number}", result=PrefectResult())
def named(number):
    mark("named")
    return number * 2


with Flow("names") as names:
    named(Parameter("number", default=21))


def note(subject, old, new):
    mark("transitions", f"{type(subject).__name__} {type(old).__name__} {type(new).__name__}")
    return new


def forgive(subject, old, new):
    return Success("forgiven", result=0) if new.is_failed() else new


@task(state_handlers=[note, forgive])
def forgiven():
    raise ValueError("this does not matter")


with Flow("handlers", state_handlers=[note]) as handlers:
    forgiven()
