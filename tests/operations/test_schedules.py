"""Schedules: switched on and off, and the runs that they keep in the database."""

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.core.schedules import Span
from eparch.core.transitions import made_state
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state, task_run
from eparch.operations.run_kinds import FLOW_RUN
from eparch.operations.schedule_runs import Counts, flows_lacking_runs, schedule_flow_runs
from eparch.operations.states import enter_states
from tests.operations.backend import OTHER_TENANT, START, TENANT, UNKNOWN, Backend
from tests.operations.samples import (
    begun_again,
    flow_document,
    interval_clock,
    make_project,
    parameter,
    register,
    schedule,
    task,
)


@pytest.fixture
def project_id(backend: Backend) -> str:
    return make_project(backend)


def register_inactive(backend: Backend, project_id: str, *clocks: dict[str, Any], **more: Any) -> str:
    document = flow_document(schedule=schedule(*clocks), **more)
    return register(backend, project_id, document, set_schedule_active=False)


def group_id_of(backend: Backend, flow_id: str) -> str:
    found: str = backend.row(flow, flow_id)["flow_group_id"]
    return found


def runs(backend: Backend, flow_id: str) -> list[dict[str, Any]]:
    return sorted(backend.rows(flow_run, flow_id=flow_id), key=lambda row: row["scheduled_start_time"])


def instants(backend: Backend, flow_id: str) -> list[datetime]:
    return [run["scheduled_start_time"] for run in runs(backend, flow_id)]


def hours(first: int, count: int = 10) -> list[datetime]:
    return [START.replace(hour=0) + timedelta(hours=first + index) for index in range(count)]


def schedule_all(backend: Backend, runs_ahead: int = 10) -> Counts:
    with backend.transaction() as tx:
        return schedule_flow_runs(tx, None, backend.now, Span(runs_ahead))


# ---- On ----


def test_switching_on_makes_the_next_ten_runs(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id, tasks=[task("a")], parameters=[parameter("x", 0)])
    assert backend.run("set_schedule_active", flow_id=flow_id) == {"success": True}
    assert backend.row(flow, flow_id)["is_schedule_active"] is True
    made = runs(backend, flow_id)
    assert instants(backend, flow_id) == hours(13)
    assert {"flow_run", "flow_run_state"} <= backend.touched
    for run in made:
        assert (run["state"], run["version"], run["auto_scheduled"]) == ("Scheduled", 1, True)
        assert (run["parameters"], run["labels"], run["context"]) == ({"x": 0}, [], {})
        assert run["run_config"]["type"] == "UniversalRun"
        assert run["state_start_time"] == run["scheduled_start_time"]
        assert run["serialized_state"]["type"] == "Scheduled"
        assert datetime.fromisoformat(run["serialized_state"]["start_time"]) == run["scheduled_start_time"]
        assert (run["times_resurrected"], run["has_task_runs"], run["tenant_id"]) == (0, False, TENANT)
        (state,) = backend.rows(flow_run_state, flow_run_id=run["id"])
        assert (state["state"], state["version"], state["timestamp"]) == ("Scheduled", 1, backend.now)
    assert len({run["name"] for run in made}) > 1
    assert backend.count(task_run) == 0


def test_switching_on_again_makes_no_second_runs(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id)
    for _ in range(3):
        assert backend.run("set_schedule_active", flow_id=flow_id) == {"success": True}
    assert backend.touched == set()
    assert instants(backend, flow_id) == hours(13)
    backend.move_clock(hours=3)
    backend.run("set_schedule_active", flow_id=flow_id)
    assert backend.touched == {"flow_run", "flow_run_state", "flow_schedule", "queue"}
    assert instants(backend, flow_id) == hours(13, 13)


def test_a_flow_without_any_schedule_stays_off(backend: Backend, project_id: str) -> None:
    flow_id = register(backend, project_id)
    assert backend.run("set_schedule_active", flow_id=flow_id) == {"success": False}
    assert backend.row(flow, flow_id)["is_schedule_active"] is False


