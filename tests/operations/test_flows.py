"""Flows that are registered: moved, set up, deleted."""

import pytest

from eparch.core.errors import NotFound
from eparch.core.principals import Principal
from eparch.database.tables import edge, flow, flow_group, flow_run, task
from tests.operations.backend import OTHER_TENANT, UNKNOWN, Backend
from tests.operations.samples import diamond, make_project, register

THEM = Principal(OTHER_TENANT)


@pytest.fixture
def project_id(backend: Backend) -> str:
    return make_project(backend)


@pytest.fixture
def flow_id(backend: Backend, project_id: str) -> str:
    return register(backend, project_id, diamond())


def test_one_version_moves_to_another_project(backend: Backend, project_id: str, flow_id: str) -> None:
    newest = register(backend, project_id, diamond())
    elsewhere = make_project(backend, "elsewhere")
    now = backend.move_clock(hours=1)
    assert backend.run("update_flow_project", flow_id=newest, project_id=elsewhere) == {"id": newest}
    row = backend.row(flow, newest)
    assert (row["project_id"], row["updated"]) == (elsewhere, now)
    assert backend.row(flow, flow_id)["project_id"] == project_id
    assert backend.run("update_flow_project", flow_id=newest, project_id=elsewhere) == {"id": newest}


def test_flow_and_project_must_be_of_the_tenant(backend: Backend, project_id: str, flow_id: str) -> None:
    theirs = make_project(backend, _principal=THEM)
    their_flow = register(backend, theirs, diamond(), _principal=THEM)
    for given in (
        {"flow_id": UNKNOWN, "project_id": project_id},
        {"flow_id": flow_id, "project_id": UNKNOWN},
        {"flow_id": flow_id, "project_id": theirs},
        {"flow_id": their_flow, "project_id": project_id},
    ):
        with pytest.raises(NotFound, match="Invalid flow or project ID"):
            backend.run("update_flow_project", **given)
    assert backend.row(flow, flow_id)["project_id"] == project_id
    assert backend.row(flow, their_flow)["project_id"] == theirs


FRESH = {
    "heartbeat_enabled": True,
    "lazarus_enabled": True,
    "version_locking_enabled": False,
    "idempotency_key": "key",
}


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("disable_flow_heartbeat", {"heartbeat_enabled": False, "disable_heartbeat": True}),
        ("enable_flow_heartbeat", {"heartbeat_enabled": True, "disable_heartbeat": False}),
        ("disable_flow_lazarus_process", {"lazarus_enabled": False}),
        ("enable_flow_lazarus_process", {"lazarus_enabled": True}),
    ],
)
def test_a_switch_changes_its_keys_in_the_settings_of_the_group(
    backend: Backend, project_id: str, name: str, changed: dict[str, bool]
) -> None:
    flow_id = register(backend, project_id, idempotency_key="key")
    for _ in range(2):
        assert backend.run(name, flow_id=flow_id) == {"success": True}
        (group,) = backend.rows(flow_group)
        assert group["settings"] == {**FRESH, **changed}


def test_switches_can_be_turned_back(backend: Backend, project_id: str) -> None:
    flow_id = register(backend, project_id, idempotency_key="key")
    for name in ("disable_flow_heartbeat", "disable_flow_lazarus_process", "enable_flow_heartbeat"):
        backend.run(name, flow_id=flow_id)
    (group,) = backend.rows(flow_group)
    assert group["settings"] == {**FRESH, "disable_heartbeat": False, "lazarus_enabled": False}


def test_switches_need_a_flow_of_the_tenant(backend: Backend, flow_id: str) -> None:
    before = backend.rows(flow_group)
    for what in ("flow_heartbeat", "flow_lazarus_process"):
        for verb in ("enable", "disable"):
            for caller, target in ((None, UNKNOWN), (THEM, flow_id)):
                with pytest.raises(NotFound, match="Invalid flow ID"):
                    backend.run(f"{verb}_{what}", caller, flow_id=target)
    assert backend.rows(flow_group) == before


def test_a_deleted_flow_leaves_its_group_and_its_other_versions(
    backend: Backend, project_id: str, flow_id: str
) -> None:
    newest = register(backend, project_id, diamond())
    for _ in range(3):
        backend.run("create_flow_run", flow_id=newest)
    assert backend.run("delete_flow", THEM, flow_id=newest) == {"success": False}
    assert backend.run("delete_flow", flow_id=newest) == {"success": True}
    assert backend.run("delete_flow", flow_id=newest) == {"success": False}
    assert [row["id"] for row in backend.rows(flow)] == [flow_id]
    assert {row["flow_id"] for row in backend.rows(task)} == {flow_id}
    assert {row["flow_id"] for row in backend.rows(edge)} == {flow_id}
    assert backend.count(flow_run) == 0
    assert backend.count(flow_group) == 1


def test_a_deleted_group_takes_all_its_versions(backend: Backend, project_id: str, flow_id: str) -> None:
    register(backend, project_id, diamond())
    other = register(backend, project_id, {**diamond(), "name": "other"})
    group_id = backend.row(flow, flow_id)["flow_group_id"]
    assert backend.run("delete_flow_group", THEM, flow_group_id=group_id) == {"success": False}
    assert backend.run("delete_flow_group", flow_group_id=group_id) == {"success": True}
    assert backend.run("delete_flow_group", flow_group_id=group_id) == {"success": False}
    assert [row["id"] for row in backend.rows(flow)] == [other]
    assert len(backend.rows(flow_group)) == 1
