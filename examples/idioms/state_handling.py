"""Handlers that watch states, and handlers that change them."""

from eparch import Flow, task
from eparch.states import Failed, Success

SEEN = []


def watch(thing, old, new):
    SEEN.append([thing.name, type(old).__name__, type(new).__name__])
    return new


def rescue(thing, old, new):
    if isinstance(new, Failed):
        return Success("rescued", result=-1)
    return None


def meddle(thing, old, new):
    if new.is_running():
        raise RuntimeError("meddling")


@task(state_handlers=[watch])
def watched(x):
    return x


@task(state_handlers=[rescue])
def rescued():
    raise ValueError("help")


@task(state_handlers=[meddle])
def meddled():
    return 1


@task(on_failure=lambda task, state: SEEN.append([task.name, "on_failure", type(state).__name__]))
def noticed():
    raise ValueError("notice me")


with Flow("state handling") as flow:
    first = watched(1)
    watched.map([1, 2])
    after = watched(rescued())
    watched(meddled())
    noticed(upstream_tasks=[first, after])

RUNS = [{}]
EXPECTED = ["Failed"]