def test_unknown_flows_and_another_tenants_are_alike(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id)
    for name in ("set_schedule_active", "set_schedule_inactive"):
        assert backend.run(name, flow_id=UNKNOWN) == {"success": False}
        assert backend.run(name, Principal(OTHER_TENANT), flow_id=flow_id) == {"success": False}
    assert runs(backend, flow_id) == []


def test_a_schedule_of_the_group_hides_the_flows(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id, interval_clock(60))
    backend.run(
        "set_flow_group_schedule", flow_group_id=group_id_of(backend, flow_id), cron_clocks=[{"cron": "30 * * * *"}]
    )
    backend.run("set_schedule_active", flow_id=flow_id)
    assert instants(backend, flow_id) == [hour + timedelta(minutes=30) for hour in hours(12)]


def test_an_archived_flow_is_switched_on_for_later(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id)
    backend.run("archive_flow", flow_id=flow_id)
    assert backend.run("set_schedule_active", flow_id=flow_id) == {"success": True}
    assert (backend.row(flow, flow_id)["is_schedule_active"], runs(backend, flow_id)) == (True, [])
    backend.run("unarchive_flow", flow_id=flow_id)
    assert instants(backend, flow_id) == hours(13)


WITH_X = {"parameters": [parameter("x", required=True), parameter("y", required=True)]}


def test_required_parameters_may_come_from_clocks_and_group_together(backend: Backend, project_id: str) -> None:
    clocks = [interval_clock(parameter_defaults={"x": 1}), interval_clock(90, parameter_defaults={"x": 2, "y": 0})]
    flow_id = register_inactive(backend, project_id, *clocks, **WITH_X)
    with pytest.raises(BadInput, match=r"required parameters.*: y\."):
        backend.run("set_schedule_active", flow_id=flow_id)
    assert (backend.row(flow, flow_id)["is_schedule_active"], runs(backend, flow_id)) == (False, [])
    backend.run(
        "set_flow_group_default_parameters", flow_group_id=group_id_of(backend, flow_id), parameters={"y": None}
    )
    assert backend.run("set_schedule_active", flow_id=flow_id) == {"success": True}
    assert {(run["parameters"]["x"], run["parameters"]["y"]) for run in runs(backend, flow_id)} == {(1, None), (2, 0)}


@pytest.mark.parametrize("clock", [{"cron": "0 * * * *"}, {"cron": "0 * * * *", "parameter_defaults": {"x": 1}}])
def test_the_clocks_of_the_group_must_give_them_too(backend: Backend, project_id: str, clock: dict[str, Any]) -> None:
    mine = interval_clock(parameter_defaults={"x": 1, "y": 2})
    flow_id = register_inactive(backend, project_id, mine, **WITH_X)
    group_id = group_id_of(backend, flow_id)
    backend.run("set_flow_group_schedule", flow_group_id=group_id, cron_clocks=[clock])
    with pytest.raises(BadInput, match="required parameters"):
        backend.run("set_schedule_active", flow_id=flow_id)
    whole = {"cron": "0 * * * *", "parameter_defaults": {"x": 3, "y": 4}}
    backend.run("set_flow_group_schedule", flow_group_id=group_id, cron_clocks=[whole])
    assert backend.run("set_schedule_active", flow_id=flow_id) == {"success": True}
    assert [run["parameters"] for run in runs(backend, flow_id)] == [{"x": 3, "y": 4}] * 10


def test_a_schedule_that_cannot_be_read_is_an_error(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id, {"type": "SunDial"})
    with pytest.raises(BadInput, match="SunDial"):
        backend.run("set_schedule_active", flow_id=flow_id)


# ---- Off ----


