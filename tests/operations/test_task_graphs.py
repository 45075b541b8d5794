"""Tasks and edges: stored with their flow or in batches after it, and what the edges make of the tasks."""

from typing import Any

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import edge as edge_table
from eparch.database.tables import flow
from eparch.database.tables import task as task_table
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.samples import (
    chain,
    diamond,
    edge,
    flow_document,
    make_project,
    register,
    register_in_parts,
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


CIRCLES = (
    [("a-1", "a-1")],
    [("a-1", "b-1"), ("b-1", "a-1")],
    [("a-1", "b-1"), ("b-1", "c-1"), ("c-1", "d-1"), ("d-1", "b-1")],
)


@pytest.mark.parametrize("circle", CIRCLES)
def test_a_flow_whose_tasks_wait_for_each_other_is_refused(
    backend: Backend, project_id: str, circle: list[tuple[str, str]]
) -> None:
    tasks = [task(f"{name}-1") for name in "abcd"]
    document = flow_document(tasks=tasks, edges=[edge(*ends) for ends in circle])
    with pytest.raises(BadInput, match="form a cycle: "):
        register(backend, project_id, document)
    assert backend.count(flow) == 0


def test_edges_that_close_a_circle_are_refused_as_a_batch(backend: Backend, project_id: str) -> None:
    tasks = [task(f"{name}-1") for name in "abcd"]
    document = flow_document(tasks=tasks, edges=[edge("a-1", "b-1"), edge("b-1", "c-1")])
    flow_id = register_in_parts(backend, project_id, document)
    before = edges_of(backend, flow_id)
    closing = [edge("c-1", "d-1"), edge("d-1", "a-1")]
    with pytest.raises(BadInput, match="form a cycle: ") as refused:
        backend.run("register_edges", flow_id=flow_id, serialized_edges=closing)
    assert set(refused.value.detail["slugs"]) == {"a-1", "b-1", "c-1", "d-1"}  # type: ignore[call-overload]
    assert edges_of(backend, flow_id) == before
    # Half of it is fine, and so is another edge between tasks that are joined already.
    backend.run("register_edges", flow_id=flow_id, serialized_edges=[closing[0], edge("a-1", "b-1", "x")])
    assert len(edges_of(backend, flow_id)) == len(before) + 2
