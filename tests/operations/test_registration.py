"""Registration: versions, groups, idempotency keys, tasks and edges."""

import copy
import logging
from typing import Any

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import edge as edge_table
from eparch.database.tables import flow, flow_group, flow_run
from eparch.database.tables import task as task_table
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.samples import (
    compressed,
    diamond,
    edge,
    flow_document,
    interval_clock,
    make_project,
    parameter,
    register,
    schedule,
    task,
)

THEM = Principal(OTHER_TENANT)


@pytest.fixture
def project_id(backend: Backend) -> str:
    return make_project(backend)


def versions(backend: Backend, *flow_ids: str) -> list[tuple[int, bool]]:
    rows = [backend.row(flow, flow_id) for flow_id in flow_ids]
    return [(row["version"], row["archived"]) for row in rows]


# ---- The flow itself ----


def test_what_the_flow_says_is_stored(backend: Backend, project_id: str) -> None:
    document = flow_document(
        parameters=[parameter("x", 1), parameter("y")],
        schedule=schedule(),
        environment={"labels": ["old"]},
        extra={"kept": [1, {"a": None}]},
    )
    flow_id = register(backend, project_id, document, description="Some *text*", set_schedule_active=False)
    row = backend.row(flow, flow_id)
    assert row["serialized_flow"] == document
    assert (row["name"], row["version"], row["description"]) == ("etl", 1, "Some *text*")
    assert (row["archived"], row["is_schedule_active"], row["settings"]) == (False, False, {})
    assert (row["core_version"], row["tenant_id"], row["project_id"]) == ("1.4.1", TENANT, project_id)
    for name in ("parameters", "schedule", "environment", "run_config", "storage"):
        assert row[name] == document[name]
    assert row["created"] == row["updated"] == backend.now


@pytest.mark.parametrize("more", [{}, {"tasks": None, "edges": None}])
def test_a_flow_may_be_bare(backend: Backend, project_id: str, more: dict[str, Any]) -> None:
    flow_id = register(backend, project_id, {"name": "bare", **more})
    row = backend.row(flow, flow_id)
    assert (row["serialized_flow"], row["schedule"], row["core_version"]) == ({"name": "bare", **more}, None, None)
    assert backend.rows(task_table) == backend.rows(edge_table) == []


@pytest.mark.parametrize(
    ("document", "fragment"),
    [
        (flow_document(__version__="0.6.0"), "require new flows to be built with"),
        (flow_document(tasks=[task("a", retry_delay="a while")]), "retry_delay"),
        (flow_document(tasks=[{"name": "no slug"}]), "slug"),
        (flow_document(tasks=[task("a")], edges=[edge("a", "b")]), "reference tasks that do not exist"),
        (flow_document(tasks=[task("a"), task("a", max_retries=9)]), "Two different tasks"),
        ("no object", "cannot be read"),
    ],
)
def test_a_flow_that_makes_no_sense_leaves_nothing_behind(
    backend: Backend, project_id: str, document: Any, fragment: str
) -> None:
    with pytest.raises(BadInput, match=fragment):
        register(backend, project_id, document)
    assert backend.rows(flow) == backend.rows(flow_group) == backend.rows(task_table) == []


def test_a_failure_in_the_middle_leaves_nothing_behind(backend: Backend, project_id: str) -> None:
    # PostgreSQL takes no text with a NUL, and tells only when it comes to that task.
    if backend.engine.dialect.name != "postgresql":
        pytest.skip("SQLite takes any text")
    with pytest.raises(BadInput, match="does not fit"):
        register(backend, project_id, flow_document(tasks=[task("a"), task("b", name="\0")]))
    assert backend.rows(flow) == backend.rows(flow_group) == []


@pytest.mark.parametrize("caller", [Principal(TENANT), THEM])
def test_the_project_must_be_the_tenants(backend: Backend, caller: Principal) -> None:
    theirs = make_project(backend, _principal=THEM if caller.tenant_id == TENANT else None)
    for project_id in (theirs, UNKNOWN):
        with pytest.raises(NotFound, match="Invalid project"):
            backend.run("create_flow", caller, project_id=project_id, serialized_flow=flow_document())


def test_a_compressed_flow_is_the_same_flow(backend: Backend, project_id: str) -> None:
    flow_id = backend.run(
        "create_flow_from_compressed_string",
        project_id=project_id,
        serialized_flow=compressed(diamond()),
        version_group_id="group",
        description="text",
        idempotency_key="key",
        set_schedule_active=False,
    )["id"]
    row = backend.row(flow, flow_id)
    assert (row["serialized_flow"], row["version_group_id"], row["description"]) == (diamond(), "group", "text")
    assert backend.count(task_table, flow_id=flow_id) == 4
    assert register(backend, project_id, diamond(), version_group_id="group", idempotency_key="key") == flow_id


