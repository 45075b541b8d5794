"""Documents and operations: choosing, refusing, caching, variables."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import is_input_type, parse_type, type_from_ast

from eparch.core.errors import BadInput
from eparch.graphql.faults import RequestRefused
from eparch.graphql.prepared import FunctionRoot, NameRoot, TableRoot, tables_of
from eparch.graphql.schema import schema
from eparch.graphql.variables import Unfit, coercion
from tests.graphql.world import DOCUMENTS


def refused(text: str, variables: dict[str, Any] | None = None, name: str | None = None) -> list[dict[str, Any]]:
    with pytest.raises(RequestRefused) as caught:
        _prepare(text, variables, name)
    return caught.value.errors


def _prepare(text: str, variables: dict[str, Any] | None, name: str | None) -> None:
    loaded = DOCUMENTS.load(text, name)
    loaded.prepare(loaded.variables(variables))


def test_an_operation_is_chosen_by_its_name() -> None:
    text = "query A { hello } mutation B { __typename } subscription C { flow { id } }"
    assert [DOCUMENTS.load(text, name).kind for name in "ABC"] == ["query", "mutation", "subscription"]
    assert DOCUMENTS.load("query A { hello }").operation.name == "A"


def test_a_name_is_needed_where_there_are_several_operations() -> None:
    assert "Must provide operation name" in refused("query A { hello } query B { hello }")[0]["message"]


def test_an_unknown_name_is_refused() -> None:
    assert refused("query A { hello }", name="B")[0]["message"] == 'Unknown operation named "B".'


def test_what_is_no_document_is_refused_with_its_place() -> None:
    (error,) = refused('{ flow(where: {name: {_eq: "a \\u0041 long text"}}) { id }')
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert error["locations"] == [{"line": 1, "column": 58}]


def test_places_in_errors_are_those_of_the_text_that_came() -> None:
    errors = refused('{ flow(where: {name: {_in: ["a long text", "another"]}}) { nope } }')
    assert errors[0]["locations"] == [{"line": 1, "column": 60}]
    assert errors[0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_messages_show_the_literals_that_came() -> None:
    (error,) = refused('{ flow(limit: "many") { id } }')
    assert error["message"] == 'Int cannot represent non-integer value: "many"'


def test_integers_without_end_are_refused() -> None:
    assert refused("{ flow(limit: " + "9" * 5000 + ") { id } }")


def test_unknown_fields_are_refused() -> None:
    assert "Cannot query field" in refused("{ flow { nope } }")[0]["message"]
    assert refused("{ flow(where: {nope: {_eq: 1}}) { id } }")


def test_texts_that_differ_in_literals_and_comments_share_an_operation() -> None:
    one = DOCUMENTS.load('{ flow(where: {id: {_in: ["a", "b"]}, version: {_eq: 1}}) { id } } # "x"')
    other = DOCUMENTS.load('{ flow(where: {id: {_in: ["c"]}, version: {_eq: -22}}) { id } } ')
    assert one.operation is other.operation
    assert (one.literals, other.literals) == ((["a", "b"], 1), (["c"], -22))


def test_texts_that_differ_in_more_do_not() -> None:
    texts = ["{ flow(limit: 1) { id } }", "{ flow(offset: 1) { id } }", "{ flow(limit: null) { id } }"]
    assert len({id(DOCUMENTS.load(text).operation) for text in texts}) == 3


def test_halves_of_surrogate_pairs_are_joined_and_lone_ones_replaced() -> None:
    loaded = DOCUMENTS.load(r'{ flow(where: {name: {_in: ["\ud83d\ude80", "\ud83d", "\u0000", "\u{1F680}"]}}) { id } }')
    assert loaded.literals == (["🚀", "\ufffd", "\ufffd", "🚀"],)


def test_defaults_of_variables_hold_where_nothing_is_given() -> None:
    text = 'query ($limit: Int = 100, $name: String = "x", $order: [flow_order_by!] = {name: desc}) '
    text += "{ flow(limit: $limit, where: {name: {_eq: $name}}, order_by: $order) { id } }"
    loaded = DOCUMENTS.load(text)
    assert loaded.variables({}) == {"limit": 100, "name": "x", "order": [{"name": "desc"}]}
    assert loaded.variables({"limit": None, "name": "y"}) == {"limit": None, "name": "y", "order": [{"name": "desc"}]}
    assert DOCUMENTS.load(text.replace("100", "7")).variables({})["limit"] == 7


def test_variables_that_are_not_declared_are_ignored() -> None:
    assert DOCUMENTS.load("{ hello }").variables({"x": 1}) == {}


def test_a_required_variable_must_be_given_and_not_be_null() -> None:
    text = "query ($id: uuid!) { flow_by_pk(id: $id) { id } }"
    assert "was not provided" in refused(text)[0]["message"]
    (error,) = refused(text, {"id": None})
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("type_", "given", "coerced"),
    [
        ("[String!]", "one", ["one"]),
        ("[uuid!]", ["a"], ["a"]),
        ("Int", 3.0, 3),
        ("Float", 3, 3.0),
        ("JSON", '{"not": "decoded"}', '{"not": "decoded"}'),
        ("JSON", {"b": 1, "a": None}, {"b": 1, "a": None}),
        ("jsonb", [1, "x"], [1, "x"]),
        ("UUID", "6BA7B8109DAD11D180B400C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("DateTime", "2026-01-31 06:00:00", datetime(2026, 1, 31, 6, tzinfo=UTC)),
        ("DateTime", "2026-01-31T06:00:00+02:00", datetime(2026, 1, 31, 4, tzinfo=UTC)),
        ("flow_bool_exp", {"_and": {"name": {"_in": "x"}}}, {"_and": [{"name": {"_in": ["x"]}}]}),
        ("order_by", "desc_nulls_last", "desc_nulls_last"),
        ("_uuid", "{a,b}", "{a,b}"),
        ("interval", 5, 5),
    ],
)
def test_variables_become_what_their_type_says(type_: str, given: Any, coerced: Any) -> None:
    assert _coerced(type_, given) == coerced


@pytest.mark.parametrize(
    ("type_", "given", "message"),
    [
        ("Int", "1", "Int cannot represent non-integer value: '1'"),
        ("Int", True, "Int cannot represent non-integer value: True"),
        ("Int", 2**31, "non 32-bit"),
        ("String", 1, "String cannot represent a non string value: 1"),
        ("Boolean", "true", "Boolean cannot represent"),
        ("UUID", "x", "Could not parse UUID: 'x'"),
        ("DateTime", "soon", "Could not parse DateTime: 'soon'"),
        ("order_by", "up", "Value 'up' does not exist in 'order_by' enum."),
        ("flow_bool_exp", {"nam": {}}, "Did you mean 'name'?"),
        ("flow_bool_exp", "x", "Expected an object of type flow_bool_exp"),
        ("[flow_order_by!]", [{}, {"name": "up"}], "[1].name: Value 'up'"),
        ("[Int!]", [1, None], "[1]: Expected a value of type Int!, got null."),
        ("set_task_run_states_input", {"states": [{"task_run_id": "x"}]}, ".states[0].task_run_id: Could not parse"),
        ("set_task_run_states_input", {"states": [{}]}, "Field 'task_run_id' of required type UUID! was not provided."),
        ("set_task_run_states_input", {"states": [], "more": 1}, "Field 'more' is not defined"),
    ],
)
def test_variables_that_do_not_fit_are_refused_with_their_place(type_: str, given: Any, message: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)):
        _coerced(type_, given)


def _coerced(type_: str, given: Any) -> Any:
    wanted = type_from_ast(schema(), parse_type(type_))
    assert wanted is not None
    assert is_input_type(wanted)
    try:
        return coercion(wanted)(given)
    except Unfit as unfit:
        raise unfit.as_error("$x") from None


def test_roots_come_in_the_order_of_the_document_with_fragments_merged() -> None:
    text = """query ($yes: Boolean!) {
      ...f  b: hello  __typename
      skipped: hello @skip(if: $yes)
      ... on Query @include(if: $yes) { c: hello }
      a: flow { name }
    }
    fragment f on Query { a: flow { id } }"""
    loaded = DOCUMENTS.load(text)
    prepared = loaded.prepare({"yes": True})
    assert [root.key for root in prepared.roots] == ["a", "b", "__typename", "c"]
    assert [type(root) for root in prepared.roots] == [TableRoot, FunctionRoot, NameRoot, FunctionRoot]
    assert [root.key for root in loaded.prepare({"yes": False}).roots] == ["a", "b", "__typename", "skipped"]


def test_a_mutation_that_skips_a_root_is_told_apart_by_the_condition() -> None:
    text = 'mutation ($no: Boolean!) { a: delete_flow(input: {flow_id: "x"}) @skip(if: $no) { success } }'
    loaded = DOCUMENTS.load(text)
    assert [len(loaded.prepare({"no": no}).roots) for no in (True, False, True)] == [0, 1, 0]


def plans_of(text: str, *variables: dict[str, Any]) -> int:
    loaded = DOCUMENTS.load(text)
    return len({id(loaded.prepare(loaded.variables(one))) for one in variables})


def test_operands_do_not_make_plans() -> None:
    text = "query ($w: flow_bool_exp, $limit: Int, $ids: [uuid!]) "
    text += "{ flow(where: $w, limit: $limit) { id } b: flow(where: {id: {_in: $ids}}) { id } }"
    ones = [
        {"w": {"name": {"_eq": name}, "version": {"_in": list(range(n))}}, "limit": n, "ids": ["x"] * n}
        for n, name in enumerate("abc")
    ]
    assert plans_of(text, *ones) == 1


def test_nulls_names_booleans_and_enums_make_plans() -> None:
    text = "query ($w: flow_bool_exp, $o: [flow_order_by!], $d: [flow_select_column!]) "
    text += "{ flow(where: $w, order_by: $o, distinct_on: $d) { id } }"
    ones: list[dict[str, Any]] = [
        {},
        {"w": {"name": {"_eq": "x"}}},
        {"w": {"name": {"_eq": None}}},
        {"w": {"name": {"_neq": "x"}}},
        {"w": {"archived": {"_eq": True}}},
        {"w": {"archived": {"_eq": False}}},
        {"w": {"_or": [{"name": {"_eq": "x"}}]}},
        {"w": {"_or": [{"name": {"_eq": "x"}}] * 2}},
        {"o": {"name": "asc"}},
        {"o": {"name": "desc"}},
        {"o": {"name": "asc", "version": "asc"}},
        {"o": {"version": "asc", "name": "asc"}},
        {"d": "name"},
        {"d": "version"},
    ]
    assert plans_of(text, *ones) == len(ones)


def test_states_make_plans_but_only_those_that_exist() -> None:
    text = "query ($s: String, $l: [String!]) { flow_run(where: {state: {_eq: $s, _in: $l}}) { id } }"
    assert plans_of(text, {"s": "Running"}, {"s": "Failed"}) == 2
    assert plans_of(text, {"s": "a"}, {"s": "b"}) == 1
    assert plans_of(text, {"l": ["Running", "Failed"]}, {"l": ["Failed", "Running", "Failed"]}) == 1
    loaded = DOCUMENTS.load('{ flow_run(where: {state: {_eq: "Running"}}) { id } }')
    other = DOCUMENTS.load('{ flow_run(where: {state: {_eq: "Failed"}}) { id } }')
    assert loaded.operation is other.operation
    assert loaded.prepare({}) is not other.prepare({})


def test_the_plans_that_are_kept_have_a_bound() -> None:
    loaded = DOCUMENTS.load("query ($p: String) { flow { settings(path: $p) } }")
    for number in range(600):
        loaded.prepare({"p": f"a{number}"})
    kept = [variant.prepared for variant in loaded.operation._variants.values()]
    assert sum(map(len, kept)) <= 256


def test_the_tables_that_an_answer_depends_on_are_known() -> None:
    def tables(text: str) -> set[str]:
        return set(tables_of(DOCUMENTS.load(text).prepare({})))

    assert tables("{ project { id } hello }") == {"project"}
    assert tables("subscription { flow_run(where: {flow: {project: {}}}) { id logs { id } } }") == {
        "flow_run",
        "flow_run_heartbeat",
        "flow",
        "flow_group",
        "project",
        "log",
    }
    assert tables("{ project(order_by: {tenant: {name: asc}}) { id } }") == {"project", "tenant"}
    assert tables('{ utility_downstream_tasks(args: {start_task_ids: "{}"}) { depth } }') == {"task", "edge"}
