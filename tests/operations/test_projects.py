"""Projects: unique by name within a tenant."""

import pytest

from eparch.core.errors import BadInput, Conflict, Forbidden, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import project
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend


@pytest.mark.parametrize("given", [{}, {"tenant_id": TENANT}, {"tenant_id": None}])
@pytest.mark.parametrize("description", [None, "", "Some *text*"])
def test_a_project_is_made(backend: Backend, given: dict[str, str | None], description: str | None) -> None:
    made = backend.run("create_project", name="P", description=description, **given)
    row = backend.row(project, made["id"])
    assert (row["tenant_id"], row["name"], row["description"]) == (TENANT, "P", description)
    assert row["created"] == row["updated"] == backend.now


def test_a_name_is_taken_once_in_a_tenant(backend: Backend) -> None:
    backend.run("create_project", name="P")
    with pytest.raises(Conflict) as caught:
        backend.run("create_project", name="P")
    # Clients look for exactly these words, and then use the project that there is.
    assert caught.value.message == "Uniqueness violation."
    assert "same name" in caught.value.hint
    backend.run("create_project", Principal(OTHER_TENANT), name="P")
    assert backend.count(project) == 2


def test_a_tenant_that_is_gone_cannot_get_projects(backend: Backend) -> None:
    with pytest.raises(BadInput, match="Foreign key violation"):
        backend.run("create_project", Principal(UNKNOWN), name="P")
    with pytest.raises(Forbidden):
        backend.run("create_project", tenant_id=OTHER_TENANT, name="P")


def test_name_and_description_can_be_changed(backend: Backend) -> None:
    project_id = backend.run("create_project", name="P", description="old")["id"]
    now = backend.move_clock(hours=1)
    assert backend.run("set_project_name", project_id=project_id, name="Q") == {"id": project_id}
    assert backend.row(project, project_id)["name"] == "Q"
    assert backend.run("set_project_description", project_id=project_id, description="new") == {"id": project_id}
    row = backend.row(project, project_id)
    assert (row["description"], row["updated"], row["created"] < now) == ("new", now, True)


@pytest.mark.parametrize("given", [{}, {"description": None}])
def test_a_description_is_cleared_by_null_and_by_none_at_all(backend: Backend, given: dict[str, None]) -> None:
    project_id = backend.run("create_project", name="P", description="old")["id"]
    backend.run("set_project_description", project_id=project_id, **given)
    assert backend.row(project, project_id)["description"] is None


def test_names_must_be_there_and_free(backend: Backend) -> None:
    project_id = backend.run("create_project", name="P")["id"]
    backend.run("create_project", name="Q")
    with pytest.raises(Conflict, match="Uniqueness violation"):
        backend.run("set_project_name", project_id=project_id, name="Q")
    for name, given in (("set_project_name", {"project_id": project_id}), ("create_project", {})):
        with pytest.raises(BadInput, match="Invalid name"):
            backend.run(name, name="", **given)


@pytest.mark.parametrize("caller", [TENANT, OTHER_TENANT])
def test_an_unknown_project_and_another_tenants_are_alike(backend: Backend, caller: str) -> None:
    theirs = backend.run("create_project", Principal(OTHER_TENANT if caller == TENANT else TENANT), name="P")["id"]
    for project_id in (UNKNOWN, theirs):
        with pytest.raises(NotFound, match="Update failed"):
            backend.run("set_project_name", Principal(caller), project_id=project_id, name="Q")
        with pytest.raises(NotFound, match="Update failed"):
            backend.run("set_project_description", Principal(caller), project_id=project_id, description="d")
        assert backend.run("delete_project", Principal(caller), project_id=project_id) == {"success": False}
    assert backend.row(project, theirs)["name"] == "P"


def test_a_project_is_deleted_once(backend: Backend) -> None:
    project_id = backend.run("create_project", name="P")["id"]
    assert backend.run("delete_project", project_id=project_id) == {"success": True}
    assert backend.run("delete_project", project_id=project_id) == {"success": False}
    assert backend.rows(project) == []
