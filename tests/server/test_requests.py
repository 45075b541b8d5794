"""Every form in which clients send GraphQL over HTTP, and the form of every answer."""

import gzip
import json
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from eparch.server.pages import FOLDER
from tests.server.wire import ask, exchange, request
from tests.server_process import ServerProcess

HELLO = {"hello": "👋"}


def post(server: ServerProcess, body: Any, path: str = "/", **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}{path}", json=body, headers=headers, timeout=30)


def refused(response: httpx.Response, status: int = 400) -> list[str]:
    """Check that an answer is a refusal without data; return the codes of its errors."""
    assert response.status_code == status
    assert set(response.json()) == {"errors"}
    for error in response.json()["errors"]:
        assert isinstance(error["message"], str)
        assert isinstance(error["extensions"], dict)
    return [error["extensions"]["code"] for error in response.json()["errors"]]


# ---- where ----


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphql/", "/?a=b"])
def test_graphql_is_served_on_each_path_that_clients_use(server: ServerProcess, path: str) -> None:
    response = post(server, {"query": "{ hello }"}, path)
    assert (response.status_code, response.json()) == (200, {"data": HELLO})
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_another_path_says_where_the_api_is(server: ServerProcess) -> None:
    assert refused(post(server, {"query": "{ hello }"}, "/v1/graphql"), 404) == ["NOT_FOUND"]


# ---- variables ----

GREETING = "query ($name: String) { project(where: {name: {_eq: $name}}) { id } }"


@pytest.mark.parametrize("variables", [{}, None, "null", "", "{}", {"name": "x"}, '{"name": "x"}', '{"other": 1}'])
def test_variables_come_as_an_object_as_json_text_or_not_at_all(server: ServerProcess, variables: Any) -> None:
    response = post(server, {"query": GREETING, "variables": variables})
    assert response.status_code == 200
    assert "errors" not in response.json()


def test_a_request_may_leave_everything_out_but_the_query(server: ServerProcess) -> None:
    assert post(server, {"query": "{ hello }"}).json() == {"data": HELLO}


def test_what_the_server_does_not_know_of_a_request_is_ignored(server: ServerProcess) -> None:
    body = {"query": "{ hello }", "extensions": {"persistedQuery": {"version": 1}}, "operationName": None}
    assert post(server, body).json() == {"data": HELLO}


@pytest.mark.parametrize("variables", ["[1]", "1", "{", '{"a": NaN}', "nul", '{"a": 1} x', '"{}"', [], [1], 1, True])
def test_variables_that_are_no_object_are_refused(server: ServerProcess, variables: Any) -> None:
    assert refused(post(server, {"query": GREETING, "variables": variables})) == ["BAD_REQUEST"]


def test_variables_in_json_text_reach_the_operation(server: ServerProcess) -> None:
    made = post(
        server,
        {
            "query": "mutation ($input: create_project_input!) { create_project(input: $input) { id } }",
            "variables": json.dumps({"input": {"name": "Würfel \U0001f3b2", "description": '"{[\\'}}),
        },
    ).json()["data"]["create_project"]
    found = post(server, {"query": GREETING, "variables": json.dumps({"name": "Würfel \U0001f3b2"})}).json()
    assert found == {"data": {"project": [made]}}


# ---- operationName ----

TWO = "query A { hello } query B { api { backend } }"


@pytest.mark.parametrize(("name", "data"), [("A", HELLO), ("B", {"api": {"backend": "SERVER"}})])
def test_a_name_chooses_among_several_operations(server: ServerProcess, name: str, data: Any) -> None:
    assert post(server, {"query": TWO, "operationName": name}).json() == {"data": data}


@pytest.mark.parametrize("name", [None, "", "C"])
def test_several_operations_need_a_name_that_is_one_of_theirs(server: ServerProcess, name: str | None) -> None:
    assert refused(post(server, {"query": TWO, "operationName": name})) == ["GRAPHQL_VALIDATION_FAILED"]


@pytest.mark.parametrize("name", [None, "", "A"])
def test_a_single_operation_needs_no_name(server: ServerProcess, name: str | None) -> None:
    assert post(server, {"query": "query A { hello }", "operationName": name}).json() == {"data": HELLO}


# ---- lists ----


@pytest.mark.parametrize("count", [0, 1, 3, 100])
def test_a_list_of_operations_is_answered_by_a_list_in_the_same_order(server: ServerProcess, count: int) -> None:
    body = [{"query": f"{{ a{index}: hello }}"} for index in range(count)]
    response = post(server, body)
    assert (response.status_code, response.json()) == (
        200,
        [{"data": {f"a{index}": "👋"}} for index in range(count)],
    )


