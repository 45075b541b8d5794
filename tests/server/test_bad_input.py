"""Bytes, characters, sizes and shapes that nobody should send: each gets its error, and nothing is half-written."""

import json
from typing import Any

import httpx
import pytest

from tests.server.conftest import StartServer
from tests.server.wire import Response, Wire, ask, exchange, operation, request
from tests.server_process import ServerProcess

CREATE = "mutation ($input: create_project_input!) { create_project(input: $input) { id } }"
FIND = "query ($name: String) { project(where: {name: {_eq: $name}}) { name description } }"
UNKNOWN = "00000000-0000-4000-8000-0000000000ff"


def post(server: ServerProcess, body: bytes) -> Response:
    return exchange(server.port, request("POST", "/", body))


def check_alive(server: ServerProcess) -> None:
    response = httpx.get(f"{server.url}/health", timeout=30)
    assert (response.status_code, response.json()["status"]) == (200, "ok")


# ---- bytes ----


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"\0",
        b"hello",
        b"{",
        b'{"query"',
        b"null",
        b"true",
        b'"{ hello }"',
        b"1e400",
        b'{"query": "{ hello }"} x',
        b"{'query': '{ hello }'}",
        b'{"query": "{ hello }",}',
        b'{"query": "{ hel\xfflo }"}',
        b'{"query": "{ hello }", "variables": {"a\xc3": 1}}',
        b'\xef\xbb\xbf{"query": "{ hello }"}',
        '{"query": "{ hello }"}'.encode("utf-16"),
        b'{"query": "{ hello }", "variables": {"a": NaN}}',
        b'{"query": "{ hello }", "variables": {"a": -Infinity}}',
        b'{"query": "{ hello }", "variables": {"a": 1e999}}',
        b'{"query": "{ hello }", "variables": "{\\"a\\": NaN}"}',
        b'{"query": "{ hello }", "variables": "\\"\\ud800\\""}',
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": ["{ hello }"]}',
        b'{"query": {"a": "b"}}',
        b'{"Query": "{ hello }"}',
        b'{"variables": {}}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "{ hello }", "operationName": {"a": 1}}',
        b"[null]",
        b"[1]",
        b"[[]]",
        b'[{"query": "{ hello }"}, 1]',
        b'[{"query": "{ hello }"}',
        b"query=%7Bhello%7D",
        b'--x\r\ncontent-disposition: form-data; name="query"\r\n\r\n{ hello }\r\n--x--\r\n',
    ],
)
def test_what_is_no_request_is_refused(server: ServerProcess, body: bytes) -> None:
    response = post(server, body)
    assert (response.status, response.codes, "data" in response.json()) == (400, ["BAD_REQUEST"], False)


def test_random_bytes_are_refused_and_do_no_harm(server: ServerProcess) -> None:
    for seed in range(50):
        body = bytes((seed * 7919 + index * index * 31 + index // 3) % 256 for index in range(200))
        assert post(server, body).codes == ["BAD_REQUEST"]
    check_alive(server)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0\r\n\r\n",
        b"hello\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_even_http_closes_the_connection(server: ServerProcess, data: bytes) -> None:
    with Wire(server.port) as wire:
        wire.send(data)
        assert wire.receive().status == 400
        assert wire.is_closed()
    check_alive(server)


# ---- characters ----


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (r"nul \u0000", "nul \ufffd"),
        (r"high \ud800", "high \ufffd"),
        (r"low \udc00\ud800", "low \ufffd\ufffd"),
        (r"pair \ud83d\ude80", "pair 🚀"),
        (r"escaped \\u0000 \\ud800", r"escaped \u0000 \ud800"),
        (r"controls \u0001\u001f\u007f\u0085\u2028\uffff", "controls \x01\x1f\x7f\x85\u2028\uffff"),
    ],
)
@pytest.mark.parametrize("way", ["object", "text", "literal"])
def test_characters_that_no_database_holds_are_replaced(
    each_server: ServerProcess, sent: str, stored: str, way: str
) -> None:
    if way == "object":
        body = f'{{"query": {json.dumps(CREATE)}, "variables": {{"input": {{"name": "{way} {sent}"}}}}}}'
    elif way == "text":
        text = f'{{"input": {{"name": "{way} {sent}"}}}}'
        body = f'{{"query": {json.dumps(CREATE)}, "variables": {json.dumps(text)}}}'
    else:
        query = f'mutation {{ create_project(input: {{name: "{way} {sent}"}}) {{ id }} }}'
        body = json.dumps({"query": query})
    made = post(each_server, body.encode()).json()
    assert "errors" not in made
    found = ask(each_server.port, FIND, {"name": f"{way} {stored}"}).json()
    assert found == {"data": {"project": [{"name": f"{way} {stored}", "description": None}]}}


