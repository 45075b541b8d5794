"""The table of run states: every state, its parent, its colour and its meaning.

In charge of what states exist and how they are related; not in charge of which change is allowed when
(`transitions`). CHECK constraints, `reference_data`, the docs and the UI's colours come from this one table.

A family is a state with all its descendants: `Cancelling` is a kind of `Running`, `Skipped` a kind of `Success`.
`Submitted`, `Queued` and `ClientFailed` wrap another state; they descend from `State` alone, so they are neither
pending, running nor finished.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StateType:
    """One row of the table.

    Attributes:
        name: what clients call it, and what the `state` columns hold.
        parent: the state it is a kind of; None for the root only.
        color: hexadecimal colour for people's eyes.
        meaning: one sentence for the docs.
        is_abstract: True for states that no run is ever in.
    """

    name: str
    parent: str | None
    color: str
    meaning: str
    is_abstract: bool = False


_TABLE: Final = (
    StateType("State", None, "#000000", "The root of all states.", is_abstract=True),
    StateType("Pending", "State", "#d3d3d3", "Waiting to be run."),
    StateType("Scheduled", "Pending", "#ffab00", "Waiting for its start time."),
    StateType("Paused", "Scheduled", "#99a8e8", "Waiting for somebody to approve it."),
    StateType("Resume", "Scheduled", "#fb8532", "Approved; waiting to be picked up again."),
    StateType("Retrying", "Scheduled", "#ff8533", "Failed before; waiting for the next attempt."),
    StateType("_MetaState", "State", "#000000", "The root of states that wrap another state.", is_abstract=True),
    StateType("ClientFailed", "_MetaState", "#eb0000", "A client could not tell the server about a change."),
    StateType("Submitted", "_MetaState", "#ffd700", "Taken by an agent; its environment is being started."),
    StateType("Queued", "_MetaState", "#ffd800", "Waiting for a free concurrency slot."),
    StateType("Running", "State", "#3d67ff", "User code is being executed."),
    StateType("Cancelling", "Running", "#bdbdbd", "Asked to stop; not stopped yet."),
    StateType("Finished", "State", "#003ccb", "At its end."),
    StateType("Looped", "Finished", "#003ccb", "One iteration of a loop is done; another follows."),
    StateType("Success", "Finished", "#27b1ff", "Ended well."),
    StateType("Cached", "Success", "#62757f", "Ended well; the result may be used again until it expires."),
    StateType("Mapped", "Success", "#97ffff", "Became one child for each item; the children do the work."),
    StateType("Skipped", "Success", "#62757f", "Not needed this time."),
    StateType("Cancelled", "Finished", "#bdbdbd", "Stopped on request."),
    StateType("Failed", "Finished", "#eb0000", "Ended with an error."),
    StateType("TimedOut", "Failed", "#cf5a00", "Took longer than its limit."),
    StateType("TriggerFailed", "Failed", "#f0544f", "Not run, because what came before it did not end as needed."),
    StateType("ValidationFailed", "Failed", "#f0544f", "Its result did not pass validation."),
)

STATES: Final[dict[str, StateType]] = {state.name: state for state in _TABLE}


def descendants(name: str) -> tuple[str, ...]:
    """Return the concrete states of the family of `name`, itself first where it is concrete.

    Raises:
        KeyError: there is no such state.
    """
    members = [STATES[name], *(state for state in _TABLE if name in _ancestors(state))]
    return tuple(state.name for state in members if not state.is_abstract)


def state_hierarchy() -> dict[str, list[str]]:
    """Return each state, abstract ones too, with itself and everything below it: what `reference_data` shows."""
    return {
        name: [other for other, row in STATES.items() if other == name or name in _ancestors(row)] for name in STATES
    }


def _ancestors(state: StateType) -> list[str]:
    names = []
    while state.parent is not None:
        names.append(state.parent)
        state = STATES[state.parent]
    return names


CONCRETE: Final = frozenset(descendants("State"))
PENDING: Final = frozenset(descendants("Pending"))
SCHEDULED: Final = frozenset(descendants("Scheduled"))
RUNNING: Final = frozenset(descendants("Running"))
FINISHED: Final = frozenset(descendants("Finished"))
SUCCESSFUL: Final = frozenset(descendants("Success"))
FAILED: Final = frozenset(descendants("Failed"))

# A run in one of these waits for an instant: agents are offered it once `state_start_time` has come.
QUEUEABLE: Final = SCHEDULED | {"Queued"}

# A finished state that another state follows by itself is not the end of the run.
ENDING: Final = FINISHED - {"Looped"}