def test_too_long_a_list_is_refused(server: ServerProcess) -> None:
    assert refused(post(server, [{"query": "{ hello }"}] * 101)) == ["BAD_REQUEST"]


def test_one_bad_operation_of_a_list_does_not_take_the_answers_of_the_others(server: ServerProcess) -> None:
    create = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"
    response = post(
        server,
        [
            {"query": create, "variables": {"name": "in a list"}},
            {"query": "{ hello }", "variables": "[]"},
            {"query": "{ nothing }"},
            {"query": "{"},
            {"query": create, "variables": {"name": "in a list"}},
            {"query": "{ hello }"},
        ],
    )
    assert response.status_code == 200
    made, shape, unknown, broken, twice, hello = response.json()
    assert made["data"]["create_project"]["id"]
    assert [answer["errors"][0]["extensions"]["code"] for answer in (shape, unknown, broken, twice)] == [
        "BAD_REQUEST",
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_PARSE_FAILED",
        "CONFLICT",
    ]
    assert ["data" in answer for answer in (shape, unknown, broken, twice)] == [False, False, False, True]
    assert hello == {"data": HELLO}


# ---- GET ----


def get(server: ServerProcess, accept: str = "*/*", **parameters: str) -> httpx.Response:
    return httpx.get(f"{server.url}/", params=parameters, headers={"accept": accept})


def test_a_get_asks_with_parameters(server: ServerProcess) -> None:
    assert get(server, query="{ hello }").json() == {"data": HELLO}
    assert get(server, query=TWO, operationName="A").json() == {"data": HELLO}
    assert get(server, query=GREETING, variables='{"name": "x"}').json() == {"data": {"project": []}}
    assert get(server, accept="text/html", query="{ hello }").json() == {"data": HELLO}


def test_a_mutation_by_get_is_not_carried_out(server: ServerProcess) -> None:
    response = get(server, query='mutation { create_project(input: {name: "by get"}) { id } }')
    assert refused(response, 405) == ["METHOD_NOT_ALLOWED"]
    assert "POST" in response.headers["allow"]
    assert ask(server.port, GREETING, {"name": "by get"}).json() == {"data": {"project": []}}


@pytest.mark.parametrize(
    "parameters", ["", "?", "?query", "?query=", "?query=%7Bhello", "?query=%FF", "?query=%7Bhello%7D&variables=%5B%5D"]
)
def test_a_get_without_a_proper_query_is_refused(server: ServerProcess, parameters: str) -> None:
    assert refused(httpx.get(f"{server.url}/{parameters}"))[0] in ("BAD_REQUEST", "GRAPHQL_PARSE_FAILED")


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphql/"])
def test_a_browser_is_shown_a_page(server: ServerProcess, path: str) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    response = httpx.get(f"{server.url}{path}", headers={"accept": accept})
    assert response.status_code == (200 if (FOLDER / "index.html").exists() else 503)
    assert response.headers["content-type"].startswith("text/html")
    assert "Eparch" in response.text


# ---- methods ----


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE"])
def test_other_methods_are_not_allowed(server: ServerProcess, method: str) -> None:
    response = exchange(server.port, request(method)) if method != "HEAD" else httpx.head(f"{server.url}/")
    assert (response.status if method != "HEAD" else response.status_code) == 405
    assert response.headers["allow"] == "GET, POST, OPTIONS"


