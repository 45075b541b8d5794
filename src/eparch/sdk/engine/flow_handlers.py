"""What a flow's own handlers say to its changes of state.

In charge of calling them; not in charge of tasks' handlers (`attempts`).
"""

import logging
from typing import TYPE_CHECKING, Final

from eparch.sdk import signals, states
from eparch.sdk.states import State

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow

_logger: Final = logging.getLogger("eparch.flow_run")


def entered(flow: "Flow", old: State, new: State) -> State:
    """Let the flow's state handlers see a change; return the state that is entered after all."""
    try:
        for handler in flow.state_handlers:
            changed = handler(flow, old, new)
            if isinstance(changed, State):
                new = changed
    except signals.Signal as signal:
        return signal.state
    except Exception as error:
        _logger.error("Flow %r: error in a state handler", flow.name, exc_info=error)
        return states.Failed(f"Unexpected error while calling state handlers: {error!r}", result=new.result)
    return new


def finished(flow: "Flow", old: State, new: State) -> State:
    """Let the terminal handler and the state handlers see the end of a run; return its final state."""
    results = new.result
    if flow.terminal_state_handler is not None and new.is_finished():
        references = [results[task] for task in flow.reference_tasks()]
        try:
            changed = flow.terminal_state_handler(flow, new, references)
            new = changed if isinstance(changed, State) else new
        except Exception as error:
            _logger.error("Flow %r: error in the terminal state handler", flow.name, exc_info=error)
            new = states.Failed(f"Unexpected error while calling the terminal state handler: {error!r}")
    new = entered(flow, old, new)
    # Whatever a handler made of the state, the states of the tasks stay in it.
    if not isinstance(new.result, dict):
        new.result = results
    return new
