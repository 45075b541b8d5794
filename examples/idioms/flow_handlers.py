"""Handlers of the flow itself."""

from eparch import Flow, Parameter, task
from eparch.states import Failed, Success

SEEN = []


def watch(flow, old, new):
    SEEN.append([flow.name, type(old).__name__, type(new).__name__])


def forgive(flow, state, reference_states):
    if state.is_failed() and any(reference.is_successful() for reference in reference_states):
        return Success("partly done", result=state.result)
    return state


@task
def step(x):
    if x < 0:
        raise ValueError("negative")
    return x


with Flow(
    "flow handlers",
    state_handlers=[watch],
    on_failure=lambda flow, state: SEEN.append([flow.name, "on_failure", isinstance(state, Failed)]),
    terminal_state_handler=forgive,
) as flow:
    x = Parameter("x", default=1)
    step(x)
    step(-1)

RUNS = [{}, {"x": -5}]
EXPECTED = ["Success", "Failed"]