@pytest.mark.parametrize("text", ["", "no base64", "bm8gZ3ppcA=="])
def test_what_cannot_be_unpacked_is_refused(backend: Backend, project_id: str, text: str) -> None:
    with pytest.raises(BadInput, match="Unable to decompress"):
        backend.run("create_flow_from_compressed_string", project_id=project_id, serialized_flow=text)


# ---- Versions, groups and keys ----


def test_versions_count_up_within_a_group_and_only_the_newest_is_current(backend: Backend, project_id: str) -> None:
    ids = [register(backend, project_id) for _ in range(3)]
    assert versions(backend, *ids) == [(1, True), (2, True), (3, False)]
    assert len(backend.rows(flow_group)) == 1
    (group,) = backend.rows(flow_group)
    assert group["settings"] == {
        "heartbeat_enabled": True,
        "lazarus_enabled": True,
        "version_locking_enabled": False,
        "idempotency_key": None,
    }
    assert (group["name"], group["labels"], group["schedule"]) == (
        backend.row(flow, ids[0])["version_group_id"],
        None,
        None,
    )
    assert (group["default_parameters"], group["run_config"], group["description"]) == ({}, None, None)


def test_the_group_is_found_by_name_and_project(backend: Backend, project_id: str) -> None:
    first = register(backend, project_id)
    others = [
        register(backend, project_id, flow_document("other name")),
        register(backend, make_project(backend, "elsewhere")),
    ]
    assert versions(backend, first, *others) == [(1, False)] * 3
    assert len(backend.rows(flow_group)) == 3


def test_the_last_flow_of_that_name_decides_even_if_archived(backend: Backend, project_id: str) -> None:
    register(backend, project_id, version_group_id="one")
    last = register(backend, project_id, version_group_id="two")
    backend.run("archive_flow", flow_id=last)
    found = backend.row(flow, register(backend, project_id))
    assert (found["version_group_id"], found["version"]) == ("two", 2)


def test_a_named_group_spans_names_and_projects(backend: Backend, project_id: str) -> None:
    elsewhere = make_project(backend, "elsewhere")
    ids = [
        register(backend, project_id, version_group_id="group"),
        register(backend, project_id, flow_document("other name"), version_group_id="group"),
        register(backend, elsewhere, version_group_id="group"),
    ]
    assert versions(backend, *ids) == [(1, True), (2, True), (3, False)]
    assert [row["name"] for row in backend.rows(flow_group)] == ["group"]


def test_groups_and_versions_belong_to_a_tenant(backend: Backend, project_id: str) -> None:
    theirs = make_project(backend, _principal=THEM)
    mine = register(backend, project_id, version_group_id="group", idempotency_key="key")
    given = {"serialized_flow": flow_document(), "version_group_id": "group", "idempotency_key": "key"}
    other = backend.run("create_flow", THEM, project_id=theirs, **given)["id"]
    assert versions(backend, mine, other) == [(1, False), (1, False)]
    assert sorted(row["tenant_id"] for row in backend.rows(flow_group, name="group")) == [TENANT, OTHER_TENANT]


def test_versions_begin_anew_when_all_are_deleted(backend: Backend, project_id: str) -> None:
    for flow_id in [register(backend, project_id, version_group_id="group") for _ in range(2)]:
        backend.run("delete_flow", flow_id=flow_id)
    again = register(backend, project_id, version_group_id="group")
    assert versions(backend, again) == [(1, False)]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["a", "a"], [1, 1]),
        (["a", "a", "a"], [1, 1, 1]),
        (["a", "b"], [1, 2]),
        ([None, None], [1, 2]),
        (["", ""], [1, 2]),
        (["a", None, "a"], [1, 2, 3]),
        (["a", "b", "a"], [1, 2, 3]),
        (["a", "b", "b", "a"], [1, 2, 2, 3]),
    ],
)
def test_only_the_last_key_counts(
    backend: Backend, project_id: str, keys: list[str | None], expected: list[int]
) -> None:
    ids = [register(backend, project_id, diamond(), idempotency_key=key) for key in keys]
    assert [version for version, _ in versions(backend, *ids)] == expected
    assert backend.count(task_table) == 4 * max(expected)
    (group,) = backend.rows(flow_group)
    assert group["settings"]["idempotency_key"] == (keys[-1] or None)