def test_a_nul_in_the_text_of_a_document_is_replaced_too(each_server: ServerProcess) -> None:
    made = ask(each_server.port, 'mutation { create_project(input: {name: "raw \0"}) { id } }')
    assert "errors" not in made.json()
    assert len(ask(each_server.port, FIND, {"name": "raw \ufffd"}).json()["data"]["project"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        'query { tenant(where: {settings: {_contains: {a: "\\u0000"}}}) { id } }',
        'query { tenant(where: {slug: {_in: ["\\u0000", "\\ud800"]}}) { id } }',
        'query { tenant(where: {slug: {_like: "\\u0000%"}}) { id } }',
        'query { tenant(where: {settings: {_has_key: "\\u0000"}}) { id } }',
        'query { tenant(where: {id: {_eq: "\\u0000"}}) { id } }',
        'query { tenant { settings(path: "\\u0000") } }',
        "query { tenant { settings(path: \"['%'' \\\"]\") } }",
        'query { tenant(where: {created: {_gt: "2020-01-01\\u0000"}}) { id } }',
    ],
)
def test_such_characters_in_a_read_are_no_failure_of_the_server(each_server: ServerProcess, query: str) -> None:
    answer = ask(each_server.port, query).json()
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert codes <= {"data-exception", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"}


def test_a_document_within_a_text_is_mended_too(each_server: ServerProcess) -> None:
    query = (
        r"""mutation { create_flow_run(input: {flow_id: "%s", parameters: "{\"a\": \"\\u0000 \\ud800\"}"}) { id } }"""
    )
    answer = ask(each_server.port, query % UNKNOWN).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


# ---- sizes ----


def test_a_very_long_text_is_stored_or_refused_whole(each_server: ServerProcess) -> None:
    name = "".join(chr(0x4E00 + index * 7 % 20_000) for index in range(1_000_000))
    answer = ask(each_server.port, CREATE, {"input": {"name": name}}).json()
    found = ask(each_server.port, '{ project_aggregate(where: {name: {_like: "一七%"}}) { aggregate { count } } }')
    assert "errors" not in found.json()
    if "errors" in answer:
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    else:
        stored = ask(each_server.port, FIND, {"name": name}).json()["data"]["project"]
        assert [row["name"] for row in stored] == [name]


def test_a_long_description_comes_back_as_it_was(each_server: ServerProcess) -> None:
    description = 'é"\\\n🚀' * 500_000
    made = ask(each_server.port, CREATE, {"input": {"name": "long description", "description": description}})
    assert "errors" not in made.json()
    (row,) = ask(each_server.port, FIND, {"name": "long description"}).json()["data"]["project"]
    assert row["description"] == description


@pytest.mark.parametrize("depth", [201, 1_000, 10_000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("is_text", [False, True])
def test_json_that_nests_too_deeply_is_refused(
    server: ServerProcess, depth: int, opening: str, closing: str, is_text: bool
) -> None:
    deep = opening * depth + "1" + closing * depth
    variables = json.dumps(f'{{"input": {deep}}}') if is_text else f'{{"input": {deep}}}'
    body = f'{{"query": "{{ hello }}", "variables": {variables}}}'
    if len(body) < 16_000_000:
        assert post(server, body.encode()).codes == ["BAD_REQUEST"]


def test_json_that_never_closes_is_refused(server: ServerProcess) -> None:
    assert post(server, b"[" * 10_000_000).codes == ["BAD_REQUEST"]
    assert post(server, b'{"query":' * 1_000_000).codes == ["BAD_REQUEST"]


def test_json_as_deep_as_is_allowed_is_stored_and_read(each_server: ServerProcess) -> None:
    settings: Any = 1
    for level in range(150):
        settings = {"a": settings} if level % 2 else [settings]
    update = "mutation ($input: update_tenant_settings_input!) { update_tenant_settings(input: $input) { id } }"
    assert "errors" not in ask(each_server.port, update, {"input": {"settings": {"deep": settings}}}).json()
    found = ask(each_server.port, "{ project { tenant { settings } } tenant { settings } }").json()["data"]["tenant"]
    assert found[0]["settings"]["deep"] == settings
    ask(each_server.port, update, {"input": {"settings": {"deep": None}}})


@pytest.mark.parametrize(
    "query",
    [
        "{" + "tenant {" * 2_000 + "id" + "}" * 2_001,
        "{ tenant(where: " + "{_not: " * 5_000 + "{}" + "}" * 5_000 + ") { id } }",
        "{ tenant(where: {settings: {_eq: " + "[" * 5_000 + "]" * 5_000 + "}}) { id } }",
        "query ($a: " + "[" * 5_000 + "Int" + "]" * 5_000 + ") { hello }",
        "{ tenant { projects { flows { flow_group { flows { flow_runs { task_runs { task { slug } } } } } } } } }",
        "query { ...A } fragment A on Query { hello ...B } fragment B on Query { ...A }",
        "{" + "a: tenant { id } " * 1_500 + "}",
        "{ hello " + "@skip(if: false) " * 10_000 + "}",
        "{ hello " + "#" * 2_000_000 + "\n}",
        "{ hello " + "," * 2_000_000 + "}",
        "{ a" * 30_000,
        '{ flow(where: {name: {_eq: "' + "x" * 2_000_000 + '"}}) { id } }',
        "{ flow(limit: " + "9" * 10_000 + ") { id } }",
        "{ flow(limit: 99999999999) { id } }",
        "{ flow(limit: -1) { id } }",
        "{ flow(offset: -1) { id } }",
    ],
)
def test_huge_and_deep_documents_are_refused(server: ServerProcess, query: str) -> None:
    response = ask(server.port, query)
    codes = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "data-exception"}
    assert response.status in (200, 400)
    assert set(response.codes) <= codes
    assert response.json().get("data") is None
    check_alive(server)


def test_a_huge_list_of_aliases_is_answered_or_refused_while_others_are_served(server: ServerProcess) -> None:
    with Wire(server.port) as slow, Wire(server.port) as quick:
        slow.send(operation("{" + " ".join(f"a{index}: hello" for index in range(6_000)) + "}"))
        quick.send(operation("{ hello }"))
        assert quick.receive().json() == {"data": {"hello": "👋"}}
        assert len(slow.receive().json()["data"]) == 6_000


def test_depth_is_counted_through_fragments_and_not_in_introspection(server: ServerProcess) -> None:
    one = "flows(limit: 1) { flow_group {"
    chain = "flow(limit: 1) { flow_group {" + one + one + " flows(limit: 1) { %s } } } } } } }"
    assert ask(server.port, "{" + chain % "id" + "}").status == 200
    deeper = "{" + chain % "...A" + "} fragment A on flow { flow_group { id } }"
    assert ask(server.port, deeper).codes == ["GRAPHQL_VALIDATION_FAILED"]
    of_type = "ofType { " * 7 + "name" + " }" * 7
    assert ask(server.port, "{ __schema { types { fields { type { " + of_type + " } } } } }").status == 200


# ---- the size of a request ----


def test_a_request_longer_than_allowed_is_refused_before_it_is_read(
    start_server: StartServer,
) -> None:
    with start_server("--body-bytes-max", "4096") as server:
        with Wire(server.port) as wire:
            wire.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4097\r\n\r\n")
            response = wire.receive()
            assert (response.status, response.codes) == (413, ["PAYLOAD_TOO_LARGE"])
            # The connection can go on after the rest.
            wire.send(b"x" * 4097 + operation("{ hello }"))
            assert wire.receive().status == 200
        with Wire(server.port) as wire:
            wire.send(
                b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + b"800\r\n" + b" " * 2048 + b"\r\n"
            )
            wire.send(b"801\r\n" + b" " * 2049 + b"\r\n")
            response = wire.receive()
            assert (response.status, response.codes) == (413, ["PAYLOAD_TOO_LARGE"])
        exact = json.dumps({"query": "{ hello }", "variables": {"a": ""}})
        exact = exact.replace('"a": ""', f'"a": "{"x" * (4096 - len(exact))}"')
        assert len(exact) == 4096
        assert post(server, exact.encode()).status == 200
        assert post(server, exact.encode() + b" ").status == 413


def test_a_body_in_chunks_is_read(server: ServerProcess) -> None:
    body = b'{"query": "{ hello }"}'
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, body[index : index + 1]) for index in range(len(body)))
    with Wire(server.port) as wire:
        wire.send(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert wire.receive().json() == {"data": {"hello": "👋"}}


# ---- ids, types, and what stays unwritten ----


@pytest.mark.parametrize(
    ("name", "given", "code"),
    [
        ("set_project_name", {"project_id": UNKNOWN, "name": "x"}, "NOT_FOUND"),
        ("set_project_name", {"project_id": "x", "name": "x"}, "BAD_USER_INPUT"),
        ("set_project_name", {"project_id": 1, "name": "x"}, "BAD_USER_INPUT"),
        ("set_project_name", {"project_id": None, "name": "x"}, "BAD_USER_INPUT"),
        ("set_project_name", {"name": "x"}, "BAD_USER_INPUT"),
        ("set_project_name", {"project_id": UNKNOWN, "name": "x", "nam": "y"}, "BAD_USER_INPUT"),
        ("set_project_name", [], "BAD_USER_INPUT"),
        ("set_project_name", None, "BAD_USER_INPUT"),
        ("create_flow_run", {"flow_id": UNKNOWN}, "NOT_FOUND"),
        ("create_flow_run", {}, "BAD_USER_INPUT"),
        ("create_flow_run", {"flow_id": UNKNOWN, "scheduled_start_time": "soon"}, "BAD_USER_INPUT"),
        ("create_flow_run", {"flow_id": UNKNOWN, "labels": [1]}, "BAD_USER_INPUT"),
        ("register_agent", {"type": "x", "tenant_id": UNKNOWN}, "FORBIDDEN"),
        ("claim_flow_runs", {"limit": 0}, "BAD_USER_INPUT"),
        ("claim_flow_runs", {"limit": 2**40}, "BAD_USER_INPUT"),
        ("claim_flow_runs", {"wait_s": -1}, "BAD_USER_INPUT"),
        ("claim_flow_runs", {"wait_s": 1e300}, "BAD_USER_INPUT"),
        ("claim_flow_runs", {"prefetch_s": 1e300}, "BAD_USER_INPUT"),
    ],
)
def test_wrong_values_and_unknown_ids_have_their_codes(
    each_server: ServerProcess, name: str, given: Any, code: str
) -> None:
    response = ask(
        each_server.port, f"mutation ($i: {name}_input!) {{ {name}(input: $i) {{ __typename }} }}", {"i": given}
    )
    assert response.codes == [code]
    assert response.status == (200 if "data" in response.json() else 400)


def test_an_operation_that_fails_in_the_middle_leaves_nothing(each_server: ServerProcess) -> None:
    (project,) = [ask(each_server.port, CREATE, {"input": {"name": "half"}}).json()["data"]["create_project"]["id"]]
    flow = {
        "name": "half",
        "tasks": [{"slug": "a"}, {"slug": "b"}],
        "edges": [{"upstream_task": {"slug": "a"}, "downstream_task": {"slug": "missing"}}],
    }
    tables = ("flow", "task", "edge", "flow_group")
    counts = "{" + " ".join(f"{table}_aggregate {{ aggregate {{ count }} }}" for table in tables) + "}"
    before = ask(each_server.port, counts).json()
    response = ask(
        each_server.port,
        "mutation ($i: create_flow_input!) { create_flow(input: $i) { id } }",
        {"i": {"project_id": project, "serialized_flow": flow}},
    )
    assert response.codes == ["BAD_USER_INPUT"]
    assert ask(each_server.port, counts).json() == before
