"""Archiving and back: what happens to runs, and which version is current."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.database.tables import flow, flow_run, flow_run_state, task_run
from tests.operations.backend import OTHER_TENANT, UNKNOWN, Backend
from tests.operations.samples import begun_again, diamond, flow_document, make_project, register, schedule


@pytest.fixture
def flow_id(backend: Backend) -> str:
    return register(backend, make_project(backend), {**diamond(), "schedule": schedule()})


def state_of(backend: Backend, run_id: str) -> str:
    found: str = backend.row(flow_run, run_id)["state"]
    return found


def test_archiving_deletes_scheduled_runs_and_cancels_those_made_by_hand(backend: Backend, flow_id: str) -> None:
    later = backend.now + timedelta(days=1)
    by_hand = [
        backend.run("create_flow_run", flow_id=flow_id, scheduled_start_time=instant)["id"] for instant in (None, later)
    ]
    others = {}
    for name in ("Submitted", "Running", "Success", "Retrying"):
        run_id = backend.run("create_flow_run", flow_id=flow_id)["id"]
        backend.run("set_flow_run_states", states=[{"flow_run_id": run_id, "state": {"type": name}}])
        others[run_id] = name
    taken = next(run["id"] for run in backend.rows(flow_run, flow_id=flow_id) if run["auto_scheduled"])
    backend.run("set_flow_run_states", states=[{"flow_run_id": taken, "state": {"type": "Submitted"}}])

    assert backend.run("archive_flow", flow_id=flow_id) == {"success": True}
    assert backend.row(flow, flow_id)["archived"] is True
    left = {run["id"]: run["state"] for run in backend.rows(flow_run)}
    assert left == {**dict.fromkeys(by_hand, "Cancelled"), **others, taken: "Submitted"}
    for run_id in by_hand:
        row = backend.row(flow_run, run_id)
        assert "archived" in row["state_message"]
        assert (row["end_time"], row["version"], row["state_start_time"]) == (backend.now, 2, None)
        assert backend.count(flow_run_state, flow_run_id=run_id) == 2
        assert {run["state"] for run in backend.rows(task_run, flow_run_id=run_id)} == {"Cancelled"}
    assert backend.count(task_run, flow_run_id=next(iter(others)), state="Pending") == 4


def test_a_scheduled_run_that_has_begun_and_waits_again_is_cancelled_and_keeps_its_history(
    backend: Backend, flow_id: str
) -> None:
    run_id = begun_again(backend, flow_id)
    assert backend.run("archive_flow", flow_id=flow_id) == {"success": True}
    assert [run["id"] for run in backend.rows(flow_run)] == [run_id]
    assert state_of(backend, run_id) == "Cancelled"
    assert backend.count(flow_run_state, flow_run_id=run_id) == 6


def test_archiving_twice_is_archiving_once(backend: Backend, flow_id: str) -> None:
    backend.run("create_flow_run", flow_id=flow_id)
    backend.run("archive_flow", flow_id=flow_id)
    before = (backend.rows(flow), backend.rows(flow_run))
    backend.move_clock(hours=1)
    assert backend.run("archive_flow", flow_id=flow_id) == {"success": True}
    assert (backend.rows(flow), backend.rows(flow_run)) == before


def test_an_archived_flow_cannot_be_run(backend: Backend, flow_id: str) -> None:
    backend.run("archive_flow", flow_id=flow_id)
    with pytest.raises(BadInput, match="archived"):
        backend.run("create_flow_run", flow_id=flow_id)


def test_unarchiving_goes_on_with_the_schedule_if_it_was_active(backend: Backend, flow_id: str) -> None:
    backend.run("archive_flow", flow_id=flow_id)
    backend.move_clock(hours=2)
    for _ in range(2):
        assert backend.run("unarchive_flow", flow_id=flow_id) == {"success": True}
        assert backend.row(flow, flow_id)["archived"] is False
        runs = backend.rows(flow_run, flow_id=flow_id)
        assert len(runs) == 10
        assert min(run["scheduled_start_time"] for run in runs) > backend.now


def test_unarchiving_leaves_a_schedule_off(backend: Backend, flow_id: str) -> None:
    backend.run("set_schedule_inactive", flow_id=flow_id)
    backend.run("archive_flow", flow_id=flow_id)
    backend.run("unarchive_flow", flow_id=flow_id)
    assert backend.count(flow_run) == 0
    assert backend.row(flow, flow_id)["is_schedule_active"] is False


def test_an_old_version_takes_the_place_of_the_newest(backend: Backend, flow_id: str) -> None:
    project_id = backend.row(flow, flow_id)["project_id"]
    newest = register(backend, project_id, flow_document(schedule=schedule()))
    assert backend.run("unarchive_flow", flow_id=flow_id) == {"success": True}
    assert {row["id"]: row["archived"] for row in backend.rows(flow)} == {flow_id: False, newest: True}
    assert {run["flow_id"] for run in backend.rows(flow_run)} == {flow_id}
    group_id = backend.row(flow, flow_id)["version_group_id"]
    run_id = backend.run("create_flow_run", version_group_id=group_id)["id"]
    assert backend.row(flow_run, run_id)["flow_id"] == flow_id


@pytest.mark.parametrize("name", ["archive_flow", "unarchive_flow"])
def test_unknown_flows_and_another_tenants_are_alike(backend: Backend, flow_id: str, name: str) -> None:
    before: list[dict[str, Any]] = backend.rows(flow)
    assert backend.run(name, flow_id=UNKNOWN) == {"success": False}
    assert backend.run(name, Principal(OTHER_TENANT), flow_id=flow_id) == {"success": False}
    assert (backend.rows(flow), backend.count(flow_run)) == (before, 10)
