"""Flow runs that somebody asks for: which flow, with what, how often."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import flow_run, flow_run_state, task_run, task_run_state
from tests.operations.backend import OTHER_TENANT, UNKNOWN, Backend
from tests.operations.small_flow import make_flow


def make_run(backend: Backend, **given: Any) -> dict[str, Any]:
    return backend.row(flow_run, backend.run("create_flow_run", **given)["id"])


def test_a_new_run_is_scheduled_for_now_with_a_name_and_one_state(backend: Backend) -> None:
    row = make_run(backend, flow_id=make_flow(backend)["id"])
    assert (row["state"], row["version"], row["auto_scheduled"]) == ("Scheduled", 1, False)
    assert row["scheduled_start_time"] == row["state_start_time"] == backend.now
    assert row["serialized_state"]["start_time"] == "2026-03-02T12:00:00.000000+00:00"
    assert (row["parameters"], row["context"], row["labels"]) == ({}, {}, [])
    assert "-" in row["name"]
    assert backend.count(flow_run_state, flow_run_id=row["id"]) == 1


def test_what_is_given_is_kept(backend: Backend) -> None:
    due = backend.now + timedelta(days=1)
    row = make_run(
        backend,
        flow_id=make_flow(backend)["id"],
        parameters={"x": [1, None, 0.5]},
        context={"k": "v"},
        labels=["b", "a"],
        run_config={"type": "LocalRun", "labels": ["ignored"]},
        scheduled_start_time=due,
        flow_run_name="mine",
    )
    assert (row["parameters"], row["context"], row["labels"]) == ({"x": [1, None, 0.5]}, {"k": "v"}, ["a", "b"])
    assert (row["run_config"]["type"], row["scheduled_start_time"], row["name"]) == ("LocalRun", due, "mine")


def test_falsy_defaults_count(backend: Backend) -> None:
    parameters = [
        {"name": name, "required": False, "default": default}
        for name, default in (("zero", 0), ("no", False), ("empty", ""), ("none", []), ("nothing", {}))
    ]
    row = make_run(backend, flow_id=make_flow(backend, parameters=parameters)["id"])
    assert row["parameters"] == {"zero": 0, "no": False, "empty": "", "none": [], "nothing": {}}


def test_a_missing_required_parameter_is_named_and_nothing_is_made(backend: Backend) -> None:
    flow = make_flow(backend, parameters=[{"name": "day", "required": True}])
    with pytest.raises(BadInput, match=r"Required parameters were not supplied.*day"):
        make_run(backend, flow_id=flow["id"])
    assert backend.count(flow_run) == 0
    assert make_run(backend, flow_id=flow["id"], parameters={"day": "today"})["parameters"] == {"day": "today"}


def test_the_same_key_gives_the_same_run(backend: Backend) -> None:
    flow = make_flow(backend)
    first = make_run(backend, flow_id=flow["id"], idempotency_key="k")
    assert make_run(backend, flow_id=flow["id"], idempotency_key="k", parameters={"x": 1}) == first
    assert make_run(backend, flow_id=flow["id"])["id"] != make_run(backend, flow_id=flow["id"])["id"]
    assert make_run(backend, flow_id=make_flow(backend)["id"], idempotency_key="k")["id"] != first["id"]
    assert backend.count(task_run, flow_run_id=first["id"]) == 2


@pytest.mark.parametrize("by", ["version_group_id", "flow_group_id"])
def test_a_group_runs_its_newest_version_that_is_not_archived(backend: Backend, by: str) -> None:
    flow = make_flow(backend)
    assert make_run(backend, **{by: flow["flow_group_id"]})["flow_id"] == flow["id"]
    with pytest.raises(NotFound, match="no unarchived flows"):
        make_run(backend, **{by: UNKNOWN})


def test_an_archived_flow_does_not_run(backend: Backend) -> None:
    flow = make_flow(backend, archived=True)
    with pytest.raises(BadInput, match="archived"):
        make_run(backend, flow_id=flow["id"])
    with pytest.raises(NotFound, match="not found"):
        make_run(backend, version_group_id=flow["flow_group_id"])


def test_a_run_needs_a_flow(backend: Backend) -> None:
    with pytest.raises(BadInput, match="flow_id or a version_group_id"):
        make_run(backend)
    with pytest.raises(NotFound, match="not found"):
        make_run(backend, flow_id=UNKNOWN)


def test_the_flow_of_another_tenant_does_not_exist(backend: Backend) -> None:
    flow = make_flow(backend, tenant_id=OTHER_TENANT)
    with pytest.raises(NotFound):
        make_run(backend, flow_id=flow["id"])


@pytest.mark.parametrize("name", ["parameters", "context", "run_config"])
def test_a_document_that_is_no_object_is_refused(backend: Backend, name: str) -> None:
    with pytest.raises(BadInput, match=name):
        make_run(backend, flow_id=make_flow(backend)["id"], **{name: [1]})


def test_labels_and_names_can_be_changed(backend: Backend) -> None:
    run_id = make_run(backend, flow_id=make_flow(backend)["id"])["id"]
    assert backend.run("set_flow_run_labels", flow_run_id=run_id, labels=["b", "a"]) == {"success": True}
    assert backend.run("set_flow_run_name", flow_run_id=run_id, name="new") == {"success": True}
    row = backend.row(flow_run, run_id)
    assert (row["labels"], row["name"]) == (["a", "b"], "new")
    assert backend.run("set_flow_run_labels", flow_run_id=UNKNOWN, labels=[]) == {"success": False}
    assert backend.run("set_flow_run_name", flow_run_id=UNKNOWN, name="x") == {"success": False}
    with pytest.raises(BadInput, match="Invalid name"):
        backend.run("set_flow_run_name", flow_run_id=run_id, name="")


def test_a_deleted_run_leaves_nothing_behind(backend: Backend) -> None:
    flow = make_flow(backend)
    kept = make_run(backend, flow_id=flow["id"])["id"]
    run_id = make_run(backend, flow_id=flow["id"])["id"]
    stranger = Principal(OTHER_TENANT)
    assert backend.run("delete_flow_run", _principal=stranger, flow_run_id=run_id) == {"success": False}
    assert backend.run("delete_flow_run", flow_run_id=run_id) == {"success": True}
    assert backend.run("delete_flow_run", flow_run_id=run_id) == {"success": False}
    assert [row["id"] for row in backend.rows(flow_run)] == [kept]
    assert (backend.count(task_run), backend.count(task_run_state), backend.count(flow_run_state)) == (2, 2, 1)
