"""Nobody sees the rows of another tenant, whichever way a query leads to them, nor what their role may not read."""

import json
import re
from typing import Any

import pytest

from eparch.core.principals import PERMISSIONS, Principal
from eparch.graphql.catalog import OBJECTS, Object
from eparch.graphql.planner import is_table_field
from eparch.graphql.prepared import TableRoot
from eparch.graphql.schema import schema
from tests.graphql.dataset import T1, T2
from tests.graphql.world import DOCUMENTS, World

ENTRIES = [entry for entry in OBJECTS.values() if entry.table is not None]
NAMES = [entry.name for entry in ENTRIES]


def everything(entry: Object, depth: int) -> str:
    """Return a selection of all columns and of all relationships, so many levels deep, figures and filters too."""
    fields = list(entry.columns)
    if depth:
        for link in entry.relationships.values():
            target = OBJECTS[link.target]
            fields.append(f"{link.name} {{ {everything(target, depth - 1)} }}")
            if link.is_list:
                fields.append(f"{link.name}_aggregate {{ aggregate {{ count }} nodes {{ id }} }}")
    return " ".join(fields)


def ids_in(value: Any) -> set[str]:
    """Return all texts within a document."""
    if isinstance(value, dict):
        return set().union(*(ids_in(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(ids_in(one) for one in value))
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_a_tenant_sees_its_own_rows_and_no_others(world: World, entry: Object) -> None:
    selection = everything(entry, 2)
    query = f"{{ rows: {entry.name} {{ {selection} }} {entry.name}_aggregate {{ aggregate {{ count }} }} }}"
    seen = {}
    for tenant in (T1, T2):
        answer = World(world.engine, principal=Principal(tenant)).ask(query)
        assert len(answer["rows"]) == answer[f"{entry.name}_aggregate"]["aggregate"]["count"]
        seen[tenant] = {one for one in ids_in(answer["rows"]) if re.fullmatch(r"\d{8}-0000-7000-8000-\d{12}", one)}
    assert seen[T1]
    assert not seen[T1] & seen[T2]


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.has_key], ids=lambda entry: entry.name)
def test_an_id_of_another_tenant_is_no_row(world: World, entry: Object) -> None:
    other = World(world.engine, principal=Principal(T2))
    for one in other.ask(f"{{ {entry.name} {{ id }} }}")[entry.name]:
        query = f'{{ {entry.name}_by_pk(id: "{one["id"]}") {{ id }} }}'
        assert other.ask(query) == {f"{entry.name}_by_pk": {"id": one["id"]}}
        assert world.ask(query) == {f"{entry.name}_by_pk": None}


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_table_in_the_sql_is_filtered_by_the_tenant(entry: Object, dialect: str) -> None:
    conditions = " ".join(f"{link.name}: {{{_inner(link.target)}}}" for link in entry.relationships.values())
    orders = " ".join(
        f"{{{link.name}_aggregate: {{count: asc}}}}" if link.is_list else f"{{{link.name}: {{id: asc}}}}"
        for link in entry.relationships.values()
        if link.target != "log" or link.is_list
    )
    arguments = f"where: {{{conditions}}}, order_by: [{orders}], distinct_on: []"
    query = f"{{ {entry.name}({arguments}) {{ {everything(entry, 2)} }} }}"
    root = DOCUMENTS.load(query).prepare({}).roots[0]
    assert isinstance(root, TableRoot)
    text = root.statement(dialect, 100).text
    looked_up = {column.lookup.table.name for one in ENTRIES for column in one.columns.values() if column.lookup}
    aliases = re.findall(r"(?:FROM|JOIN) (\w+) AS (t\d+)", text)
    assert aliases
    for table, alias in aliases:
        column = "id" if table == "tenant" else "tenant_id"
        if f"{alias}.{column} = " not in text:
            # Only the table of a column that lives elsewhere, which is reached by the id of a row that was filtered.
            assert table in looked_up
            assert re.search(rf"WHERE {alias}\.\w+ = t\d+\.\w+\)", text), (table, alias)


def _inner(name: str) -> str:
    return " ".join(f"{link.name}: {{}}" for link in OBJECTS[name].relationships.values())


def test_every_permission_of_the_catalog_exists() -> None:
    assert {entry.permission for entry in OBJECTS.values()} <= PERMISSIONS


ROOTS = sorted(name for name in schema().query_type.fields if is_table_field(name))  # type: ignore[union-attr]


def _query(root: str) -> str:
    arguments = '(id: "x")' if root.endswith("_by_pk") else ""
    arguments = '(args: {start_task_ids: "{}"})' if root.startswith(("utility_up", "utility_down")) else arguments
    return f"{{ {root}{arguments} {{ __typename }} }}"


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_field_needs_its_permission_and_no_other(world: World, root: str) -> None:
    loaded = DOCUMENTS.load(_query(root))
    (name,) = loaded.prepare({}).objects
    needed = OBJECTS[name].permission
    assert not World(world.engine, principal=Principal(T1, frozenset({needed}))).answer(_query(root)).errors
    answer = World(world.engine, principal=Principal(T1, PERMISSIONS - {needed})).answer(_query(root))
    assert [error["extensions"]["code"] for error in answer.errors] == ["FORBIDDEN"]
    assert answer.errors[0]["path"] == [root]
    assert answer.parts == {root: b"null"}
    assert answer.is_lost is not root.endswith("_by_pk")


@pytest.mark.parametrize(
    "query",
    [
        "{ flow_run { logs { id } } }",
        "{ flow_run { logs_aggregate { aggregate { count } } } }",
        "{ flow_run(where: {logs: {}}) { id } }",
        "{ flow_run(order_by: {logs_aggregate: {count: asc}}) { id } }",
        "{ flow_run_aggregate { nodes { logs { id } } } }",
    ],
)
def test_a_permission_is_needed_whichever_way_leads_to_an_object(world: World, query: str) -> None:
    limited = World(world.engine, principal=Principal(T1, PERMISSIONS - {"read:log"}))
    error = limited.error(query)
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert "read:log" in error["message"]


def test_fields_that_are_allowed_are_answered_beside_those_that_are_not(world: World) -> None:
    limited = World(world.engine, principal=Principal(T1, PERMISSIONS - {"read:agent"}))
    answer = limited.answer('{ a: agent_by_pk(id: "x") { id } project { name } }')
    assert [error["path"] for error in answer.errors] == [["a"]]
    assert not answer.is_lost
    assert len(json.loads(answer.parts["project"])) == 3
