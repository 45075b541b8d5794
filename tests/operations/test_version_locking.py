"""Version locking, on both databases: who has not read the newest version changes nothing."""

from typing import Any

import pytest

from eparch.core.errors import VersionLocked
from eparch.database.tables import flow_group, flow_run, task_run
from tests.operations.backend import Backend
from tests.operations.small_flow import make_flow, set_state


@pytest.fixture
def flow(backend: Backend) -> dict[str, Any]:
    made = make_flow(backend, group={"settings": {"heartbeat_enabled": True}})
    backend.run("enable_flow_version_lock", flow_id=made["id"])
    return made


@pytest.fixture
def run_id(backend: Backend, flow: dict[str, Any]) -> str:
    return str(backend.run("create_flow_run", flow_id=flow["id"])["id"])


def enter(backend: Backend, run_id: str, name: str, **versions: int | None) -> Any:
    item = {"flow_run_id": run_id, "state": {"type": name}, **versions}
    return backend.run("set_flow_run_states", states=[item])


def enter_task(backend: Backend, run_id: str, name: str, **versions: int | None) -> Any:
    item = {"task_run_id": run_id, "state": {"type": name}, **versions}
    return backend.run("set_task_run_states", states=[item])


def test_a_stale_version_is_refused_with_the_code_that_clients_know(backend: Backend, run_id: str) -> None:
    enter(backend, run_id, "Submitted", version=1)
    with pytest.raises(VersionLocked, match="Update failed") as caught:
        enter(backend, run_id, "Running", version=1)
    assert caught.value.code == "VERSION_LOCKING_ERROR"
    assert backend.row(flow_run, run_id)["version"] == 2
    enter(backend, run_id, "Running", version=2)


def test_a_call_without_a_version_is_taken(backend: Backend, run_id: str) -> None:
    enter(backend, run_id, "Running")
    enter(backend, run_id, "Success", version=None)
    assert backend.row(flow_run, run_id)["version"] == 3


def test_of_two_processes_with_one_task_run_the_second_is_refused(backend: Backend, run_id: str) -> None:
    set_state(backend, run_id, "Running")
    task_run_id = backend.rows(task_run, flow_run_id=run_id)[0]["id"]
    running = {"states": [{"task_run_id": task_run_id, "version": 1, "state": {"type": "Running"}}]}
    first, second = backend.run_together("set_task_run_states", [running, running])
    assert first["states"][0]["status"] == "SUCCESS"
    assert isinstance(second, VersionLocked)


def test_a_task_run_may_also_depend_on_the_version_of_its_flow_run(backend: Backend, run_id: str) -> None:
    set_state(backend, run_id, "Running")
    task_run_id = backend.rows(task_run, flow_run_id=run_id)[0]["id"]
    with pytest.raises(VersionLocked, match="flow run is at version 2, not 1"):
        enter_task(backend, task_run_id, "Running", version=1, flow_run_version=1)
    enter_task(backend, task_run_id, "Running", version=1, flow_run_version=2)


def test_without_locking_versions_do_not_matter(backend: Backend, flow: dict[str, Any], run_id: str) -> None:
    backend.run("disable_flow_version_lock", flow_id=flow["id"])
    enter(backend, run_id, "Running", version=17)
    assert backend.row(flow_group, flow["flow_group_id"])["settings"] == {
        "heartbeat_enabled": True,
        "version_locking_enabled": False,
    }