def test_switching_off_deletes_what_the_schedule_made_and_nobody_took(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id)
    other = register_inactive(backend, project_id, name="other")
    for each in (flow_id, other):
        backend.run("set_schedule_active", flow_id=each)
    manual = backend.run("create_flow_run", flow_id=flow_id)["id"]
    taken, late, *_ = runs(backend, flow_id)[1:]
    with backend.transaction() as tx:
        enter_states(tx, FLOW_RUN, TENANT, [(taken["id"], made_state("Submitted", ""))], backend.now)
    backend.now = late["scheduled_start_time"] + timedelta(hours=1)
    assert backend.run("set_schedule_inactive", flow_id=flow_id) == {"success": True}
    assert backend.row(flow, flow_id)["is_schedule_active"] is False
    assert {run["id"] for run in runs(backend, flow_id)} == {manual, taken["id"]}
    assert backend.count(flow_run_state) == 1 + 2 + 10
    assert len(runs(backend, other)) == 10
    assert backend.run("set_schedule_inactive", flow_id=flow_id) == {"success": True}


def test_what_has_begun_and_waits_again_outlives_its_schedule(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id)
    backend.run("set_schedule_active", flow_id=flow_id)
    run_id = begun_again(backend, flow_id)
    before = backend.row(flow_run, run_id)
    clocks = [{"cron": "15 * * * *", "parameter_defaults": {}}]
    backend.run("set_flow_group_schedule", flow_group_id=group_id_of(backend, flow_id), cron_clocks=clocks)
    backend.run("set_flow_group_labels", flow_group_id=group_id_of(backend, flow_id), labels=["gpu"])
    assert backend.run("set_schedule_inactive", flow_id=flow_id) == {"success": True}
    assert runs(backend, flow_id) == [before]
    assert backend.count(flow_run_state, flow_run_id=run_id) == 5


@pytest.mark.parametrize("tz", ["UTC", "US/Eastern"])
def test_on_again_makes_the_same_runs_again(backend: Backend, project_id: str, tz: str) -> None:
    clock = {"type": "CronClock", "cron": "0 9 * * *", "start_date": {"dt": "2026-03-01T00:00:00", "tz": tz}}
    flow_id = register_inactive(backend, project_id, clock)
    backend.run("set_schedule_active", flow_id=flow_id)
    before = instants(backend, flow_id)
    backend.run("set_schedule_inactive", flow_id=flow_id)
    assert runs(backend, flow_id) == []
    backend.run("set_schedule_active", flow_id=flow_id)
    assert instants(backend, flow_id) == before
    assert len(before) == 10


# ---- The runs ----


def test_each_clock_gives_its_parameters_and_labels(backend: Backend, project_id: str) -> None:
    clocks = [
        interval_clock(60, parameter_defaults={"x": "a"}, labels=["two", "one"]),
        interval_clock(60, parameter_defaults={"x": "b"}, labels=[]),
        interval_clock(60, parameter_defaults={"x": "b"}, labels=None),
    ]
    config = {"type": "LocalRun", "labels": ["mine", "flow"]}
    flow_id = register_inactive(backend, project_id, *clocks, parameters=[parameter("z", 0)], run_config=config)
    backend.run("set_schedule_active", flow_id=flow_id)
    made = runs(backend, flow_id)
    assert len(made) == 10
    at_one = {tuple(run["labels"]): run["parameters"] for run in made if run["scheduled_start_time"] == hours(13)[0]}
    assert at_one == {
        ("one", "two"): {"x": "a", "z": 0},
        (): {"x": "b", "z": 0},
        ("flow", "mine"): {"x": "b", "z": 0},
    }


def test_clocks_that_say_the_same_make_one_run(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id, interval_clock(60), interval_clock(30), interval_clock(30))
    backend.run("set_schedule_active", flow_id=flow_id)
    assert instants(backend, flow_id) == [START + timedelta(minutes=30 * index) for index in range(1, 11)]


