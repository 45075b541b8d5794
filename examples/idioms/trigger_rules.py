"""Every trigger, after one success and one failure."""

from eparch import Flow, task, triggers


@task
def good():
    return 1


@task
def bad():
    raise RuntimeError("bad")


def run():
    return "ran"


def named(name, trigger):
    return task(run, name=name, trigger=trigger)


with Flow("trigger rules") as flow:
    g, b = good(), bad()
    for name in ("all_successful", "all_failed", "any_successful", "any_failed", "all_finished", "always_run"):
        trigger = getattr(triggers, name)
        named(name, trigger)(upstream_tasks=[g, b])
        named(name + "_good", trigger)(upstream_tasks=[g])
        named(name + "_bad", trigger)(upstream_tasks=[b])
    named("some_failed", triggers.some_failed(at_least=1))(upstream_tasks=[g, b])
    named("half_failed", triggers.some_failed(at_least=0.5, at_most=0.5))(upstream_tasks=[g, b])
    named("two_succeeded", triggers.some_successful(at_least=2))(upstream_tasks=[g, b])
    named("none_succeeded", triggers.some_successful(at_most=0))(upstream_tasks=[g, b])

RUNS = [{}]
EXPECTED = ["Failed"]
