"""A trigger of one's own: a function of the states upstream."""

from eparch import Flow, task
from eparch.signals import SKIP, TRIGGERFAIL


@task
def measure(x):
    if x < 0:
        raise ValueError("negative")
    return x


def mostly_good(upstream_states):
    states = list(upstream_states.values())
    good = sum(state.is_successful() for state in states)
    if good == 0:
        raise TRIGGERFAIL("nothing is good")
    if good == 1:
        raise SKIP("too little is good")
    return True


@task(trigger=mostly_good)
def judge():
    return "judged"


with Flow("custom trigger") as flow:
    judge(upstream_tasks=[measure(1), measure(2), measure(-1)])
    judge(upstream_tasks=[measure(1), measure(-1)])
    judge(upstream_tasks=[measure(-1), measure(-2)])

RUNS = [{}]
EXPECTED = ["Failed"]