def test_clocks_that_differ_in_anything_make_a_run_each(backend: Backend, project_id: str) -> None:
    payloads: list[dict[str, Any]] = [
        {"parameter_defaults": {"x": 12}},
        {"parameter_defaults": {"x": 21}},
        {"parameter_defaults": {"x": "12"}},
        {"parameter_defaults": {}, "labels": []},
        {"parameter_defaults": {}, "labels": ["12"]},
        {"parameter_defaults": {}},
    ]
    flow_id = register_inactive(backend, project_id, *(interval_clock(60, **payload) for payload in payloads))
    backend.run("set_schedule_active", flow_id=flow_id)
    schedule_all(backend, 12)
    made = runs(backend, flow_id)
    assert instants(backend, flow_id) == [hour for hour in hours(13, 2) for _ in range(6)]
    assert len({run["idempotency_key"] for run in made}) == 12
    assert [run["parameters"] for run in made if run["parameters"] == {"x": 21}] == [{"x": 21}] * 2


def test_a_run_far_ahead_does_not_hold_up_earlier_ones(backend: Backend, project_id: str) -> None:
    far = {"type": "DatesClock", "dates": [{"dt": "2030-01-01T00:00:00", "tz": "UTC"}]}
    flow_id = register_inactive(backend, project_id, far)
    backend.run("set_schedule_active", flow_id=flow_id)
    (run,) = runs(backend, flow_id)
    with backend.transaction() as tx:
        enter_states(tx, FLOW_RUN, TENANT, [(run["id"], made_state("Success", ""))], backend.now)
    group_id = group_id_of(backend, flow_id)
    backend.run("set_flow_group_schedule", flow_group_id=group_id, interval_clocks=[{"interval": 3600}])
    assert instants(backend, flow_id) == [*hours(13), run["scheduled_start_time"]]


def test_runs_that_were_started_early_are_not_made_again(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id)
    backend.run("set_schedule_active", flow_id=flow_id)
    wanted = [(run["id"], made_state("Submitted", "")) for run in runs(backend, flow_id)]
    with backend.transaction() as tx:
        enter_states(tx, FLOW_RUN, TENANT, wanted, backend.now)
    assert schedule_all(backend) == Counts(flows=1, flow_runs=0, failed_flows=0)


def test_a_key_of_a_run_made_by_hand_is_respected(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id)
    key = "auto-scheduled:2026-03-02T15:00:00+00:00"
    by_hand = backend.run(
        "create_flow_run", flow_id=flow_id, idempotency_key=key, scheduled_start_time=START - timedelta(days=1)
    )["id"]
    backend.run("set_schedule_active", flow_id=flow_id)
    assert [run["id"] for run in runs(backend, flow_id) if run["idempotency_key"] == key] == [by_hand]
    assert len(runs(backend, flow_id)) == 10


# ---- Many flows at once ----


def test_all_active_flows_are_scheduled_at_once(backend: Backend, project_id: str) -> None:
    ids = [register_inactive(backend, project_id, name=f"flow {index}") for index in range(5)]
    for flow_id in ids[:3]:
        backend.run("set_schedule_active", flow_id=flow_id)
        backend.run("archive_flow", flow_id=ids[2])
    assert schedule_all(backend) == Counts(flows=2)
    assert schedule_all(backend, 50) == Counts(flows=2, flow_runs=80)
    assert schedule_all(backend, 50) == Counts(flows=2)
    backend.move_clock(hours=7)
    assert schedule_all(backend, 50) == Counts(flows=2, flow_runs=14)
    assert [len(runs(backend, flow_id)) for flow_id in ids] == [57, 57, 0, 0, 0]


def test_only_the_asked_flows_are_scheduled(backend: Backend, project_id: str) -> None:
    ids = [register(backend, project_id, flow_document(str(index), schedule=schedule())) for index in range(3)]
    inactive = register_inactive(backend, project_id, name="inactive")
    with backend.transaction() as tx:
        asked = [ids[1], inactive, UNKNOWN]
        assert schedule_flow_runs(tx, asked, backend.now, Span(20)) == Counts(flows=1, flow_runs=10)
        assert schedule_flow_runs(tx, [], backend.now, Span(20)) == Counts()
    assert [len(runs(backend, flow_id)) for flow_id in ids] == [10, 20, 10]