def test_a_repeated_registration_changes_nothing_at_all(backend: Backend, project_id: str) -> None:
    first = register(backend, project_id, idempotency_key="key", description="first")
    before = (backend.rows(flow), backend.rows(flow_group))
    again = register(
        backend, project_id, flow_document(schedule=schedule()), idempotency_key="key", description="again"
    )
    assert again == first
    assert (backend.rows(flow), backend.rows(flow_group)) == before


def test_a_key_does_not_bring_back_what_is_archived_or_deleted(backend: Backend, project_id: str) -> None:
    first = register(backend, project_id, idempotency_key="key", version_group_id="group")
    backend.run("archive_flow", flow_id=first)
    second = register(backend, project_id, idempotency_key="key", version_group_id="group")
    assert versions(backend, second) == [(2, False)]
    backend.run("delete_flow", flow_id=second)
    third = register(backend, project_id, idempotency_key="key", version_group_id="group")
    assert versions(backend, first, third) == [(1, True), (2, False)]


def test_a_key_keeps_the_other_settings_of_the_group(backend: Backend, project_id: str) -> None:
    first = register(backend, project_id, idempotency_key="a")
    backend.run("disable_flow_heartbeat", flow_id=first)
    register(backend, project_id, idempotency_key="b")
    (group,) = backend.rows(flow_group)
    assert (group["settings"]["heartbeat_enabled"], group["settings"]["idempotency_key"]) == (False, "b")


# ---- Schedules ----


def test_the_schedule_is_switched_on_unless_told_otherwise(backend: Backend, project_id: str) -> None:
    document = flow_document(schedule=schedule())
    for given, is_active in (
        ({}, True),
        ({"set_schedule_active": True}, True),
        ({"set_schedule_active": False}, False),
    ):
        flow_id = register(backend, project_id, document, **given)
        assert backend.row(flow, flow_id)["is_schedule_active"] is is_active
        assert backend.count(flow_run, flow_id=flow_id) == (10 if is_active else 0)
    without = register(backend, project_id)
    assert backend.row(flow, without)["is_schedule_active"] is False


def test_a_schedule_of_the_group_is_enough(backend: Backend, project_id: str) -> None:
    register(backend, project_id)
    (group,) = backend.rows(flow_group)
    backend.run("set_flow_group_schedule", flow_group_id=group["id"], cron_clocks=[{"cron": "0 * * * *"}])
    flow_id = register(backend, project_id)
    assert backend.row(flow, flow_id)["is_schedule_active"] is True
    assert backend.count(flow_run, flow_id=flow_id) == 10


def test_a_flow_whose_clocks_give_all_parameters_is_switched_on(backend: Backend, project_id: str) -> None:
    clocks = [interval_clock(parameter_defaults={"x": 1}), interval_clock(90, parameter_defaults={"x": 2})]
    document = flow_document(parameters=[parameter("x", required=True)], schedule=schedule(*clocks))
    assert backend.row(flow, register(backend, project_id, document))["is_schedule_active"] is True


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (flow_document(parameters=[parameter("x", required=True)], schedule=schedule()), "required parameters"),
        (flow_document(schedule=schedule({"type": "SunDial"})), "SunDial"),
    ],
)
def test_a_flow_that_cannot_be_scheduled_is_registered_all_the_same(
    backend: Backend, project_id: str, document: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        flow_id = register(backend, project_id, copy.deepcopy(document))
    assert backend.row(flow, flow_id)["is_schedule_active"] is False
    assert backend.count(flow_run) == 0
    assert told in caplog.text


def test_the_version_before_loses_its_waiting_runs(backend: Backend, project_id: str) -> None:
    first = register(backend, project_id, flow_document(schedule=schedule()))
    manual = backend.run("create_flow_run", flow_id=first)["id"]
    second = register(backend, make_project(backend, "elsewhere"), flow_document(schedule=schedule()))
    assert backend.count(flow_run, flow_id=second) == 10
    assert backend.count(flow_run, flow_id=first) == 11
    group_id = backend.row(flow, first)["version_group_id"]
    third = register(backend, project_id, flow_document(schedule=schedule()), version_group_id=group_id)
    assert backend.count(flow_run, flow_id=third) == 10
    (left,) = backend.rows(flow_run, flow_id=first)
    assert (left["id"], left["state"]) == (manual, "Cancelled")
    assert "archived" in left["state_message"]