# ---- errors and data ----


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("", None, "GRAPHQL_PARSE_FAILED"),
        ("{ hello } }", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ flow(where: {nothing: {_eq: 1}}) { id } }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ flow { id { x } } }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("{ flow }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($a: Int!) { flow(limit: $a) { id } }", None, "BAD_USER_INPUT"),
        ("query ($a: Int!) { flow(limit: $a) { id } }", {"a": "x"}, "BAD_USER_INPUT"),
        ("query ($a: flow_bool_exp) { flow(where: $a) { id } }", {"a": {"nothing": 1}}, "BAD_USER_INPUT"),
        ("fragment A on Query { hello }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { flow { id } }", None, "BAD_USER_INPUT"),
        ("type A { a: Int }", None, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_what_cannot_be_executed_is_refused_without_data(
    server: ServerProcess, query: str, variables: Any, code: str
) -> None:
    assert code in refused(post(server, {"query": query, "variables": variables}))


def test_an_operation_that_fails_gives_null_and_an_error_with_its_path(server: ServerProcess) -> None:
    unknown = "00000000-0000-4000-8000-0000000000ff"
    response = ask(server.port, f'mutation {{ a: create_flow_run(input: {{flow_id: "{unknown}"}}) {{ id }} }}')
    assert response.status == 200
    answer = response.json()
    assert answer["data"] == {"a": None}
    (error,) = answer["errors"]
    assert error["path"] == ["a"]
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_the_other_root_fields_of_a_mutation_are_carried_out(server: ServerProcess) -> None:
    answer = ask(
        server.port,
        """mutation {
            __typename
            a: create_project(input: {name: "one of three"}) { id }
            b: create_project(input: {name: "one of three"}) { id }
            c: create_project(input: {name: "three of three"}) { __typename id }
        }""",
    ).json()
    assert list(answer["data"]) == ["__typename", "a", "b", "c"]
    assert answer["data"]["__typename"] == "Mutation"
    assert answer["data"]["b"] is None
    assert answer["data"]["c"]["__typename"] == "id_payload"
    assert [(error["message"], error["path"]) for error in answer["errors"]] == [("Uniqueness violation.", ["b"])]


def test_a_wrong_operand_of_a_read_is_an_error_with_data_null(each_server: ServerProcess) -> None:
    response = ask(each_server.port, '{ hello flow(where: {created: {_gt: "never"}}) { id } }')
    assert response.status == 200
    answer = response.json()
    assert answer["data"] is None
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["flow"], "data-exception")
    ]


def test_answers_keep_the_order_of_the_document(server: ServerProcess) -> None:
    answer = ask(server.port, "{ b: hello tenant { slug id } __typename a: hello api { mode backend } }")
    assert answer.body.startswith(b'{"data":{"b":"')
    assert list(answer.json()["data"]) == ["b", "tenant", "__typename", "a", "api"]
    assert list(answer.json()["data"]["tenant"][0]) == ["slug", "id"]


def test_introspection_is_answered_beside_other_fields(server: ServerProcess) -> None:
    answer = ask(server.port, '{ hello __schema { queryType { name } } tenant { slug } __type(name: "flow") { kind } }')
    assert answer.json()["data"]["__schema"] == {"queryType": {"name": "Query"}}
    assert answer.json()["data"]["__type"] == {"kind": "OBJECT"}


# ---- compression ----

MANY = "{" + " ".join(f"a{index}: hello" for index in range(500)) + "}"


@pytest.mark.parametrize("accepted", ["gzip", "deflate, gzip", "br;q=1.0, gzip;q=0.5", "*"])
def test_a_large_answer_is_compressed_for_who_can_read_it(server: ServerProcess, accepted: str) -> None:
    response = ask(server.port, MANY, accept_encoding=accepted)
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.body) < 5_000
    assert len(json.loads(gzip.decompress(response.body))["data"]) == 500


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", "xgzip", ""])
def test_it_is_not_compressed_for_others(server: ServerProcess, accepted: str) -> None:
    response = ask(server.port, MANY, accept_encoding=accepted)
    assert "content-encoding" not in response.headers
    assert len(response.json()["data"]) == 500


def test_a_small_answer_is_not_compressed(server: ServerProcess) -> None:
    assert "content-encoding" not in ask(server.port, "{ hello }", accept_encoding="gzip").headers


def test_a_compressed_request_is_refused(server: ServerProcess) -> None:
    body = gzip.compress(b'{"query": "{ hello }"}')
    assert exchange(server.port, request("POST", "/", body, content_encoding="gzip")).codes == ["BAD_REQUEST"]


# ---- other addresses ----


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_says_that_all_is_well(each_server: ServerProcess, path: str) -> None:
    response = httpx.get(f"{each_server.url}{path}")
    assert (response.status_code, response.json()["status"]) == (200, "ok")


def test_health_says_how_the_parts_are(each_server: ServerProcess) -> None:
    report = httpx.get(f"{each_server.url}/health").json()
    assert report["database"] == {"status": "ok"}
    assert report["version"]


def test_the_health_check_of_older_installations_is_answered(server: ServerProcess) -> None:
    response = httpx.get(f"{server.url}/.well-known/apollo/server-health")
    assert (response.status_code, response.json()) == (200, {"status": "pass"})


def test_parameters_may_be_encoded_in_either_way(server: ServerProcess) -> None:
    query = "{ a: hello }"
    for encoded in (quote(query), urlencode({"q": query})[2:]):
        assert httpx.get(f"{server.url}/?query={encoded}").json() == {"data": {"a": "👋"}}
