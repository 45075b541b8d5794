"""Names and types that clients write into their documents, and the schema as a whole."""

import json
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    assert_valid_schema,
    build_schema,
    get_introspection_query,
)

from eparch.database.tables import METADATA
from eparch.graphql.catalog import OBJECTS, TRAVERSALS
from eparch.graphql.introspection import introspect
from eparch.graphql.schema import schema, schema_text
from tests.graphql.world import DOCUMENTS

# Spelled out, because they are written in documents that nobody here can change.
COLUMNS = {
    "tenant": "id created updated name slug info settings",
    "project": "id created updated tenant_id name description",
    "flow_group": (
        "id created updated tenant_id name labels schedule settings default_parameters run_config description "
        "misfire_policy overlap_policy daylight_rule"
    ),
    "flow": (
        "id created updated tenant_id project_id flow_group_id name description version version_group_id archived "
        "core_version environment run_config storage parameters schedule is_schedule_active serialized_flow settings"
    ),
    "task": (
        "id created updated tenant_id flow_id name slug description type trigger cache_key max_retries retry_delay "
        "tags mapped auto_generated is_root_task is_terminal_task is_reference_task"
    ),
    "edge": "id created updated tenant_id flow_id upstream_task_id downstream_task_id key mapped",
    "flow_run": (
        "id created updated tenant_id flow_id agent_id name parameters labels run_config context scheduled_start_time "
        "auto_scheduled idempotency_key heartbeat start_time end_time version state state_timestamp state_start_time "
        "state_message state_result serialized_state times_resurrected held_by "
        "backfill_id priority"
    ),
    "flow_run_state": (
        "id created updated tenant_id flow_run_id timestamp state message result start_time serialized_state version"
    ),
    "task_run": (
        "id created updated tenant_id flow_run_id task_id map_index name cache_key heartbeat start_time end_time "
        "version state state_timestamp state_start_time state_message state_result serialized_state"
    ),
    "task_run_state": (
        "id created updated tenant_id task_run_id timestamp state message result start_time serialized_state version"
    ),
    "log": (
        "id created updated tenant_id flow_run_id task_run_id timestamp name level message info is_loaded_from_archive"
    ),
    "task_run_artifact": "id created updated tenant_id task_run_id kind data",
    "agent_config": "id created updated tenant_id name settings",
    "agent": "id created updated tenant_id agent_config_id name type core_version labels last_queried",
    "cloud_hook": "id created updated tenant_id version_group_id name type states config active",
    "message": "id created updated tenant_id read type text content",
    "secret": "id created updated tenant_id name key_id",
    "key_value": "id created updated tenant_id key value version",
    "backfill": (
        "id created updated tenant_id flow_group_id state message range_start range_end direction concurrency "
        "parameters labels repeat_existing instant_count made_count skipped_count end_time"
    ),
    "flow_concurrency_limit": "id created updated tenant_id name limit counts_submitted",
    "task_concurrency_limit": "id created updated tenant_id name limit",
    "task_tag_limit": "id created updated tenant_id tag limit",
    "flow_run_slot": "id created updated tenant_id limit_id flow_run_id",
    "task_run_slot": "id created updated tenant_id limit_id task_run_id",
    "flow_run_waiter": "id created updated tenant_id limit_id flow_run_id priority listens_until",
    "task_run_waiter": "id created updated tenant_id limit_id task_run_id priority listens_until",
    "utility_traversal": "tenant_id task_id depth",
}
TABLES = sorted(COLUMNS)
RELATIONSHIPS = {
    "tenant": {"projects": True, "flows": True, "flow_groups": True},
    "project": {"tenant": False, "flows": True},
    "flow_group": {"tenant": False, "flows": True},
    "flow": {
        "project": False,
        "tenant": False,
        "flow_group": False,
        "tasks": True,
        "edges": True,
        "flow_runs": True,
    },
    "task": {"flow": False, "task_runs": True, "upstream_edges": True, "downstream_edges": True},
    "edge": {"flow": False, "upstream_task": False, "downstream_task": False},
    "flow_run": {"flow": False, "tenant": False, "agent": False, "states": True, "task_runs": True, "logs": True},
    "flow_run_state": {"flow_run": False},
    "task_run": {"flow_run": False, "task": False, "tenant": False, "states": True, "logs": True},
    "task_run_state": {"task_run": False},
    "task_run_artifact": {"task_run": False},
    "agent_config": {"agents": True},
    "agent": {"agent_config": False, "flow_runs": True},
    "backfill": {"flow_group": False, "tenant": False, "flow_runs": True},
    "flow_concurrency_limit": {"slots": True, "waiters": True, "flow_runs": True},
    "task_concurrency_limit": {"slots": True, "waiters": True},
    "task_tag_limit": {"slots": True, "waiters": True},
    **{f"flow_run_{name}": {"limit": False, "flow_run": False} for name in ("slot", "waiter")},
    **{f"task_run_{name}": {"limit": False, "task_run": False} for name in ("slot", "waiter")},
    "utility_traversal": {"task": False},
}
# Columns that are ours alone, and no client's business.
HIDDEN = {
    "flow_run": {"has_task_runs", "has_slots"},
    "task_run": {"has_slots"},
    "agent": {"fingerprint"},
    "secret": {"ciphertext"},
}


