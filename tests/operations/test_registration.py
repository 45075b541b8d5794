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
    chain,
    compressed,
    diamond,
    edge,
    flow_document,
    interval_clock,
    make_project,
    parameter,
    register,
    register_in_parts,
    schedule,
    task,
)

THEM = Principal(OTHER_TENANT)


@pytest.fixture
def project_id(backend: Backend) -> str:
    return make_project(backend)


def tasks_of(backend: Backend, flow_id: str) -> dict[str, dict[str, Any]]:
    return {row["slug"]: row for row in backend.rows(task_table, flow_id=flow_id)}


def edges_of(backend: Backend, flow_id: str) -> set[tuple[str, str, str | None, bool]]:
    slugs = {row["id"]: row["slug"] for row in backend.rows(task_table, flow_id=flow_id)}
    rows = backend.rows(edge_table, flow_id=flow_id)
    found = [
        (slugs[row["upstream_task_id"]], slugs[row["downstream_task_id"]], row["key"], row["mapped"]) for row in rows
    ]
    assert len(found) == len(set(found))
    return set(found)


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
    assert (tasks_of(backend, flow_id), edges_of(backend, flow_id)) == ({}, set())


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
    assert len(tasks_of(backend, flow_id)) == 4
    assert register(backend, project_id, diamond(), version_group_id="group", idempotency_key="key") == flow_id


@pytest.mark.parametrize("text", ["", "no base64", "bm8gZ3ppcA=="])
def test_what_cannot_be_unpacked_is_refused(backend: Backend, project_id: str, text: str) -> None:
    with pytest.raises(BadInput, match="Unable to decompress"):
        backend.run("create_flow_from_compressed_string", project_id=project_id, serialized_flow=text)


# ---- Tasks and edges ----


def test_tasks_and_edges_are_stored(backend: Backend, project_id: str) -> None:
    flow_id = register(backend, project_id, diamond())
    tasks = tasks_of(backend, flow_id)
    a, b, c = tasks["a-1"], tasks["b-1"], tasks["c-1"]
    assert (a["name"], a["type"], a["tags"]) == ("a", "prefect.core.task.Task", ["blue", "red"])
    assert (a["max_retries"], a["retry_delay"], a["cache_key"]) == (3, 90, "key")
    assert (a["trigger"], b["trigger"]) == ("prefect.triggers.all_successful", "mine.trigger")
    assert (a["auto_generated"], c["auto_generated"], b["retry_delay"]) == (False, True, None)
    assert {row["tenant_id"] for row in tasks.values()} == {TENANT}
    assert edges_of(backend, flow_id) == {
        ("a-1", "b-1", None, False),
        ("a-1", "c-1", "x", True),
        ("b-1", "d-1", None, False),
        ("c-1", "d-1", "x", False),
        ("c-1", "d-1", "y", False),
    }
    assert {row["tenant_id"] for row in backend.rows(edge_table)} == {TENANT}


def roles(backend: Backend, flow_id: str) -> dict[str, str]:
    flags = {"mapped": "m", "is_root_task": "r", "is_terminal_task": "t", "is_reference_task": "f"}
    return {
        slug: "".join(letter for column, letter in flags.items() if row[column])
        for slug, row in tasks_of(backend, flow_id).items()
    }


@pytest.mark.parametrize("is_in_parts", [False, True])
@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ([], {"a-1": "r", "b-1": "", "c-1": "m", "d-1": "tf", "alone": "rtf"}),
        (["b-1"], {"a-1": "r", "b-1": "f", "c-1": "m", "d-1": "t", "alone": "rt"}),
    ],
)
def test_the_roles_of_tasks_come_from_the_edges(
    backend: Backend, project_id: str, references: list[str], expected: dict[str, str], is_in_parts: bool
) -> None:
    document = diamond()
    document["tasks"].append(task("alone"))
    document["reference_tasks"] = [{"slug": slug} for slug in references]
    if is_in_parts:
        flow_id = register_in_parts(backend, project_id, document, batch=2)
    else:
        flow_id = register(backend, project_id, document)
    assert roles(backend, flow_id) == expected


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("batch", [1, 2, 500])
def test_a_flow_in_parts_becomes_the_same_as_one_in_one_piece(
    backend: Backend, project_id: str, batch: int, repeats: int
) -> None:
    one = register(backend, project_id, diamond())
    other = register_in_parts(backend, project_id, diamond(), batch=batch, repeats=repeats)
    assert backend.row(flow, other)["serialized_flow"] == diamond()
    assert edges_of(backend, other) == edges_of(backend, one)
    assert roles(backend, other) == roles(backend, one)
    ignored = ("id", "flow_id", "created", "updated")
    tasks = [
        {
            slug: {name: row[name] for name in row if name not in ignored}
            for slug, row in tasks_of(backend, each).items()
        }
        for each in (one, other)
    ]
    assert tasks[0] == tasks[1]


