"""Tenants: made, renamed, set up, and deleted with all that is theirs."""

import pytest

from eparch.core.errors import BadInput, Conflict, Forbidden, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import project, tenant
from eparch.operations.tenants import slugified
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend


def test_a_tenant_is_made_with_its_name_and_slug(backend: Backend) -> None:
    made = backend.run("create_tenant", name="Blue Team", slug="blue-team")
    row = backend.row(tenant, made["id"])
    assert (row["name"], row["slug"], row["settings"], row["info"]) == ("Blue Team", "blue-team", {}, None)
    assert row["created"] == row["updated"] == backend.now


@pytest.mark.parametrize(
    "slug", ["", "Blue", "blue team", "blue_team", "-blue", "blue-", "blue--team", "blå", "blue!", "b" * 256]
)
def test_a_slug_that_is_not_slugified_is_refused(backend: Backend, slug: str) -> None:
    with pytest.raises(BadInput, match='Slug must be "slugified"'):
        backend.run("create_tenant", name="Blue", slug=slug)
    with pytest.raises(BadInput, match='Slug must be "slugified"'):
        backend.run("update_tenant_slug", slug=slug)


@pytest.mark.parametrize("name", ["", "n" * 256])
def test_a_tenant_needs_a_name_of_some_length(backend: Backend, name: str) -> None:
    with pytest.raises(BadInput, match="Invalid name"):
        backend.run("create_tenant", name=name, slug="slug")


def test_a_slug_belongs_to_one_tenant(backend: Backend) -> None:
    with pytest.raises(Conflict, match="Uniqueness violation"):
        backend.run("create_tenant", name="Tenant", slug="tenant")
    with pytest.raises(Conflict, match="Uniqueness violation"):
        backend.run("update_tenant_slug", slug="other")


@pytest.mark.parametrize("given", [{}, {"tenant_id": None}, {"tenant_id": TENANT}])
def test_name_and_slug_can_be_changed(backend: Backend, given: dict[str, str | None]) -> None:
    now = backend.move_clock(hours=1)
    assert backend.run("update_tenant_name", name="New", **given) == {"id": TENANT}
    assert backend.run("update_tenant_slug", slug="new-2", **given) == {"id": TENANT}
    row = backend.row(tenant, TENANT)
    assert (row["name"], row["slug"], row["updated"]) == ("New", "new-2", now)


def test_settings_are_merged_and_other_keys_stay(backend: Backend) -> None:
    assert backend.run("update_tenant_settings", settings={"a": 1, "b": {"c": 1}}) == {"id": TENANT}
    backend.run("update_tenant_settings", settings={"b": {"d": 2}, "e": None})
    backend.run("update_tenant_settings")
    backend.run("update_tenant_settings", settings=None)
    assert backend.row(tenant, TENANT)["settings"] == {"a": 1, "b": {"d": 2}, "e": None}
    assert backend.row(tenant, OTHER_TENANT)["settings"] == {}


def test_settings_are_an_object(backend: Backend) -> None:
    with pytest.raises(BadInput, match="must be a JSON object"):
        backend.run("update_tenant_settings", settings=["a"])


def test_an_unknown_tenant_cannot_be_changed(backend: Backend) -> None:
    with pytest.raises(NotFound, match="Update failed"):
        backend.run("update_tenant_name", tenant_id=UNKNOWN, name="New")
    with pytest.raises(NotFound, match="Update failed"):
        backend.run("update_tenant_slug", tenant_id=UNKNOWN, slug="new")
    with pytest.raises(NotFound, match="Invalid tenant id"):
        backend.run("update_tenant_settings", tenant_id=UNKNOWN, settings={})


def test_another_tenant_cannot_be_touched(backend: Backend) -> None:
    calls = {
        "update_tenant_name": {"name": "Mine"},
        "update_tenant_slug": {"slug": "mine"},
        "update_tenant_settings": {"settings": {"mine": True}},
        "delete_tenant": {"confirm": True},
    }
    before = backend.row(tenant, OTHER_TENANT)
    for name, given in calls.items():
        with pytest.raises(Forbidden):
            backend.run(name, tenant_id=OTHER_TENANT, **given)
    assert backend.row(tenant, OTHER_TENANT) == before


def test_a_tenant_is_deleted_only_with_confirm(backend: Backend) -> None:
    with pytest.raises(BadInput, match="confirm=True"):
        backend.run("delete_tenant", tenant_id=TENANT, confirm=False)
    assert backend.count(tenant) == 2


def test_a_deleted_tenant_takes_its_projects_along_and_no_others(backend: Backend) -> None:
    backend.run("create_project", name="p")
    backend.run("create_project", Principal(OTHER_TENANT), name="p")
    assert backend.run("delete_tenant", tenant_id=TENANT, confirm=True) == {"success": True}
    assert [row["tenant_id"] for row in backend.rows(project)] == [OTHER_TENANT]
    assert backend.run("delete_tenant", tenant_id=TENANT, confirm=True) == {"success": False}
    assert backend.run("delete_tenant", tenant_id=UNKNOWN, confirm=True) == {"success": False}


@pytest.mark.parametrize(
    ("text", "slug"),
    [("Blue Team", "blue-team"), ("  Ünï_côde!  2 ", "uni-code-2"), ("a--b", "a-b"), ("!?", ""), ("plain", "plain")],
)
def test_a_slug_is_made_of_any_text(text: str, slug: str) -> None:
    assert slugified(text) == slug
    assert slugified(slug) == slug


def test_the_last_tenant_stays(backend: Backend) -> None:
    backend.run("delete_tenant", tenant_id=TENANT, confirm=True)
    backend.principal = Principal(OTHER_TENANT)
    with pytest.raises(BadInput, match=f"Tenant {OTHER_TENANT} is the last one"):
        backend.run("delete_tenant", tenant_id=OTHER_TENANT, confirm=True)
    assert [row["id"] for row in backend.rows(tenant)] == [OTHER_TENANT]