def test_the_schema_is_valid_and_its_text_makes_the_same() -> None:
    assert_valid_schema(schema())
    assert set(build_schema(schema_text()).type_map) == set(schema().type_map)
    assert schema_text() == schema_text()


@pytest.mark.parametrize("name", TABLES)
def test_an_object_has_the_columns_and_relationships_that_clients_ask_for(name: str) -> None:
    type_ = schema().type_map[name]
    assert isinstance(type_, GraphQLObjectType)
    links = RELATIONSHIPS.get(name, {})
    wanted = set(COLUMNS[name].split()) | set(links) | {f"{link}_aggregate" for link, many in links.items() if many}
    assert wanted <= set(type_.fields)
    assert {link.name: link.is_list for link in OBJECTS[name].relationships.values()}.items() >= links.items()


@pytest.mark.parametrize("name", TABLES)
def test_an_object_has_its_root_fields_on_queries_and_subscriptions(name: str) -> None:
    wanted = {name, f"{name}_aggregate"} | (set() if name in ("log", "utility_traversal") else {f"{name}_by_pk"})
    for root in (schema().query_type, schema().subscription_type):
        assert root is not None
        assert {one for one in root.fields if one in (name, f"{name}_aggregate", f"{name}_by_pk")} == wanted
        arguments = set(root.fields[name].args)
        assert arguments == {"where", "order_by", "limit", "offset", "distinct_on"}


def test_every_column_of_the_database_is_shown_or_hidden_on_purpose() -> None:
    for table in METADATA.tables.values():
        if table.name not in OBJECTS:
            continue
        shown = set(OBJECTS[table.name].columns)
        assert {column.name for column in table.columns} - shown == HIDDEN.get(table.name, set()), table.name


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("suffix", ["bool_exp", "order_by", "select_column", "aggregate", "aggregate_fields"])
def test_the_types_that_clients_declare_variables_with_exist(name: str, suffix: str) -> None:
    assert f"{name}_{suffix}" in schema().type_map


@pytest.mark.parametrize("scalar", ["String", "Int", "Boolean", "uuid", "timestamptz", "jsonb", "interval"])
def test_a_scalar_has_the_operators_that_it_takes(scalar: str) -> None:
    type_ = schema().type_map[f"{scalar}_comparison_exp"]
    assert isinstance(type_, GraphQLInputObjectType)
    names = "_eq _neq _gt _gte _lt _lte _in _nin _is_null"
    if scalar == "String":
        names += " _like _nlike _ilike _nilike _similar _nsimilar _regex _nregex _iregex _niregex"
    if scalar == "jsonb":
        names += " _contains _contained_in _has_key _has_keys_any _has_keys_all"
    assert set(type_.fields) == set(names.split())


def test_no_raw_writes_of_tables_are_offered() -> None:
    mutation = schema().mutation_type
    assert mutation is not None
    raw = {
        f"{verb}_{name}{suffix}"
        for verb in ("insert", "update", "delete")
        for name in TABLES
        for suffix in ("_one", "_by_pk")
    }
    assert not raw & set(mutation.fields)
    assert not {f"insert_{name}" for name in TABLES} & set(mutation.fields)


def test_traversals_take_the_arguments_of_lists_and_their_own() -> None:
    query = schema().query_type
    assert query is not None
    for name in TRAVERSALS:
        assert set(query.fields[name].args) == {"args", "where", "order_by", "limit", "offset", "distinct_on"}


def asked(text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
    loaded = DOCUMENTS.load(text)
    coerced = loaded.variables(variables)
    parts, errors = introspect(loaded, loaded.prepare(coerced), coerced)
    assert not errors
    return {key: json.loads(part) for key, part in parts.items()}


def test_introspection_tells_the_whole_schema() -> None:
    names = {type_["name"] for type_ in asked(get_introspection_query())["__schema"]["types"]}
    assert names == set(schema().type_map)


def test_introspection_mixes_with_other_fields_and_takes_literals_and_variables() -> None:
    text = (
        'query ($n: String!) { hello a: __type(name: $n) { ...t } project { id } b: __type(name: "project") { ...t } } '
    )
    text += "fragment t on __Type { name kind }"
    assert asked(text, {"n": "order_by"}) == {
        "a": {"name": "order_by", "kind": "ENUM"},
        "b": {"name": "project", "kind": "OBJECT"},
    }
    assert asked(text, {"n": "uuid"})["a"] == {"name": "uuid", "kind": "SCALAR"}
    assert asked("{ hello }") == {}