def break_schedule(backend: Backend, flow_id: str, document: Any) -> None:
    with backend.transaction() as tx:
        tx.execute(flow.update().where(flow.c.id == flow_id).values(schedule=document))


def test_a_bad_schedule_stops_no_other_flow(
    backend: Backend, project_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    ids = [register(backend, project_id, flow_document(str(index), schedule=schedule())) for index in range(4)]
    break_schedule(backend, ids[0], {"type": "Schedule", "clocks": [{"type": "CronClock", "cron": "nonsense"}]})
    break_schedule(backend, ids[2], {"type": "Schedule", "clocks": 7})
    backend.move_clock(hours=1)
    with caplog.at_level(logging.WARNING):
        assert schedule_all(backend) == Counts(flows=4, flow_runs=2, failed_flows=2)
    assert ids[0] in caplog.text
    assert ids[2] in caplog.text
    assert "nonsense" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_flow_whose_parameters_have_gone_missing_stops_no_other_flow(backend: Backend, project_id: str) -> None:
    one = register_inactive(backend, project_id, **WITH_X)
    two = register(backend, project_id, flow_document("two", schedule=schedule()))
    group_id = group_id_of(backend, one)
    backend.run("set_flow_group_default_parameters", flow_group_id=group_id, parameters={"x": 1, "y": 2})
    backend.run("set_schedule_active", flow_id=one)
    backend.run("set_flow_group_default_parameters", flow_group_id=group_id, parameters={})
    assert schedule_all(backend) == Counts(flows=2)
    assert schedule_all(backend, 11) == Counts(flows=2, flow_runs=1, failed_flows=1)
    assert (len(runs(backend, one)), len(runs(backend, two))) == (10, 11)


def test_flows_that_lack_runs_are_found_page_by_page(backend: Backend, project_id: str) -> None:
    ids = sorted(register(backend, project_id, flow_document(str(index), schedule=schedule())) for index in range(5))
    break_schedule(backend, ids[1], {"clocks": []})
    backend.run("set_schedule_inactive", flow_id=ids[3])
    backend.move_clock(hours=1)
    with backend.transaction() as tx:
        schedule_flow_runs(tx, [ids[0]], backend.now)

    def page(after: str | None, flows_max: int) -> tuple[Counts, list[str], str | None]:
        with backend.transaction() as tx:
            found = flows_lacking_runs(tx, after, backend.now, span=Span(10), flows_max=flows_max)
            assert tx.touched == set()
        return found.counts, found.flow_ids, found.last_flow_id

    assert page(None, 10) == (Counts(flows=4, failed_flows=1), [ids[2], ids[4]], None)
    assert page(None, 2) == (Counts(flows=2, failed_flows=1), [], ids[1])
    assert page(ids[1], 2) == (Counts(flows=2), [ids[2], ids[4]], ids[4])
    assert page(ids[4], 2) == (Counts(), [], None)


def test_one_flow_group_may_set_labels_and_run_config_for_all_its_runs(backend: Backend, project_id: str) -> None:
    flow_id = register_inactive(backend, project_id, interval_clock(), interval_clock(30, labels=["clock"]))
    group_id = group_id_of(backend, flow_id)
    backend.run("set_flow_group_labels", flow_group_id=group_id, labels=["group"])
    backend.run("set_flow_group_run_config", flow_group_id=group_id, run_config={"type": "DockerRun", "labels": ["no"]})
    backend.run("set_schedule_active", flow_id=flow_id)
    made = runs(backend, flow_id)
    assert {run["run_config"]["type"] for run in made} == {"DockerRun"}
    assert {tuple(run["labels"]) for run in made} == {("group",), ("clock",)}
    assert backend.row(flow_group, group_id)["labels"] == ["group"]
