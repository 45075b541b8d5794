"""The table of states, against what Prefect 1.x clients expect of it."""

import pytest

from eparch.core import states


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Pending", {"Pending", "Scheduled", "Paused", "Resume", "Retrying"}),
        ("Scheduled", {"Scheduled", "Paused", "Resume", "Retrying"}),
        ("Running", {"Running", "Cancelling"}),
        ("Success", {"Success", "Cached", "Mapped", "Skipped"}),
        ("Failed", {"Failed", "TimedOut", "TriggerFailed", "ValidationFailed"}),
        ("Submitted", {"Submitted"}),
        ("Queued", {"Queued"}),
        ("_MetaState", {"ClientFailed", "Submitted", "Queued"}),
    ],
)
def test_a_family_is_a_state_with_everything_below_it(name: str, family: set[str]) -> None:
    assert set(states.descendants(name)) == family


def test_states_that_wrap_another_are_neither_pending_nor_running_nor_finished() -> None:
    assert not {"Submitted", "Queued", "ClientFailed"} & (states.PENDING | states.RUNNING | states.FINISHED)


def test_every_concrete_state_belongs_to_the_root() -> None:
    hierarchy = states.state_hierarchy()
    assert set(hierarchy["State"]) == set(states.STATES)
    assert set(states.CONCRETE) == set(states.STATES) - {"State", "_MetaState"}


def test_every_parent_is_in_the_table_and_every_colour_is_one() -> None:
    for state in states.STATES.values():
        assert state.parent is None or state.parent in states.STATES
        assert len(state.color) == 7
        int(state.color[1:], 16)


def test_queueable_states_are_the_scheduled_family_and_queued() -> None:
    assert {"Scheduled", "Paused", "Resume", "Retrying", "Queued"} == states.QUEUEABLE
