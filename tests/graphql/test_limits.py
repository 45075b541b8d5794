"""How large a request may be, and what is said about one that is larger."""

import pytest

from eparch.graphql.documents import Documents
from eparch.graphql.faults import RequestRefused
from eparch.graphql.limits import Limits
from tests.graphql.world import DOCUMENTS, World


def refusal(text: str, documents: Documents = DOCUMENTS) -> dict[str, object]:
    with pytest.raises(RequestRefused) as caught:
        documents.load(text).prepare({})
    assert len(caught.value.errors) == 1
    return caught.value.errors[0]


def nested(depth: int, inner: str = "id") -> str:
    """Return a query whose deepest field is at `depth`; the root is at 0."""
    fields = ["flow", *["tasks" if level % 2 else "flow" for level in range(1, depth)]]
    return (
        "query Deep { "
        + "".join(
            f"{field}(limit: 1) {{ " if field != "flow" or not level else "flow { "
            for level, field in enumerate(fields)
        )
        + inner
        + " }" * depth
        + " }"
    )


def test_a_field_at_depth_7_passes() -> None:
    DOCUMENTS.load(nested(7))


def test_a_field_at_depth_8_is_refused_naming_the_operation_and_the_limit() -> None:
    error = refusal(nested(8))
    assert error["message"] == "'Deep' exceeds maximum operation depth of 7"
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"  # type: ignore[index]


def test_fragments_count_for_depth() -> None:
    text = nested(7, "...more") + " fragment more on flow { project { id } }"
    assert "depth of 7" in str(refusal(text)["message"])


def test_introspection_and_type_names_do_not_count_for_depth() -> None:
    DOCUMENTS.load(nested(7, "id __typename"))
    DOCUMENTS.load("{ __schema { types { fields { type { ofType { ofType { ofType { ofType { name } } } } } } } } }")


def test_the_depth_is_a_setting() -> None:
    assert "depth of 2" in str(refusal(nested(3), Documents(Limits(depth_max=2)))["message"])


def test_lists_within_lists_multiply_the_cost() -> None:
    text = "{ project { flows { flow_runs { task_runs { states { id } } } } } }"
    error = refusal(text)
    assert "may read some 10" in str(error["message"])
    assert "limit" in error["extensions"]["hint"]  # type: ignore[index]
    DOCUMENTS.load(text.replace("task_runs", "task_runs(limit: 10)").replace("states", "states(limit: 1)")).prepare({})


def test_a_dashboard_and_a_whole_graph_are_not_too_costly() -> None:
    count = "{ aggregate { count } }"
    DOCUMENTS.load("{ " + " ".join(f"a{n}: flow_run_aggregate {count}" for n in range(18)) + " }").prepare({})
    DOCUMENTS.load(
        '{ flow_run_by_pk(id: "") { flow { tasks { id upstream_edges { upstream_task { id } } '
        "downstream_edges { downstream_task { id } } task_runs { state } } } } }"
    ).prepare({})


@pytest.mark.parametrize(
    ("query", "rows_max", "is_allowed"),
    [
        ("{ flow_run { id } }", 8, True),
        ("{ flow_run { id } }", 7, False),
        ("{ flow_run(limit: 7) { id } }", 7, True),
        ("{ flow_run(limit: 8) { id } }", 7, False),
        ("{ flow_run(limit: 8, offset: 3) { id } }", 7, True),
        ("{ flow_run_aggregate { aggregate { count } } }", 7, True),
        ("{ flow_run_aggregate { nodes { id } } }", 7, False),
        ("{ flow_run_aggregate(limit: 7) { aggregate { count } nodes { id } } }", 7, True),
        ("{ flow_run(distinct_on: flow_id) { id } }", 5, True),
    ],
)
def test_an_answer_with_too_many_rows_is_an_error_and_never_cut(
    world: World, query: str, rows_max: int, is_allowed: bool
) -> None:
    narrow = World(world.engine, Limits(rows_max=rows_max))
    if is_allowed:
        assert narrow.ask(query)
    else:
        error = narrow.error(query)
        assert f"more than {rows_max} rows" in error["message"]
        assert "limit" in error["extensions"]["hint"]


