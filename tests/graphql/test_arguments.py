"""Arguments of functions, and what is shown of what they return."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from graphql import build_schema

from eparch.core.errors import BadInput
from eparch.graphql.documents import Documents
from eparch.graphql.prepared import FunctionRoot
from tests.graphql.world import DOCUMENTS

ID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"


def arguments(text: str, variables: dict[str, Any] | None = None) -> Any:
    loaded = DOCUMENTS.load(text)
    coerced = loaded.variables(variables)
    root = loaded.prepare(coerced).roots[0]
    assert isinstance(root, FunctionRoot)
    return root.arguments(loaded.literals, coerced)


def project(text: str, payload: Any, variables: dict[str, Any] | None = None) -> Any:
    loaded = DOCUMENTS.load(text)
    root = loaded.prepare(loaded.variables(variables)).roots[0]
    assert isinstance(root, FunctionRoot)
    return root.project(payload)


def settings(literal: str) -> Any:
    return arguments(f"mutation {{ update_tenant_settings(input: {{settings: {literal}}}) {{ id }} }}")["input"][
        "settings"
    ]


def test_literals_and_variables_mix() -> None:
    text = "mutation ($id: UUID!, $index: Int) { get_or_create_task_run_info(input: {flow_run_id: $id, "
    text += f'task_id: "{{{ID.upper()}}}", map_index: $index}}) {{ id }} }}'
    assert arguments(text, {"id": ID, "index": None}) == {
        "input": {"flow_run_id": ID, "task_id": ID, "map_index": None}
    }
    assert arguments(text, {"id": ID}) == {"input": {"flow_run_id": ID, "task_id": ID}}


def test_a_whole_input_may_be_a_variable() -> None:
    text = "mutation ($input: set_task_run_states_input!) { set_task_run_states(input: $input) { states { id } } }"
    state = {"type": "Success", "_result": {"location": None}, "x": [1, 2.5, "é"]}
    given = {"input": {"states": {"task_run_id": ID, "version": None, "state": state}}}
    assert arguments(text, given) == {"input": {"states": [{"task_run_id": ID, "version": None, "state": state}]}}


def test_one_object_stands_for_a_list_of_one() -> None:
    text = f'mutation {{ write_run_logs(input: {{logs: {{flow_run_id: "{ID}", message: "x"}}}}) {{ success }} }}'
    assert arguments(text) == {"input": {"logs": [{"flow_run_id": ID, "message": "x"}]}}


@pytest.mark.parametrize("literal", ["INFO", '"INFO"', "$level"])
def test_the_level_of_a_log_line_may_be_a_bare_word_a_text_or_a_variable(literal: str) -> None:
    text = f'mutation ($level: log_level) {{ write_run_logs(input: {{logs: {{flow_run_id: "{ID}", level: LEVEL}}}}) '
    text = text.replace("LEVEL", literal) + "{ success } }"
    if literal != "$level":
        text = text.replace(" ($level: log_level)", "")
    assert arguments(text, {"level": "INFO"}) == {"input": {"logs": [{"flow_run_id": ID, "level": "INFO"}]}}


def test_lists_of_texts_are_lists() -> None:
    text = f'mutation {{ set_flow_run_labels(input: {{flow_run_id: "{ID}", labels: LABELS}}) {{ success }} }}'
    for literal, labels in (('["a", "b"]', ["a", "b"]), ("[]", []), ('"a"', ["a"]), ('["a" # "c"\n "b"]', ["a", "b"])):
        assert arguments(text.replace("LABELS", literal))["input"]["labels"] == labels
    with_variable = "mutation ($l: String!) " + text.removeprefix("mutation ").replace("LABELS", '["a", $l]')
    assert arguments(with_variable, {"l": "b"})["input"]["labels"] == ["a", "b"]


def test_defaults_of_the_schema_hold_where_nothing_is_given() -> None:
    text = 'mutation ($active: Boolean) { create_flow(input: {serialized_flow: "{}", project_id: "ID" MORE}) { id } }'
    text = text.replace("ID", ID)
    plain = text.replace("MORE", "").replace("($active: Boolean)", "")
    assert arguments(plain)["input"]["set_schedule_active"] is True
    asked = text.replace("MORE", ", set_schedule_active: $active")
    assert arguments(asked)["input"]["set_schedule_active"] is True
    assert arguments(asked, {"active": False})["input"]["set_schedule_active"] is False
    assert arguments(asked, {"active": None})["input"]["set_schedule_active"] is None


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        (r'"{\"a\": 2}"', {"a": 2}),
        (r'"\"text\""', "text"),
        ('"3"', 3),
        ('"null"', None),
        ("{a: 2, b: {c: [true, null, 1.5]}}", {"a": 2, "b": {"c": [True, None, 1.5]}}),
        ('{a: "{}"}', {"a": "{}"}),
        ('["1", "2"]', ["1", "2"]),
        ("[]", []),
        ("7", 7),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
    ],
)
def test_an_inline_string_for_json_holds_json_and_other_literals_stand_for_themselves(literal: str, value: Any) -> None:
    assert settings(literal) == value


def test_an_inline_string_that_holds_no_json_is_an_error() -> None:
    with pytest.raises(BadInput, match="must hold JSON, got 'plain'"):
        settings('"plain"')


def test_a_variable_for_json_is_passed_on_unchanged() -> None:
    text = "mutation ($s: JSON) { update_tenant_settings(input: {settings: $s}) { id } }"
    for value in ('{"a": 1}', "plain", {"b": 1, "a": 2}, None, [], 0):
        assert arguments(text, {"s": value}) == {"input": {"settings": value}}


def test_variables_stand_within_documents_too() -> None:
    text = "mutation ($x: JSON, $y: Int) { update_tenant_settings(input: {settings: {x: $x, y: [$y, $z]}}) { id } }"
    assert arguments(text.replace(", $z", ""), {"x": {"a": 1}, "y": 2})["input"]["settings"] == {
        "x": {"a": 1},
        "y": [2],
    }


def test_values_that_do_not_fit_are_told_with_their_place() -> None:
    with pytest.raises(BadInput, match=r"set_flow_run_labels\.input\.flow_run_id: Could not parse UUID: 'x'"):
        arguments('mutation { set_flow_run_labels(input: {flow_run_id: "x", labels: []}) { success } }')
    items = f'[{{flow_run_id: "{ID}"}}, {{flow_run_id: "{ID}", timestamp: "x"}}]'
    with pytest.raises(BadInput, match=r"write_run_logs\.input\.logs\[1\]\.timestamp: Could not parse DateTime"):
        arguments(f"mutation {{ write_run_logs(input: {{logs: {items}}}) {{ success }} }}")


def test_instants_become_aware_datetimes() -> None:
    text = 'mutation { create_flow_run(input: {scheduled_start_time: "2026-01-31T06:00:00"}) { id } }'
    assert arguments(text) == {"input": {"scheduled_start_time": datetime(2026, 1, 31, 6, tzinfo=UTC)}}


def test_a_null_for_what_must_be_given_is_an_error() -> None:
    text = "mutation ($id: UUID = null) { delete_flow(input: {flow_id: $id}) { success } }"
    documents = Documents()
    loaded = documents.load(text.replace("UUID = null", "UUID!"))
    assert loaded.kind == "mutation"
    text = f'mutation ($id: UUID = "{ID}") {{ delete_flow(input: {{flow_id: $id}}) {{ success }} }}'
    assert arguments(text) == {"input": {"flow_id": ID}}
    with pytest.raises(BadInput, match="got null"):
        arguments(text, {"id": None})


def test_queries_that_a_function_answers_take_arguments_too() -> None:
    assert arguments(f'{{ get_task_run_info(task_run_id: "{ID}") {{ id }} }}') == {"task_run_id": ID}
    assert arguments("{ hello }") == {}


def test_a_payload_shows_what_is_asked_for_under_the_keys_that_are_asked_for() -> None:
    text = """mutation ($no: Boolean = false) { set_flow_run_states(input: {states: []}) {
      list: states { ...state __typename a: id status @include(if: $no) }
      __typename
    } }
    fragment state on set_state_payload { message id }"""
    payload = {"states": [{"id": ID, "status": "SUCCESS", "message": None, "more": 1}, None]}
    assert project(text, payload) == {
        "list": [{"message": None, "id": ID, "__typename": "set_state_payload", "a": ID}, None],
        "__typename": "set_states_payload",
    }
    assert list(project(text, payload)["list"][0]) == ["message", "id", "__typename", "a"]
    assert "status" in project(text, payload, {"no": True})["list"][0]


def test_fields_that_a_payload_lacks_are_null_and_null_is_null() -> None:
    assert project('{ get_task_run_info(task_run_id: "x") { id version } }', {"id": ID}) == {"id": ID, "version": None}
    assert project('{ get_task_run_info(task_run_id: "x") { id version } }', None) is None
    assert project("{ hello }", "👋") == "👋"


def test_instants_have_one_form_and_documents_are_passed_on() -> None:
    text = '{ mapped_children(task_run_id: "x") { min_start_time max_end_time state_counts } }'
    raw = msgspec.Raw(b'{"Success":2}')
    payload = {"min_start_time": datetime(2026, 1, 31, 6, tzinfo=UTC), "max_end_time": None, "state_counts": raw}
    assert project(text, payload) == {
        "min_start_time": "2026-01-31T06:00:00.000000+00:00",
        "max_end_time": None,
        "state_counts": raw,
    }


def test_enums_of_arguments_are_their_names() -> None:
    of = build_schema("enum level { LOW HIGH } type Query { f(a: level = LOW, b: [level!]): Int }")
    loaded = Documents(of=of).load("query ($l: level) { f(a: $l, b: [HIGH, LOW]) }")
    root = loaded.prepare({}).roots[0]
    assert isinstance(root, FunctionRoot)
    assert root.arguments(loaded.literals, loaded.variables({"l": "HIGH"})) == {"a": "HIGH", "b": ["HIGH", "LOW"]}
    assert root.arguments(loaded.literals, {}) == {"a": "LOW", "b": ["HIGH", "LOW"]}
