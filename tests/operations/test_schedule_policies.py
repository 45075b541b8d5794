"""Misfire and overlap policies, run by run, on both databases: downtime, races, and what a run says about itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.database.tables import flow, flow_run, flow_schedule, log
from eparch.operations.judging import _DUE_GROUPS, _NEXT_HELD, Judged, groups_to_judge, judge_groups, next_held
from eparch.operations.schedule_runs import _DUE as DUE_FLOWS
from eparch.operations.schedule_runs import schedule_flow_runs
from tests.databases import PostgreSQLDatabases
from tests.operations.backend import UNKNOWN, Backend
from tests.operations.conftest import opened
from tests.operations.samples import flow_document, interval_clock, make_project, register, schedule
from tests.operations.small_flow import set_state
from tests.operations.statement_plans import plan_of


@pytest.fixture
def project_id(backend: Backend) -> str:
    return make_project(backend)


def make(backend: Backend, project_id: str, document: dict[str, Any] | None = None, **policies: str) -> tuple[str, str]:
    """Register a flow that runs every hour, under policies; return the ids of the flow and of its group."""
    flow_id = register(backend, project_id, flow_document(schedule=document or schedule()))
    group_id = backend.row(flow, flow_id)["flow_group_id"]
    if policies:
        given = {"flow_group_id": group_id, **policies}
        assert backend.run("set_flow_group_schedule_policies", **given) == {"success": True}
    return flow_id, group_id


def judge(backend: Backend) -> Judged:
    with backend.transaction() as tx:
        return judge_groups(tx, groups_to_judge(tx, backend.now, limit=100), backend.now)


def look(backend: Backend) -> None:
    with backend.transaction() as tx:
        schedule_flow_runs(tx, None, backend.now)


def claim(backend: Backend) -> list[str]:
    """Let an agent take what is due; return the hours of what it gets."""
    runs = backend.run("claim_flow_runs", limit=200)["flow_runs"]
    for run in runs:
        set_state(backend, run["id"], "Running")
    return [run["scheduled_start_time"].strftime("%d %H") for run in runs]


def at(backend: Backend, hour: int) -> dict[str, Any]:
    (run,) = [run for run in backend.rows(flow_run) if run["scheduled_start_time"].strftime("%H") == f"{hour:02}"]
    return run


def end(backend: Backend, hour: int, state: str = "Success") -> None:
    set_state(backend, at(backend, hour)["id"], state)


def lines(backend: Backend, run: dict[str, Any]) -> list[str]:
    return [line["message"] for line in backend.rows(log, flow_run_id=run["id"])]


# ---- Misfire: the server was away from 12:01 to 09:30 of the next day; runs were made until 22:00 ----


@pytest.mark.parametrize(
    ("policy", "hours"),
    [
        ("skip", [f"02 {hour}" for hour in range(13, 23)]),
        ("latest", ["03 09"]),
        ("all", [*(f"02 {hour}" for hour in range(13, 24)), *(f"03 {hour:02}" for hour in range(10))]),
    ],
)
@pytest.mark.parametrize("is_scheduler_first", [True, False])
def test_after_a_time_without_a_server_missed_instants_are_made_up_for_as_wanted(
    backend: Backend, project_id: str, policy: str, hours: list[str], is_scheduler_first: bool
) -> None:
    make(backend, project_id, misfire_policy=policy)
    backend.move_clock(hours=21, minutes=29)
    for step in (look, judge) if is_scheduler_first else (judge, look, judge):
        step(backend)
    assert claim(backend) == hours
    look(backend)
    assert claim(backend) == []
    future = [run for run in backend.rows(flow_run) if run["scheduled_start_time"] > backend.now]
    assert len(future) == 10


def test_runs_that_a_later_one_replaces_say_so(backend: Backend, project_id: str) -> None:
    make(backend, project_id, misfire_policy="latest")
    backend.move_clock(hours=2)
    assert judge(backend) == Judged(released=1, skipped=1)
    skipped, released = at(backend, 13), at(backend, 14)
    assert skipped["state"] == "Skipped"
    assert skipped["state_message"] == (
        f"Skipped: flow run {released['name']} of 2026-03-02 14:00:00 UTC takes its place (misfire policy latest)."
    )
    assert lines(backend, skipped) == [skipped["state_message"]]
    assert (released["state"], released["version"], released["held_by"]) == ("Scheduled", 1, None)


def test_the_latest_of_each_clock_is_kept(backend: Backend, project_id: str) -> None:
    clocks = [interval_clock(60), interval_clock(180, parameter_defaults={"x": 1})]
    make(backend, project_id, schedule(*clocks), misfire_policy="latest")
    backend.move_clock(hours=29)
    look(backend)
    judge(backend)
    assert claim(backend) == ["03 15", "03 17"]


def test_no_more_than_a_hundred_missed_instants_are_made_up_for(backend: Backend, project_id: str) -> None:
    make(backend, project_id, misfire_policy="all")
    backend.move_clock(days=400)
    look(backend)
    late = [run for run in backend.rows(flow_run) if run["scheduled_start_time"] <= backend.now]
    assert len(late) == 100 + 10
    assert max(run["scheduled_start_time"] for run in late) == backend.now.replace(minute=0)


def test_a_pause_is_no_downtime(backend: Backend, project_id: str) -> None:
    flow_id, _ = make(backend, project_id, misfire_policy="all")
    backend.run("set_schedule_inactive", flow_id=flow_id)
    assert backend.count(flow_run) == backend.count(flow_schedule) == 0
    backend.move_clock(days=1)
    backend.run("set_schedule_active", flow_id=flow_id)
    assert backend.count(flow_run) == 10
    assert min(run["scheduled_start_time"] for run in backend.rows(flow_run)) > backend.now


def test_another_schedule_does_not_look_back(backend: Backend, project_id: str) -> None:
    _, group_id = make(backend, project_id, misfire_policy="all")
    backend.move_clock(days=1)
    backend.run("set_flow_group_schedule", flow_group_id=group_id, interval_clocks=[{"interval": 60}])
    assert min(run["scheduled_start_time"] for run in backend.rows(flow_run)) > backend.now


# ---- Overlap: 13:00 is running when 14:00 and 15:00 come ----


def test_under_allow_nothing_is_held(backend: Backend, project_id: str) -> None:
    make(backend, project_id, overlap_policy="allow", misfire_policy="all")
    backend.move_clock(hours=2)
    assert judge(backend) == Judged()
    assert claim(backend) == ["02 13", "02 14"]


def test_a_run_that_overlaps_is_skipped_and_says_why(backend: Backend, project_id: str) -> None:
    make(backend, project_id, overlap_policy="skip")
    backend.move_clock(hours=1)
    assert claim(backend) == []
    judge(backend)
    assert claim(backend) == ["02 13"]
    backend.move_clock(hours=1)
    assert judge(backend) == Judged(skipped=1)
    run = at(backend, 14)
    assert run["state"] == "Skipped"
    assert run["state_message"] == (
        f"Skipped: flow run {at(backend, 13)['name']} of 2026-03-02 13:00:00 UTC had not ended (overlap policy skip)."
    )
    assert lines(backend, run) == [run["state_message"]]
    end(backend, 13)
    backend.move_clock(hours=1)
    judge(backend)
    assert claim(backend) == ["02 15"]


def test_runs_that_overlap_wait_in_a_line(backend: Backend, project_id: str) -> None:
    make(backend, project_id, overlap_policy="queue")
    backend.move_clock(hours=3)
    assert judge(backend) == Judged(released=1, held=2)
    assert claim(backend) == ["02 13"]
    assert judge(backend) == Judged(held=2)
    waiting = at(backend, 14)
    assert (waiting["state"], waiting["version"]) == ("Scheduled", 2)
    assert waiting["state_message"] == (
        f"Waiting for flow run {at(backend, 13)['name']} of 2026-03-02 13:00:00 UTC to end (overlap policy queue)."
    )
    assert waiting["state_start_time"] == waiting["scheduled_start_time"]
    end(backend, 13, "Failed")
    assert "flow_run_ended" in backend.touched
    assert judge(backend) == Judged(released=1, held=1)
    assert lines(backend, waiting) == [waiting["state_message"], "Those before it have ended; it may start."]
    assert claim(backend) == ["02 14"]
    end(backend, 14)
    judge(backend)
    assert claim(backend) == ["02 15"]


def test_the_running_one_is_asked_to_stop_and_the_newest_starts_when_it_has(backend: Backend, project_id: str) -> None:
    make(backend, project_id, overlap_policy="cancel_running")
    backend.move_clock(hours=1)
    judge(backend)
    assert claim(backend) == ["02 13"]
    backend.move_clock(hours=2)
    assert judge(backend) == Judged(skipped=1, held=1, cancelled=1)
    assert at(backend, 13)["state"] == "Cancelling"
    assert at(backend, 14)["state"] == "Skipped"
    newest = f"flow run {at(backend, 15)['name']} of 2026-03-02 15:00:00 UTC"
    assert lines(backend, at(backend, 13)) == [f"Asked to stop: {newest} is due (overlap policy cancel_running)."]
    assert judge(backend) == Judged(held=1)
    assert claim(backend) == []
    end(backend, 13, "Cancelled")
    assert judge(backend) == Judged(released=1)
    assert claim(backend) == ["02 15"]


def test_one_that_has_not_started_is_cancelled_at_once(backend: Backend, project_id: str) -> None:
    make(backend, project_id, overlap_policy="cancel_running")
    backend.move_clock(hours=1)
    judge(backend)
    backend.move_clock(hours=1)
    assert judge(backend) == Judged(held=1, cancelled=1)
    assert at(backend, 13)["state"] == "Cancelled"
    assert judge(backend) == Judged(released=1)
    assert claim(backend) == ["02 14"]


def test_runs_of_earlier_versions_count_and_runs_by_hand_do_not(backend: Backend, project_id: str) -> None:
    flow_id, _ = make(backend, project_id, overlap_policy="skip")
    by_hand = backend.run("create_flow_run", flow_id=flow_id)["id"]
    backend.run("claim_flow_runs")
    set_state(backend, by_hand, "Running")
    backend.move_clock(hours=1)
    assert judge(backend) == Judged(released=1)
    claim(backend)
    register(backend, project_id, flow_document(schedule=schedule()))
    backend.move_clock(hours=1)
    assert judge(backend) == Judged(skipped=1)


def test_paused_schedules_take_waiting_runs_with_them(backend: Backend, project_id: str) -> None:
    flow_id, _ = make(backend, project_id, overlap_policy="queue")
    backend.move_clock(hours=2)
    judge(backend)
    claim(backend)
    assert at(backend, 14)["state_message"].startswith("Waiting")
    backend.run("set_schedule_inactive", flow_id=flow_id)
    assert [run["state"] for run in backend.rows(flow_run)] == ["Running"]
    backend.run("set_schedule_active", flow_id=flow_id)
    assert backend.count(flow_run) == 11


def test_a_held_run_that_is_cancelled_is_left_alone(backend: Backend, project_id: str) -> None:
    make(backend, project_id, overlap_policy="queue")
    backend.move_clock(hours=1)
    backend.run("cancel_flow_run", flow_run_id=at(backend, 13)["id"])
    assert judge(backend) == Judged()
    due = at(backend, 14)["scheduled_start_time"]
    with backend.transaction() as tx:
        assert next_held(tx, backend.now) == due


# ---- Setting them ----


def test_policies_hold_for_runs_that_are_made_already(backend: Backend, project_id: str) -> None:
    _, group_id = make(backend, project_id)
    ids = {run["id"] for run in backend.rows(flow_run)}
    assert {run["held_by"] for run in backend.rows(flow_run)} == {None}
    for policy, holder in (("queue", "schedule_policies"), ("allow", None)):
        backend.run("set_flow_group_schedule_policies", flow_group_id=group_id, overlap_policy=policy)
        assert {run["held_by"] for run in backend.rows(flow_run)} == {holder}
        assert {run["id"] for run in backend.rows(flow_run)} == ids


def test_the_daylight_rule_makes_runs_at_other_instants(backend: Backend, project_id: str) -> None:
    clock = {
        "type": "CronClock",
        "cron": "30 2 29-31 3 *",
        "start_date": {"dt": "2026-03-01T00:00:00", "tz": "Europe/Paris"},
    }
    _, group_id = make(backend, project_id, schedule(clock))

    def days() -> list[str]:
        runs = [run for run in backend.rows(flow_run) if run["scheduled_start_time"].year == 2026]
        return sorted(run["scheduled_start_time"].strftime("%d %H:%M") for run in runs)

    assert days() == ["29 01:30", "30 00:30", "31 00:30"]
    backend.run("set_flow_group_schedule_policies", flow_group_id=group_id, daylight_rule="strict")
    assert days() == ["30 00:30", "31 00:30"]


def test_what_cannot_be_set_is_refused(backend: Backend, project_id: str) -> None:
    _, group_id = make(backend, project_id)
    with pytest.raises(BadInput, match="no policy"):
        backend.run("set_flow_group_schedule_policies", flow_group_id=group_id)
    unknown = {"flow_group_id": UNKNOWN, "overlap_policy": "skip"}
    assert backend.run("set_flow_group_schedule_policies", **unknown) == {"success": False}


def test_defaults_reach_the_runs_that_are_made_already_but_not_late_ones(backend: Backend, project_id: str) -> None:
    _, group_id = make(backend, project_id)
    backend.move_clock(hours=1)
    ids = {run["id"] for run in backend.rows(flow_run)}
    backend.run("set_flow_group_default_parameters", flow_group_id=group_id, parameters={"x": 7})
    backend.run("set_flow_group_labels", flow_group_id=group_id, labels=["new"])
    runs = backend.rows(flow_run)
    assert ids < {run["id"] for run in runs}
    for run in runs:
        is_late = run["scheduled_start_time"] <= backend.now
        assert (run["parameters"].get("x") == 7) is not is_late
        assert (run["labels"] == ["new"]) is not is_late


# ---- Races ----


@pytest.fixture
def postgresql(postgresql_databases: PostgreSQLDatabases) -> Iterator[Backend]:
    with opened(postgresql_databases) as backend:
        yield backend


@pytest.mark.parametrize("policy", ["skip", "queue", "cancel_running"])
def test_of_many_servers_that_judge_at_once_none_lets_a_second_run_through(postgresql: Backend, policy: str) -> None:
    project_id = make_project(postgresql)
    for name in range(3):
        flow_id = register(postgresql, project_id, flow_document(str(name), schedule=schedule()))
        group_id = postgresql.row(flow, flow_id)["flow_group_id"]
        postgresql.run("set_flow_group_schedule_policies", flow_group_id=group_id, overlap_policy=policy)
    for _ in range(4):
        postgresql.move_clock(hours=1)
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(judge, postgresql) for _ in range(8)]:
                done.result(timeout=60)
        judge(postgresql)
        through = [
            run
            for run in postgresql.rows(flow_run)
            if run["held_by"] is None and run["state"] not in ("Cancelled", "Skipped")
        ]
        assert len(through) == len({run["flow_id"] for run in through}) <= 3
        for run in through:
            set_state(postgresql, run["id"], "Running")


def test_servers_that_make_up_for_missed_instants_at_once_make_no_doubles(postgresql: Backend) -> None:
    project_id = make_project(postgresql)
    make(postgresql, project_id, misfire_policy="all")
    postgresql.move_clock(days=2)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(look, postgresql) for _ in range(8)]:
            done.result(timeout=60)
    starts = [run["scheduled_start_time"] for run in postgresql.rows(flow_run)]
    assert len(starts) == len(set(starts)) == 48 + 10


# ---- What it costs ----


def test_what_is_due_is_found_by_indexes(backend: Backend) -> None:
    for statement in (_DUE_GROUPS, _NEXT_HELD):
        assert "ix_flow_run_held" in str(plan_of(backend, statement, {"now": backend.now, "limit": 10}))
    assert "ix_flow_schedule_due" in str(plan_of(backend, DUE_FLOWS, {"now": backend.now, "limit": 10}))
