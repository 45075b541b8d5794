"""Artifacts of task runs, mapped children included."""

from typing import Any

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import task, task_run_artifact
from eparch.operations.artifacts import DATA_BYTES_MAX
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.samples import diamond, make_project, register

LINK = {"link": "https://example.org"}


@pytest.fixture
def task_run_id(backend: Backend) -> str:
    flow_id = register(backend, make_project(backend), diamond())
    run_id = backend.run("create_flow_run", flow_id=flow_id)["id"]
    task_id = backend.rows(task, slug="c-1")[0]["id"]
    made: str = backend.run("get_or_create_task_run", flow_run_id=run_id, task_id=task_id, map_index=3)["id"]
    return made


@pytest.mark.parametrize("given", [{}, {"tenant_id": None}, {"tenant_id": TENANT}])
def test_an_artifact_is_stored(backend: Backend, task_run_id: str, given: dict[str, Any]) -> None:
    made = backend.run("create_task_run_artifact", task_run_id=task_run_id, kind="link", data=LINK, **given)
    row = backend.row(task_run_artifact, made["id"])
    assert (row["task_run_id"], row["tenant_id"], row["kind"], row["data"]) == (task_run_id, TENANT, "link", LINK)


def test_a_task_run_may_have_several(backend: Backend, task_run_id: str) -> None:
    for _ in range(3):
        backend.run("create_task_run_artifact", task_run_id=task_run_id, kind="link", data=LINK)
    assert backend.count(task_run_artifact, task_run_id=task_run_id) == 3


def test_the_task_run_must_be_the_tenants(backend: Backend, task_run_id: str) -> None:
    for caller, target in ((None, UNKNOWN), (Principal(OTHER_TENANT), task_run_id)):
        with pytest.raises(NotFound, match="not found"):
            backend.run("create_task_run_artifact", caller, task_run_id=target, kind="link", data=LINK)
    with pytest.raises(BadInput, match="Invalid tenant ID"):
        backend.run("create_task_run_artifact", task_run_id=task_run_id, kind="link", data=LINK, tenant_id=OTHER_TENANT)
    assert backend.rows(task_run_artifact) == []


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ({"kind": ""}, "Invalid kind"),
        ({"data": None}, "cannot be null"),
        ({"data": {"markdown": "x" * DATA_BYTES_MAX}}, "limit"),
        ({"data": {"markdown": "ü" * (DATA_BYTES_MAX // 2)}}, "limit"),
    ],
)
def test_what_cannot_be_stored_is_refused(
    backend: Backend, task_run_id: str, given: dict[str, Any], fragment: str
) -> None:
    with pytest.raises(BadInput, match=fragment):
        backend.run("create_task_run_artifact", **{"task_run_id": task_run_id, "kind": "k", "data": {}, **given})
    assert backend.rows(task_run_artifact) == []


def test_an_update_replaces_all_data_within_the_same_limit(backend: Backend, task_run_id: str) -> None:
    artifact_id = backend.run("create_task_run_artifact", task_run_id=task_run_id, kind="link", data=LINK)["id"]
    largest = {"m": "x" * (DATA_BYTES_MAX - 8)}
    assert backend.run("update_task_run_artifact", task_run_artifact_id=artifact_id, data=largest) == {"success": True}
    assert backend.row(task_run_artifact, artifact_id)["data"] == largest
    with pytest.raises(BadInput, match="limit"):
        backend.run("update_task_run_artifact", task_run_artifact_id=artifact_id, data={"m": largest["m"] + "x"})
    assert backend.row(task_run_artifact, artifact_id)["data"] == largest


def test_an_artifact_is_deleted_once_and_by_its_tenant(backend: Backend, task_run_id: str) -> None:
    artifact_id = backend.run("create_task_run_artifact", task_run_id=task_run_id, kind="link", data=LINK)["id"]
    them = Principal(OTHER_TENANT)
    given = {"task_run_artifact_id": artifact_id}
    assert backend.run("update_task_run_artifact", them, data={}, **given) == {"success": False}
    assert backend.run("delete_task_run_artifact", them, **given) == {"success": False}
    assert backend.row(task_run_artifact, artifact_id)["data"] == LINK
    assert backend.run("delete_task_run_artifact", **given) == {"success": True}
    assert backend.run("delete_task_run_artifact", **given) == {"success": False}
    assert backend.run("update_task_run_artifact", data={}, **given) == {"success": False}