def test_registering_parts_of_a_complete_flow_changes_nothing(backend: Backend, project_id: str) -> None:
    flow_id = register(backend, project_id, diamond())
    before = (backend.rows(flow), backend.rows(task_table), backend.rows(edge_table))
    backend.move_clock(hours=1)
    other_words = [{**item, "name": "other"} for item in diamond()["tasks"]]
    assert backend.run("register_tasks", flow_id=flow_id, serialized_tasks=other_words) == {"success": True}
    assert backend.run("register_edges", flow_id=flow_id, serialized_edges=diamond()["edges"]) == {"success": True}
    assert backend.run("register_edges", flow_id=flow_id, serialized_edges=[]) == {"success": True}
    assert (backend.rows(flow), backend.rows(task_table), backend.rows(edge_table)) == before


def test_what_a_batch_repeats_within_itself_is_there_once(backend: Backend, project_id: str) -> None:
    flow_id = register(backend, project_id, {"name": "etl"})
    tasks = [task("a"), task("b"), task("a")]
    edges = [edge("a", "b", "x"), edge("a", "b"), edge("a", "b", "x", flattened=True), edge("a", "b", "")]
    backend.run("register_tasks", flow_id=flow_id, serialized_tasks=tasks)
    backend.run("register_edges", flow_id=flow_id, serialized_edges=edges)
    assert edges_of(backend, flow_id) == {("a", "b", "x", False), ("a", "b", None, False)}
    document = backend.row(flow, flow_id)["serialized_flow"]
    assert document == {"name": "etl", "tasks": tasks[:2], "edges": edges[:2]}


def test_parts_that_make_no_sense_change_nothing(backend: Backend, project_id: str) -> None:
    flow_id = register(backend, project_id, flow_document(tasks=[task("a")]))
    before = (backend.rows(flow), backend.rows(task_table))
    for edges in ([edge("a", "nowhere")], [edge("nowhere", "a")], [edge("a", "a", "x"), edge("a", "nowhere")]):
        with pytest.raises(BadInput, match=r"reference tasks that do not exist: 'nowhere'"):
            backend.run("register_edges", flow_id=flow_id, serialized_edges=edges)
    for tasks in ([{"name": "b"}], "b", [task("b", retry_delay="x")], [task("b"), task("b", type="other")]):
        with pytest.raises(BadInput):
            backend.run("register_tasks", flow_id=flow_id, serialized_tasks=tasks)
    assert (backend.rows(flow), backend.rows(task_table)) == before
    assert backend.rows(edge_table) == []


def test_parts_need_a_flow_of_the_tenant(backend: Backend, project_id: str) -> None:
    flow_id = register(backend, project_id, diamond())
    for caller, target in ((THEM, flow_id), (None, UNKNOWN)):
        with pytest.raises(NotFound, match="Invalid flow ID"):
            backend.run("register_tasks", caller, flow_id=target, serialized_tasks=[task("new")])
        with pytest.raises(NotFound, match="Invalid flow ID"):
            backend.run("register_edges", caller, flow_id=target, serialized_edges=[edge("d-1", "a-1")])
    assert len(tasks_of(backend, flow_id)) == 4


@pytest.mark.parametrize("count", [1, 200, 201, 5000])
def test_a_flow_of_any_size_is_registered(backend: Backend, project_id: str, count: int) -> None:
    flow_id = register(backend, project_id, chain(count))
    assert backend.count(task_table, flow_id=flow_id) == count
    assert backend.count(edge_table, flow_id=flow_id) == count - 1
    other = register_in_parts(backend, project_id, chain(count))
    assert backend.count(edge_table, flow_id=other) == count - 1
    assert backend.row(flow, other)["serialized_flow"] == chain(count)


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
