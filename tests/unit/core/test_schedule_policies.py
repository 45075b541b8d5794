"""The verdict on scheduled runs that are due, for every pair of policies."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eparch.core.schedule_policies import MisfirePolicy, OverlapPolicy, ScheduledRun, is_held, judge

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def run(hour: int, clock: str = "", *, is_cancelling: bool = False) -> ScheduledRun:
    return ScheduledRun(f"{hour}{clock}", f"run-{hour}", NOON + timedelta(hours=hour), clock, is_cancelling)


@pytest.mark.parametrize(("misfire", "overlap"), list(product(MisfirePolicy, OverlapPolicy)))
def test_runs_are_held_only_for_groups_that_want_a_verdict(misfire: str, overlap: str) -> None:
    assert is_held(misfire, overlap) == (misfire == "latest" or overlap != "allow")


@pytest.mark.parametrize(
    ("misfire", "overlap", "active", "released", "skipped", "held", "cancelled"),
    [
        ("skip", "allow", [], ["1", "2", "3"], [], [], []),
        ("skip", "allow", [0], ["1", "2", "3"], [], [], []),
        ("latest", "allow", [0], ["3"], ["1", "2"], [], []),
        ("skip", "skip", [], ["1"], ["2", "3"], [], []),
        ("skip", "skip", [0], [], ["1", "2", "3"], [], []),
        ("latest", "skip", [], ["3"], ["1", "2"], [], []),
        ("skip", "queue", [], ["1"], [], ["2", "3"], []),
        ("all", "queue", [0], [], [], ["1", "2", "3"], []),
        ("latest", "queue", [0], [], ["1", "2"], ["3"], []),
        ("skip", "cancel_running", [], ["3"], ["1", "2"], [], []),
        ("skip", "cancel_running", [0], [], ["1", "2"], ["3"], ["0"]),
    ],
)
def test_three_runs_are_due(
    misfire: str,
    overlap: str,
    active: list[int],
    released: list[str],
    skipped: list[str],
    held: list[str],
    cancelled: list[str],
) -> None:
    verdict = judge(misfire, overlap, [run(3), run(1), run(2)], [run(hour) for hour in active])
    assert verdict.released == released
    assert sorted(verdict.skipped) == skipped
    assert sorted(verdict.held) == held
    assert sorted(verdict.cancelled) == cancelled


def test_the_latest_is_kept_of_each_clock() -> None:
    verdict = judge("latest", "allow", [run(1, "a"), run(2, "a"), run(1, "b")], [])
    assert sorted(verdict.released) == ["1b", "2a"]
    assert list(verdict.skipped) == ["1a"]


def test_one_that_stops_already_is_not_asked_again() -> None:
    verdict = judge("skip", "cancel_running", [run(1)], [run(0, is_cancelling=True)])
    assert (verdict.cancelled, list(verdict.held)) == ({}, ["1"])


def test_nothing_is_cancelled_for_nothing() -> None:
    assert judge("skip", "cancel_running", [], [run(0)]).cancelled == {}


@given(
    misfire=st.sampled_from(MisfirePolicy),
    overlap=st.sampled_from(OverlapPolicy),
    due=st.lists(st.builds(run, st.integers(1, 9), st.sampled_from("ab")), unique_by=lambda one: one.id),
    active=st.lists(st.builds(run, st.integers(-5, 0)), unique_by=lambda one: one.id, max_size=3),
)
def test_every_run_has_one_fate_and_no_two_overlap(
    misfire: MisfirePolicy, overlap: OverlapPolicy, due: list[ScheduledRun], active: list[ScheduledRun]
) -> None:
    verdict = judge(misfire, overlap, due, active)
    fates = [*verdict.released, *verdict.skipped, *verdict.held]
    assert sorted(fates) == sorted(one.id for one in due)
    if overlap is not OverlapPolicy.ALLOW:
        assert len(verdict.released) <= (0 if active else 1)
        assert not due or active or verdict.released, "nothing is in the way, and nothing starts"
    if due:
        assert max(due, key=lambda one: (one.start_time, one.id)).id not in verdict.skipped or overlap == "skip"
