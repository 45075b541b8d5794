"""The id of a request: brought or given, in the answer, in its errors, in the log; and the access log."""

import re
from uuid import UUID

import httpx
import pytest

from tests.server.conftest import StartServer
from tests.server.making import make_project
from tests.server.socket_client import SocketClient
from tests.server.test_logs import lines_of
from tests.server.wire import Wire, ask, exchange, request
from tests.server_process import ServerProcess


def test_an_id_that_a_client_brings_comes_back(server: ServerProcess) -> None:
    answer = ask(server.port, "{ nothing }", x_request_id="job-7/step.2:abc")
    assert answer.headers["x-request-id"] == "job-7/step.2:abc"
    assert answer.json()["errors"][0]["extensions"]["request_id"] == "job-7/step.2:abc"


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, 'a"b', "é", "a\tb"])
def test_an_id_that_cannot_stand_in_a_log_is_replaced(server: ServerProcess, given: str) -> None:
    answer = ask(server.port, "{ hello }", x_request_id=given)
    assert UUID(answer.headers["x-request-id"]).version == 7


def test_every_request_is_given_one(server: ServerProcess) -> None:
    answers = [ask(server.port, "{ hello }") for _ in range(3)]
    answers += [exchange(server.port, request("POST", "/", b"nonsense")), exchange(server.port, request("OPTIONS"))]
    answers += [exchange(server.port, request("GET", path)) for path in ("/health", "/metrics", "/nowhere", "/")]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "{ nothing }",
        "query ($i: Int!) { project(limit: $i) { name } }",
        'mutation { create_project(input: {name: ""}) { id } }',
        '{ project(where: {name: {_regex: "("}}) { id } }',
        '{ get_task_run_info(task_run_id: "00000000-0000-4000-8000-0000000000ff") { id } }',
        "subscription { project { name } }",
    ],
)
def test_errors_of_every_kind_say_it(each_server: ServerProcess, query: str) -> None:
    answer = ask(each_server.port, query)
    told = {error["extensions"]["request_id"] for error in answer.json()["errors"]}
    assert told == {answer.headers["x-request-id"]}


def test_the_operations_of_a_list_share_it(server: ServerProcess) -> None:
    answer = exchange(server.port, request("POST", "/", b'[{"query": "{"}, {"query": "{ nothing }"}]'))
    told = {error["extensions"]["request_id"] for one in answer.json() for error in one["errors"]}
    assert told == {answer.headers["x-request-id"]}


def test_errors_over_a_websocket_say_its_own(server: ServerProcess) -> None:
    with SocketClient(server.port) as client:
        ids = set()
        for key in ("a", "b"):
            client.subscribe(key, "{ nothing }")
            (error,) = client.receive()["payload"]
            ids.add(error["extensions"]["request_id"])
    assert len(ids) == 1


def test_the_access_log_tells_each_request(start_server: StartServer) -> None:
    with start_server("--access-log") as server:
        make_project(server, "one")
        ask(server.port, "query Named { hello }", x_request_id="mine")
        ask(server.port, "{ nothing }")
        httpx.get(f"{server.url}/metrics")
        server.stop()
    lines = [line for line in lines_of(server.log) if line["logger"] == "eparch.access" and line["kind"] != "health"]
    told = [(line["message"], line["kind"], line["operation"], line["outcome"]) for line in lines]
    assert told == [
        ("POST / 200", "mutation", "create_project", "ok"),
        ("POST / 200", "query", "Named", "ok"),
        ("POST / 400", "unknown", "", "refused"),
        ("GET /metrics 200", "metrics", "", "ok"),
    ]
    assert lines[1]["request_id"] == "mine"
    for line in lines:
        assert line["client"] == "127.0.0.1"
        assert line["took_ms"] > 0
        assert line["sent_bytes"] > 0
    assert UUID(lines[0]["tenant_id"])


def test_lines_of_the_log_name_the_request_that_they_are_about(start_server: StartServer) -> None:
    options = ("--log-format", "text", "--access-log")
    with start_server(*options) as server:
        with Wire(server.port) as wire:
            for given in ("first", "second"):
                wire.send(request("GET", "/metrics", x_request_id=given))
                wire.receive()
        server.stop()
    about = re.findall(r"GET /metrics 200  \[(\w+)\]$", server.log.read_text(), flags=re.MULTILINE)
    assert about == ["first", "second"]