def test_a_document_may_have_so_many_characters_and_so_many_tokens() -> None:
    assert refusal("{ hello }" + " " * 1_000_000)["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"  # type: ignore[index]
    assert "20000 tokens" in str(refusal("{ " + "a: hello " * 10_000 + "}")["message"])


@pytest.mark.parametrize(
    "text",
    [
        "{ flow(where: " + "{_not: " * 3_000 + "{}" + "}" * 3_000 + ") { id } }",
        "{ flow(where: {id: {_in: " + "[" * 3_000 + "]" * 3_000 + "}}) { id } }",
        "{ flow " * 3_000 + "}" * 3_000,
        "{ ...a } " + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(3_000)),
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
    ],
    ids=["conditions", "lists", "fields", "fragments", "circle of fragments"],
)
def test_bombs_are_refused(text: str) -> None:
    with pytest.raises(RequestRefused):
        DOCUMENTS.load(text).prepare({})


@pytest.mark.parametrize(("opening", "closing"), [("{_and: [", "]}"), ("{_not: ", "}"), ("{_or: [{}, ", "]}")])
def test_conditions_nest_as_deeply_as_is_allowed_and_no_deeper(world: World, opening: str, closing: str) -> None:
    def asked(levels: int) -> str:
        return "{ project(where: " + opening * levels + "{}" + closing * levels + ") { id } }"

    assert "project" in world.ask(asked(39))
    assert refusal(asked(40))["message"] == "Conditions may nest 40 deep, not deeper."


ORDERED = "order_by: {project: {name: asc}}"
FOUR = "{ project { flows { project { flows { project {"


@pytest.mark.parametrize(
    "query",
    [
        "{ flow { tasks { flow { tasks { flow { tasks { flow { id } } } } } } } }",
        "{ project { flows { project { flows { project { flows { project { id } } } } } } } }",
        FOUR.replace("flows", f"flows({ORDERED})") + f" flows({ORDERED}) {{ project {{ id }} }} }} }} }} }} }} }}",
        FOUR + " flows(where: {tasks: {flow: {name: {_neq: null}}}}) { project { id } } } } } } } }",
        FOUR + " flows_aggregate(where: {project: {flows: {}}}) { nodes { id } aggregate { count } } } } } } } }",
        "{ project(where: " + "{flows: {project: " * 5 + "{}" + "}}" * 5 + ") { id } }",
    ],
    ids=["objects and lists", "lists", "orders", "conditions", "aggregates", "conditions at the root"],
)
def test_everything_that_the_depth_allows_can_be_read(world: World, query: str) -> None:
    assert world.ask(query)


def test_what_the_database_cannot_read_is_an_error(world: World) -> None:
    levels = 19
    made = world.answer("{ project(where: " + "{flows: {project: " * levels + "{}" + "}}" * levels + ") { id } }")
    if world.dialect == "sqlite":
        assert [error["message"] for error in made.errors] == [
            "The fields and conditions nest deeper than the database can read."
        ]
    else:
        assert not made.errors


def test_a_long_list_of_alternatives_is_answered(world: World) -> None:
    where = {"_or": [{"name": {"_eq": f"no {number}"}} for number in range(900)] + [{"name": {"_eq": "alpha"}}]}
    assert (
        len(
            world.ask("query ($where: project_bool_exp) { project(where: $where) { id } }", {"where": where})["project"]
        )
        == 1
    )


@pytest.mark.parametrize("count", [89, 90, 91, 180, 400])
def test_rows_may_be_wider_than_a_function_has_arguments(world: World, count: int) -> None:
    fields = " ".join(f"a{number}: {('name', 'id', '__typename')[number % 3]}" for number in range(count))
    row = world.ask(f"{{ project(limit: 1) {{ {fields} }} }}")["project"][0]
    assert len(row) == count
    assert (row["a0"], row["a2"], row["a87"]) == ("alpha", "project", "alpha")
