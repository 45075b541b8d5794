"""Flows about how tasks end: cached, looped, skipped, failed, not triggered, waiting for approval."""

from datetime import timedelta

import prefect
from marks import mark
from prefect import Flow, Parameter, task
from prefect.engine.cache_validators import all_inputs
from prefect.engine.results import PrefectResult
from prefect.engine.signals import FAIL, LOOP, SKIP
from prefect.triggers import any_failed, manual_only


@task(cache_for=timedelta(hours=1), cache_validator=all_inputs, result=PrefectResult())
def compute(number):
    mark("computations")
    return number + 1


with Flow("caching") as caching:
    compute(Parameter("number"))


@task(result=PrefectResult())
def count_down():
    left = prefect.context.get("task_loop_result", 3)
    mark("iterations", str(left))
    if left > 0:
        raise LOOP(message=f"{left} left", result=left - 1)
    return "lift-off"


with Flow("looping") as looping:
    count_down()


@task
def skip():
    raise SKIP("nothing to do")


@task
def fail():
    raise FAIL("on purpose")


@task
def after_skip():
    mark("after skip")


@task
def after_failure():
    mark("after failure")


@task(trigger=any_failed)
def clean_up():
    mark("clean-up")


with Flow("triggers") as triggers:
    skipped, failed = skip(), fail()
    after_skip(upstream_tasks=[skipped])
    after_failure(upstream_tasks=[failed])
    clean_up(upstream_tasks=[failed])


@task(result=PrefectResult())
def draft():
    return mark("drafts")


@task(trigger=manual_only, result=PrefectResult())
def publish(drafts):
    mark("publications")
    return drafts


with Flow("approval") as approval:
    publish(draft())
