"""Flow groups: what is set there for all versions of a flow."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.database.tables import flow, flow_group, flow_run
from tests.operations.backend import OTHER_TENANT, UNKNOWN, Backend
from tests.operations.samples import flow_document, interval_clock, make_project, register, schedule


@pytest.fixture
def flow_id(backend: Backend) -> str:
    return register(backend, make_project(backend), flow_document(schedule=schedule()))


@pytest.fixture
def group_id(backend: Backend, flow_id: str) -> str:
    found: str = backend.row(flow, flow_id)["flow_group_id"]
    return found


SETTERS: dict[str, dict[str, Any]] = {
    "set_flow_group_description": {"description": "text"},
    "set_flow_group_labels": {"labels": ["a"]},
    "set_flow_group_run_config": {"run_config": {"type": "LocalRun"}},
    "set_flow_group_default_parameters": {"parameters": {"x": 1}},
    "set_flow_group_schedule": {"cron_clocks": [{"cron": "0 0 * * *"}]},
    "delete_flow_group_schedule": {},
}


@pytest.mark.parametrize(("name", "given"), SETTERS.items())
def test_unknown_groups_and_another_tenants_are_alike(
    backend: Backend, group_id: str, name: str, given: dict[str, Any]
) -> None:
    before = (backend.rows(flow_group), backend.rows(flow_run))
    assert backend.run(name, flow_group_id=UNKNOWN, **given) == {"success": False}
    assert backend.run(name, Principal(OTHER_TENANT), flow_group_id=group_id, **given) == {"success": False}
    assert (backend.rows(flow_group), backend.rows(flow_run)) == before
    with pytest.raises(BadInput, match="Invalid flow group ID"):
        backend.run(name, flow_group_id="", **given)


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [
        ("set_flow_group_description", "description", ["# Title", "text", "", None]),
        ("set_flow_group_run_config", "run_config", [{"type": "LocalRun", "x": [1]}, {}, None]),
        ("set_flow_group_labels", "labels", [["a", "b"], [], ["c"], None]),
    ],
)
def test_what_is_set_replaces_what_was_there(
    backend: Backend, group_id: str, name: str, column: str, values: list[Any]
) -> None:
    for value in values:
        now = backend.move_clock(minutes=1)
        assert backend.run(name, flow_group_id=group_id, **{column: value}) == {"success": True}
        row = backend.row(flow_group, group_id)
        assert (row[column], row["updated"]) == (value, now)
    backend.run(name, flow_group_id=group_id, **{column: values[0]})
    backend.run(name, flow_group_id=group_id)
    assert backend.row(flow_group, group_id)[column] is None


def test_labels_are_there_once_each(backend: Backend, group_id: str) -> None:
    backend.run("set_flow_group_labels", flow_group_id=group_id, labels=["b", "a", "b"])
    assert backend.row(flow_group, group_id)["labels"] == ["a", "b"]


def test_default_parameters_are_replaced_as_a_whole(backend: Backend, group_id: str) -> None:
    for parameters in ({"x": 1, "y": {"z": None}}, {"y": 0}, {}):
        backend.run("set_flow_group_default_parameters", flow_group_id=group_id, parameters=parameters)
        assert backend.row(flow_group, group_id)["default_parameters"] == parameters


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_parameters_and_run_config_are_objects(backend: Backend, group_id: str, value: Any) -> None:
    with pytest.raises(BadInput, match="must be a JSON object"):
        backend.run("set_flow_group_default_parameters", flow_group_id=group_id, parameters=value)
    if value is not None:
        with pytest.raises(BadInput, match="must be a JSON object"):
            backend.run("set_flow_group_run_config", flow_group_id=group_id, run_config=value)


# ---- The schedule ----


@pytest.mark.parametrize(
    ("given", "clocks"),
    [
        (
            {"cron_clocks": [{"cron": "42 0 0 * * *"}]},
            [{"type": "CronClock", "cron": "42 0 0 * * *", "start_date": None}],
        ),
        (
            {"interval_clocks": [{"interval": 420, "parameter_defaults": {"x": 1}}], "cron_clocks": None},
            [{"type": "IntervalClock", "interval": 420_000_000, "parameter_defaults": {"x": 1}, "start_date": None}],
        ),
        (
            {"interval_clocks": [{"interval": 60}], "cron_clocks": [{"cron": "0 9 * * *"}], "timezone": "US/Eastern"},
            [
                {
                    "type": "CronClock",
                    "cron": "0 9 * * *",
                    "start_date": {"dt": "2026-03-02T07:30:00", "tz": "US/Eastern"},
                },
                {
                    "type": "IntervalClock",
                    "interval": 60_000_000,
                    "start_date": {"dt": "2026-03-02T07:30:00", "tz": "US/Eastern"},
                },
            ],
        ),
    ],
)
def test_a_schedule_is_stored_as_its_clocks(
    backend: Backend, group_id: str, given: dict[str, Any], clocks: list[dict[str, Any]]
) -> None:
    backend.now = backend.now.replace(hour=12, minute=30)
    assert backend.run("set_flow_group_schedule", flow_group_id=group_id, **given) == {"success": True}
    assert backend.row(flow_group, group_id)["schedule"] == {"type": "Schedule", "clocks": clocks}


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ({"cron_clocks": [{"cron": "0 0 * * *"}], "timezone": "Middle/Earth"}, "Invalid timezone"),
        ({"cron_clocks": [{"cron": "sometimes"}]}, "Invalid clock provided for schedule"),
        ({"interval_clocks": [{"interval": 59}]}, "Invalid clock provided for schedule"),
        ({"interval_clocks": [{"interval": 60}], "cron_clocks": [{"cron": ""}]}, "Invalid clock provided for schedule"),
        ({"cron_clocks": [], "interval_clocks": None}, "Invalid clock provided for schedule"),
        ({}, "Invalid clock provided for schedule"),
    ],
)
def test_a_schedule_that_makes_no_sense_changes_nothing(
    backend: Backend, group_id: str, given: dict[str, Any], fragment: str
) -> None:
    before = (backend.rows(flow_group), backend.rows(flow_run))
    with pytest.raises(BadInput, match=fragment):
        backend.run("set_flow_group_schedule", flow_group_id=group_id, **given)
    assert (backend.rows(flow_group), backend.rows(flow_run)) == before


def minutes_of_runs(backend: Backend, flow_id: str) -> set[int]:
    return {
        run["scheduled_start_time"].minute for run in backend.rows(flow_run, flow_id=flow_id) if run["auto_scheduled"]
    }


def test_a_new_schedule_replaces_the_runs_of_the_one_before_at_once(
    backend: Backend, group_id: str, flow_id: str
) -> None:
    by_hand = backend.run("create_flow_run", flow_id=flow_id)["id"]
    assert minutes_of_runs(backend, flow_id) == {0}
    for minute in (15, 45):
        clocks = [{"cron": f"{minute} * * * *"}]
        backend.run("set_flow_group_schedule", flow_group_id=group_id, cron_clocks=clocks)
        assert minutes_of_runs(backend, flow_id) == {minute}
        assert backend.count(flow_run) == 11
    assert backend.run("delete_flow_group_schedule", flow_group_id=group_id) == {"success": True}
    assert backend.row(flow_group, group_id)["schedule"] is None
    assert minutes_of_runs(backend, flow_id) == {0}
    assert backend.row(flow_run, by_hand)["state"] == "Scheduled"
    assert backend.row(flow, flow_id)["is_schedule_active"] is True


def test_a_schedule_that_lacks_a_required_parameter_of_an_active_flow_changes_nothing(backend: Backend) -> None:
    needed = [{"name": "day", "slug": "day", "required": True, "default": None}]
    hourly = schedule(interval_clock(parameter_defaults={"day": "today"}))
    flow_id = register(backend, make_project(backend), flow_document(parameters=needed, schedule=hourly))
    group_id = backend.row(flow, flow_id)["flow_group_id"]
    before = minutes_of_runs(backend, flow_id)
    with pytest.raises(BadInput, match=r"required parameters.*day"):
        backend.run("set_flow_group_schedule", flow_group_id=group_id, cron_clocks=[{"cron": "15 * * * *"}])
    assert backend.row(flow_group, group_id)["schedule"] is None
    assert minutes_of_runs(backend, flow_id) == before
    clocks = [{"cron": "15 * * * *", "parameter_defaults": {"day": "today"}}]
    assert backend.run("set_flow_group_schedule", flow_group_id=group_id, cron_clocks=clocks) == {"success": True}
    assert minutes_of_runs(backend, flow_id) == {15}


def test_a_schedule_that_is_off_stays_off(backend: Backend, group_id: str, flow_id: str) -> None:
    backend.run("set_schedule_inactive", flow_id=flow_id)
    backend.run("set_flow_group_schedule", flow_group_id=group_id, cron_clocks=[{"cron": "0 0 * * *"}])
    assert (backend.row(flow, flow_id)["is_schedule_active"], backend.count(flow_run)) == (False, 0)


def test_without_its_groups_schedule_a_flow_may_have_none(backend: Backend) -> None:
    project_id = make_project(backend)
    register(backend, project_id)
    group_id = backend.rows(flow)[0]["flow_group_id"]
    backend.run("set_flow_group_schedule", flow_group_id=group_id, interval_clocks=[{"interval": 3600}])
    flow_id = register(backend, project_id)
    assert backend.count(flow_run, flow_id=flow_id) == 10
    backend.run("delete_flow_group_schedule", flow_group_id=group_id)
    assert backend.count(flow_run) == 0
    assert backend.run("set_schedule_active", flow_id=flow_id) == {"success": False}


def test_only_the_runs_of_the_group_are_touched(backend: Backend, group_id: str, flow_id: str) -> None:
    project_id = backend.row(flow, flow_id)["project_id"]
    other = register(backend, project_id, flow_document("other", schedule=schedule()))
    before = backend.rows(flow_run, flow_id=other)
    backend.run("set_flow_group_schedule", flow_group_id=group_id, interval_clocks=[{"interval": 600}])
    assert backend.rows(flow_run, flow_id=other) == before
    assert backend.now + timedelta(hours=2) > max(
        run["scheduled_start_time"] for run in backend.rows(flow_run, flow_id=flow_id)
    )
