"""Serialized flows: what is read of them, what is refused, and how a list in their text grows."""

import base64
import gzip
import json
from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.core.flow_documents import (
    TaskRole,
    decompressed,
    read_edges,
    read_flow,
    read_tasks,
    reference_slugs,
    task_roles,
    with_members_appended,
)


def task(slug: str, **more: Any) -> dict[str, Any]:
    return {"slug": slug, "name": slug, "type": "prefect.core.task.Task", **more}


def edge(upstream: str, downstream: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    return {"upstream_task": {"slug": upstream}, "downstream_task": {"slug": downstream}, "key": key, **more}


def test_the_members_that_matter_are_read() -> None:
    flow = read_flow(
        {
            "name": "etl",
            "__version__": "1.4.1",
            "schedule": {"clocks": []},
            "parameters": [{"name": "x"}],
            "run_config": {"type": "LocalRun"},
            "storage": {"type": "Local"},
            "environment": None,
            "tasks": [task("a"), task("b")],
            "edges": [edge("a", "b", "x", mapped=True, flattened=False)],
            "reference_tasks": [{"slug": "b"}, "a"],
            "what_else": 1,
        }
    )
    assert (flow.name, flow.core_version, flow.environment) == ("etl", "1.4.1", None)
    assert (flow.schedule, flow.parameters) == ({"clocks": []}, [{"name": "x"}])
    assert (flow.run_config, flow.storage) == ({"type": "LocalRun"}, {"type": "Local"})
    assert list(flow.tasks) == ["a", "b"]
    assert flow.edges[("a", "b", "x")].mapped is True
    assert flow.reference_slugs == {"a", "b"}


@pytest.mark.parametrize(
    "document",
    [
        {"name": "bare"},
        {"name": "null", "tasks": None, "edges": None, "reference_tasks": None, "schedule": None, "parameters": None},
        {"name": "empty", "tasks": [], "edges": [], "parameters": {}},
    ],
)
def test_lists_may_be_missing(document: dict[str, Any]) -> None:
    flow = read_flow(document)
    assert (flow.tasks, flow.edges, flow.reference_slugs, flow.core_version) == ({}, {}, frozenset(), None)


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, "name"),
        ({"name": 1}, "name"),
        ([], "serialized flow"),
        (None, "serialized flow"),
        ("{}", "serialized flow"),
        ({"name": "f", "tasks": {}}, "tasks"),
        ({"name": "f", "tasks": [1]}, "tasks"),
        ({"name": "f", "tasks": [task("a"), {"name": "b"}]}, r"slug.*tasks\[1\]"),
        ({"name": "f", "tasks": [task("")]}, r"tasks\[0\].slug"),
        ({"name": "f", "tasks": [task("a", retry_delay="soon")]}, r"tasks\[0\].retry_delay"),
        ({"name": "f", "tasks": [task("a", retry_delay=-1)]}, r"tasks\[0\].retry_delay"),
        ({"name": "f", "tasks": [task("a", max_retries=1.5)]}, r"tasks\[0\].max_retries"),
        ({"name": "f", "tasks": [task("a", max_retries=2**31)]}, r"tasks\[0\].max_retries"),
        ({"name": "f", "tasks": [task("a", tags="red")]}, r"tasks\[0\].tags"),
        ({"name": "f", "tasks": [task("a", trigger={"kwargs": {}})]}, r"tasks\[0\].trigger"),
        ({"name": "f", "edges": [{"upstream_task": "a"}]}, r"downstream_task.*edges\[0\]"),
        ({"name": "f", "edges": [edge("a", "b", mapped="yes")]}, r"edges\[0\].mapped"),
        ({"name": "f", "run_config": "LocalRun"}, "run_config"),
        ({"name": "f", "schedule": []}, "schedule"),
        ({"name": "f", "reference_tasks": [1]}, "reference_tasks"),
    ],
)
def test_a_member_of_the_wrong_type_is_named(document: object, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        read_flow(document)


@pytest.mark.parametrize(
    ("trigger", "name"),
    [
        (None, None),
        ("prefect.triggers.all_failed", "prefect.triggers.all_failed"),
        ({"fn": "mine.custom", "kwargs": {"n": 1}}, "mine.custom"),
    ],
)
def test_a_trigger_is_a_name_or_a_function(trigger: object, name: str | None) -> None:
    assert read_tasks([task("a", trigger=trigger)])["a"].trigger_name == name


@pytest.mark.parametrize(("given", "seconds"), [(None, None), (60, 60), (1.4, 1), (0, 0), (2.5e6, 2_500_000)])
def test_delays_are_whole_seconds(given: object, seconds: int | None) -> None:
    assert read_tasks([task("a", retry_delay=given)])["a"].retry_delay_s == seconds


@pytest.mark.parametrize("version", ["0.6.0", "0.5", "0.6.0rc1", "0.0.1+3.gabc"])
def test_flows_of_ancient_libraries_are_refused(version: str) -> None:
    with pytest.raises(BadInput, match="require new flows to be built with"):
        read_flow({"name": "f", "__version__": version})


@pytest.mark.parametrize("version", ["0.6.1", "0.6.1+4.gabc", "0.15.13", "1.4.1", "1.0rc1", "2", "local", "", None])
def test_flows_of_other_libraries_are_taken(version: str | None) -> None:
    assert read_flow({"name": "f", "__version__": version}).core_version == version


def test_repeated_tasks_are_one_and_different_ones_are_refused() -> None:
    assert list(read_tasks([task("a", x=1), task("a", x=2)])) == ["a"]
    with pytest.raises(BadInput, match="Two different tasks have the slug 'a'"):
        read_tasks([task("a", max_retries=1), task("a", max_retries=2)])


def test_edges_between_the_same_tasks_differ_by_their_key() -> None:
    edges = read_edges(
        [edge("a", "b", "x"), edge("a", "b", "y"), edge("a", "b"), edge("a", "b", ""), edge("a", "b", "x")]
    )
    assert list(edges) == [("a", "b", "x"), ("a", "b", "y"), ("a", "b", "")]
    assert list(read_edges([{"upstream_task": "a", "downstream_task": "b"}])) == [("a", "b", "")]


def test_an_edge_needs_its_tasks() -> None:
    with pytest.raises(BadInput, match="reference tasks that do not exist: 'b', 'c'"):
        read_flow({"name": "f", "tasks": [task("a")], "edges": [edge("a", "b"), edge("c", "a")]})


def test_roles_come_from_the_edges() -> None:
    edges = read_edges([edge("a", "b"), edge("b", "c", "x", mapped=True), edge("b", "c", "y", mapped=False)])
    roles = task_roles("abcd", edges, frozenset())
    assert roles == {
        "a": TaskRole(is_mapped=False, is_root=True, is_terminal=False, is_reference=False),
        "b": TaskRole(is_mapped=False, is_root=False, is_terminal=False, is_reference=False),
        "c": TaskRole(is_mapped=True, is_root=False, is_terminal=True, is_reference=True),
        "d": TaskRole(is_mapped=False, is_root=True, is_terminal=True, is_reference=True),
    }
    chosen = task_roles("abcd", edges, frozenset("a"))
    assert [slug for slug, role in chosen.items() if role.is_reference] == ["a"]


def test_reference_tasks_are_found_in_the_text() -> None:
    assert reference_slugs(b'{"name":"f"}') == frozenset()
    assert reference_slugs(b'{"name":"f","reference_tasks":null}') == frozenset()
    assert reference_slugs(b'{"reference_tasks":[{"slug":"a","x":1},"b"],"tasks":[{}]}') == {"a", "b"}


def packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()


def test_a_compressed_document_is_unpacked() -> None:
    document = {"name": "f", "tasks": [task("ä" * 1000)]}
    assert decompressed(packed(json.dumps(document).encode())) == document
    halves = base64.b64encode(gzip.compress(b'{"name":') + gzip.compress(b'"f"}')).decode()
    assert decompressed(halves) == {"name": "f"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        base64.b64encode(b"not gzip").decode(),
        packed(b"not json"),
        packed(b"{"),
        packed(b"\xff\xfe"),
        packed(b"[" * 1_000_000),
        packed(b'{"name": "f"}')[:-8],
        base64.b64encode(gzip.compress(b"{}", mtime=0) + b"more").decode(),
        "ü",
    ],
)
def test_what_cannot_be_unpacked_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="Unable to decompress"):
        decompressed(text)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = base64.b64encode(gzip.compress(b"[" + b" " * 1_000_000 + b"]")).decode()
    assert decompressed(bomb, bytes_max=1_000_002) == []
    with pytest.raises(BadInput, match="more than 1000001 bytes"):
        decompressed(bomb, bytes_max=1_000_001)
    many = base64.b64encode(b"".join(gzip.compress(b" " * 300_000) for _ in range(10))).decode()
    with pytest.raises(BadInput, match="more than 1000000 bytes"):
        decompressed(many, bytes_max=1_000_000)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{"name":"f"}', {"name": "f", "tasks": [1, {"a": 2}]}),
        ('{"name":"f","tasks":null}', {"name": "f", "tasks": [1, {"a": 2}]}),
        ('{"name":"f","tasks":[]}', {"name": "f", "tasks": [1, {"a": 2}]}),
        ('{"tasks":[ ],"name":"f"}', {"name": "f", "tasks": [1, {"a": 2}]}),
        ('{"tasks":[[0]],"name":"f"}', {"name": "f", "tasks": [[0], 1, {"a": 2}]}),
        ('{"tasks" : [ "x,]" ] , "z": 1.0}', {"tasks": ["x,]", 1, {"a": 2}], "z": 1.0}),
    ],
)
def test_a_list_in_the_text_grows_at_its_end(document: str, expected: dict[str, Any]) -> None:
    grown = with_members_appended(document.encode(), "tasks", [1, {"a": 2}])
    assert json.loads(grown) == expected


@pytest.mark.parametrize("document", ['{"tasks":[ ]}', '{"tasks":[1]}'])
def test_a_list_that_is_there_does_not_change_without_items(document: str) -> None:
    assert with_members_appended(document.encode(), "tasks", []) == document.encode()


@pytest.mark.parametrize("document", ["{}", '{"tasks":null}'])
def test_a_list_is_there_in_the_end_even_if_it_is_empty(document: str) -> None:
    assert json.loads(with_members_appended(document.encode(), "tasks", [])) == {"tasks": []}


def test_appending_keeps_what_it_does_not_understand_to_the_letter() -> None:
    document = b'{"a":1.10,"b":1e400,"tasks":[{"c":1.10}],"d":"\\u00e9"}'
    assert with_members_appended(document, "tasks", [0]) == b'{"a":1.10,"b":1e400,"tasks":[{"c":1.10},0],"d":"\\u00e9"}'
