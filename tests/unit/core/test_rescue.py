"""What becomes of silent runs: the rules alone."""

from datetime import UTC, datetime, timedelta

import pytest

from eparch.core.rescue import (
    RescueRules,
    SilentTaskRun,
    are_heartbeats_expected,
    closing,
    is_heart_silent,
    is_lazarus_allowed,
    is_silent,
    reaping,
    resurrection,
)
from eparch.core.states import CONCRETE, FINISHED

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_the_newest_sign_of_life_counts_and_the_limit_itself_is_silence() -> None:
    rules = RescueRules(heartbeat_timeout_s=60)
    since = rules.since(NOW, is_leased=False)
    old, at, new = (NOW - timedelta(seconds=seconds) for seconds in (61, 60, 59.999999))
    assert is_silent(since, old, at, None)
    assert not is_silent(since, old, new, None)
    assert is_silent(since, None)


@pytest.mark.parametrize(
    ("beaten_s", "interval_s", "is_silent"),
    [
        (599, None, False),
        (600, None, True),
        (59, 10, False),
        (60, 10, True),
        # Two beats must be missed, however short the lease is.
        (60, 40, False),
        (79, 40, False),
        (80, 40, True),
        (1000, 600, False),
        (1200, 600, True),
    ],
)
def test_a_run_whose_client_says_how_often_it_beats_is_missed_sooner(
    beaten_s: int, interval_s: int | None, is_silent: bool
) -> None:
    heartbeat = NOW - timedelta(seconds=beaten_s)
    missed_at = None if interval_s is None else heartbeat + timedelta(seconds=2 * interval_s)
    assert is_heart_silent(RescueRules(), NOW, heartbeat, missed_at) is is_silent


def test_a_lease_never_makes_the_server_more_patient() -> None:
    rules = RescueRules(heartbeat_timeout_s=15)
    assert rules.silence_s(is_leased=True) == rules.silence_s(is_leased=False) == 15


@pytest.mark.parametrize(
    ("settings", "heartbeats", "lazarus"),
    [
        ({}, True, True),
        ({"heartbeat_enabled": None, "lazarus_enabled": None}, True, True),
        ({"heartbeat_enabled": False}, False, False),
        ({"lazarus_enabled": False}, True, False),
        ({"heartbeat_enabled": False, "lazarus_enabled": True}, False, False),
    ],
)
def test_only_a_plain_no_switches_off(settings: dict[str, object], heartbeats: bool, lazarus: bool) -> None:
    assert (are_heartbeats_expected(settings), is_lazarus_allowed(settings)) == (heartbeats, lazarus)


@pytest.mark.parametrize(("times", "limit", "state"), [(0, 1, "Scheduled"), (1, 1, "Failed"), (0, 0, "Failed")])
def test_a_flow_run_is_resurrected_up_to_the_limit(times: int, limit: int, state: str) -> None:
    rescue = resurrection(times, NOW, RescueRules(resurrections_max=limit))
    assert (rescue.new.name, rescue.is_resurrection) == (state, state == "Scheduled")
    assert rescue.new.start_time == (NOW if state == "Scheduled" else None)


@pytest.mark.parametrize(
    ("flow_run_state", "retries_count", "retries_max", "state"),
    [
        ("Running", 0, 1, "Retrying"),
        ("Running", 1, 2, "Retrying"),
        ("Running", 1, 1, "Failed"),
        ("Running", 0, None, "Failed"),
        ("Cancelling", 0, 1, "Failed"),
        ("Scheduled", 0, 1, "Failed"),
    ],
)
def test_a_task_run_retries_while_it_may(
    flow_run_state: str, retries_count: int, retries_max: int | None, state: str
) -> None:
    run = SilentTaskRun("id", "name", flow_run_state, retries_count, retries_max, 30)
    rescue = reaping(run, NOW, RescueRules())
    assert rescue.new.name == state
    if state == "Retrying":
        assert rescue.new.start_time == NOW + timedelta(seconds=30)
        assert rescue.new.document["run_count"] == retries_count + 1


@pytest.mark.parametrize("state", sorted(CONCRETE))
@pytest.mark.parametrize("flow_run_state", sorted(CONCRETE))
def test_only_what_is_unfinished_under_what_is_finished_is_closed(state: str, flow_run_state: str) -> None:
    rescue = closing(state, flow_run_state)
    if state in FINISHED or flow_run_state not in FINISHED:
        assert rescue is None
    elif flow_run_state == "Cancelled":
        assert rescue is not None
        assert rescue.new.name == "Cancelled"
    elif rescue is not None:
        assert rescue.new.name in {"Cancelled", "Failed"}
        assert rescue.new.start_time is None
