"""The rules of `core.transitions`, each named for what it promises."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eparch.core.errors import BadInput
from eparch.core.states import CONCRETE, FINISHED, QUEUEABLE, RUNNING
from eparch.core.transitions import Decision, Refusal, RunNow, cancellation, decide, made_state, parse_state

NOW = datetime(2026, 1, 31, 6, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
NAMES = st.sampled_from(sorted(CONCRETE))


def run(state: str | None = "Pending", **changes: Any) -> RunNow:
    return RunNow(**{"state": state, "version": 3, "start_time": None, "end_time": None} | changes)


def entered(now: RunNow, name: str, *, is_flow_run: bool = True) -> Decision:
    decision = decide(now, parse_state({"type": name}, NOW), NOW, is_flow_run=is_flow_run)
    assert isinstance(decision, Decision), decision
    return decision


@given(NAMES, NAMES)
def test_only_a_waiting_flow_run_can_be_submitted_and_all_else_is_allowed(before: str, after: str) -> None:
    decision = decide(run(before), parse_state({"type": after}, NOW), NOW, is_flow_run=True)
    assert isinstance(decision, Refusal) == (after == "Submitted" and before not in QUEUEABLE)


@given(NAMES, NAMES, NAMES)
def test_a_task_run_runs_only_while_its_flow_run_is_running(flow: str, before: str, after: str) -> None:
    decision = decide(run(before, flow_run_state=flow), parse_state({"type": after}, NOW), NOW, is_flow_run=False)
    assert isinstance(decision, Refusal) == (after in RUNNING and flow != "Running")


def test_an_agent_that_comes_second_reads_that_the_run_has_been_submitted() -> None:
    refusal = decide(run("Submitted"), made_state("Submitted", ""), NOW, is_flow_run=True)
    assert isinstance(refusal, Refusal)
    assert "already been submitted" in refusal.reason


@given(NAMES.filter(lambda name: name != "Submitted"))
def test_every_change_counts_one_version(name: str) -> None:
    assert entered(run(), name).version == 4


def test_the_first_running_sets_the_start_and_a_later_one_does_not_move_it() -> None:
    assert entered(run(), "Running").start_time == NOW
    assert entered(run(start_time=EARLIER), "Running").start_time == EARLIER
    assert entered(run(), "Cancelling").start_time is None


@given(NAMES.filter(lambda name: name != "Submitted"))
def test_the_end_is_set_by_every_finished_state_and_cleared_by_every_other(name: str) -> None:
    assert entered(run("Failed", end_time=EARLIER), name).end_time == (NOW if name in FINISHED else None)


def test_running_and_submitting_count_as_signs_of_life() -> None:
    assert entered(run("Scheduled"), "Submitted").beats
    assert entered(run(), "Running").beats
    assert entered(run(), "Cancelling").beats
    assert not entered(run(), "Success").beats
    assert not entered(run(flow_run_state="Running"), "Submitted", is_flow_run=False).beats


def test_only_cancelling_a_flow_run_ends_its_task_runs() -> None:
    assert entered(run(), "Cancelled").cancels_task_runs
    assert not entered(run(), "Failed").cancels_task_runs
    assert not entered(run(), "Cancelled", is_flow_run=False).cancels_task_runs


@given(st.none() | NAMES)
def test_cancelling_asks_a_running_run_ends_a_waiting_one_and_leaves_a_finished_one(state: str | None) -> None:
    expected = None if state in FINISHED else "Cancelling" if state in RUNNING else "Cancelled"
    assert cancellation(state) == expected


@pytest.mark.parametrize("document", [None, [], "Running", 3, {}, {"type": None}, {"type": "Weird"}, {"type": "State"}])
def test_what_is_no_state_is_refused(document: object) -> None:
    with pytest.raises(BadInput):
        parse_state(document, NOW)


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadInput) as caught:
        parse_state({"type": "Sucess"}, NOW)
    assert "Success" in caught.value.hint


def test_a_waiting_state_without_a_start_time_starts_now_except_when_paused() -> None:
    scheduled = parse_state({"type": "Scheduled"}, NOW)
    assert scheduled.start_time == NOW
    assert scheduled.document["start_time"] == "2026-01-31T06:00:00.000000+00:00"
    assert parse_state({"type": "Paused", "start_time": None}, NOW).start_time is None


def test_a_state_that_does_not_wait_has_no_start_time_even_if_it_is_sent_one() -> None:
    assert parse_state({"type": "Running", "start_time": "2026-01-01"}, NOW).start_time is None


def test_a_start_time_is_read_in_any_zone_and_must_be_an_instant() -> None:
    assert parse_state({"type": "Retrying", "start_time": "2026-01-31T01:00:00-05:00"}, NOW).start_time == NOW
    with pytest.raises(BadInput):
        parse_state({"type": "Retrying", "start_time": "soon"}, NOW)
    with pytest.raises(BadInput):
        parse_state({"type": "Retrying", "start_time": 12}, NOW)


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: key not in {"type", "message"}), st.integers()))
def test_members_that_nobody_knows_are_kept(extra: dict[str, int]) -> None:
    document = {"type": "Success", **extra}
    assert parse_state(document, NOW).document == document
