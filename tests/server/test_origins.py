"""Pages of other origins may not change anything, read anything, nor open WebSockets; those that are allowed may."""

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from eparch.server.origins import Origins, Page
from tests.server.conftest import StartServer
from tests.server.wire import Response, ask, exchange, request
from tests.server_process import ServerProcess

CREATE = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"
FIND = "query ($name: String) { project(where: {name: {_eq: $name}}) { id } }"


def is_made(server: ServerProcess, name: str) -> bool:
    return bool(ask(server.port, FIND, {"name": name}).json()["data"]["project"])


def own_host(server: ServerProcess, name: str = "127.0.0.1") -> str:
    return f"{name}:{server.port}"


# ---- what a page of another origin can send without asking: a "simple" request ----


@pytest.mark.parametrize("origin", ["http://evil.example", "https://evil.example:4200", "null", "file://", "http://["])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""])
def test_a_mutation_from_a_foreign_page_is_not_carried_out(
    server: ServerProcess, origin: str, content_type: str
) -> None:
    name = f"foreign {origin} {content_type}"
    body = json.dumps({"query": CREATE, "variables": {"name": name}}).encode()
    headers = {"host": own_host(server), "origin": origin, "content_type": content_type}
    response = exchange(server.port, request("POST", "/", body, **headers))
    assert (response.status, response.codes) == (403, ["FORBIDDEN"])
    assert "access-control-allow-origin" not in response.headers
    assert not is_made(server, name)


def test_nor_is_one_in_a_list(server: ServerProcess) -> None:
    body = json.dumps([{"query": CREATE, "variables": {"name": "foreign list"}}, {"query": "{ hello }"}]).encode()
    response = exchange(server.port, request("POST", "/", body, host=own_host(server), origin="http://evil.example"))
    refused, hello = response.json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert hello == {"data": {"hello": "👋"}}
    assert not is_made(server, "foreign list")


def test_a_foreign_page_cannot_read_the_answer_to_a_query(server: ServerProcess) -> None:
    response = ask(server.port, "{ tenant { id } }", host=own_host(server), origin="http://evil.example")
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["vary"] == "origin"


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_page_that_asks_first_is_told_no(server: ServerProcess, origin: str) -> None:
    response = preflight(server, origin)
    assert response.status == 403
    assert "access-control-allow-origin" not in response.headers


def preflight(server: ServerProcess, origin: str) -> Response:
    headers = {
        "host": own_host(server),
        "origin": origin,
        "access_control_request_method": "POST",
        "access_control_request_headers": "content-type,x-prefect-ui",
    }
    return exchange(server.port, request("OPTIONS", "/graphql", **headers))


def test_options_without_an_origin_are_told(server: ServerProcess) -> None:
    response = exchange(server.port, request("OPTIONS", "/graphql"))
    assert (response.status, response.headers["allow"]) == (204, "GET, POST, OPTIONS")


# ---- the server's own pages ----


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "ui.localhost", "[::1]"])
def test_a_page_of_the_server_itself_may_change_things(server: ServerProcess, name: str) -> None:
    host = own_host(server, name)
    response = ask(server.port, CREATE, {"name": f"own {name}"}, host=host, origin=f"http://{host.lower()}")
    assert response.status == 200
    assert is_made(server, f"own {name}")


# ---- a page whose name was made to lead here after it was loaded ----


@pytest.mark.parametrize("document", [CREATE, "query ($name: String) { tenant(where: {slug: {_neq: $name}}) { id } }"])
def test_a_page_that_knows_the_server_by_a_name_of_its_own_gets_nothing(server: ServerProcess, document: str) -> None:
    host = own_host(server, "evil.example")
    response = ask(server.port, document, {"name": "rebound"}, host=host, origin=f"http://{host}")
    assert (response.status, response.codes) == (403, ["FORBIDDEN"])
    assert "allowed_origins" in response.json()["errors"][0]["extensions"]["hint"]
    # A page of the same origin sends no Origin with a GET.
    response = exchange(server.port, request("GET", "/?query=%7Btenant%7Bid%7D%7D", host=host))
    assert (response.status, response.codes) == (403, ["FORBIDDEN"])
    assert not is_made(server, "rebound")


def test_a_program_may_call_the_server_by_any_name(server: ServerProcess) -> None:
    host = own_host(server, "host.docker.internal")
    assert ask(server.port, CREATE, {"name": "from a container"}, host=host).status == 200
    assert is_made(server, "from a container")


# ---- origins that are allowed ----


def test_a_page_that_is_allowed_may_do_everything(start_server: StartServer) -> None:
    allowed = "https://ops.example.org"
    with start_server("--allowed-origins", f"{allowed},http://other.example:8080/") as server:
        response = preflight(server, allowed)
        assert response.status == 204
        assert response.headers["access-control-allow-origin"] == allowed
        assert response.headers["access-control-allow-headers"] == "content-type,x-prefect-ui"
        assert "POST" in response.headers["access-control-allow-methods"]

        response = ask(server.port, CREATE, {"name": "allowed"}, origin="http://other.example:8080")
        assert response.headers["access-control-allow-origin"] == "http://other.example:8080"
        assert response.headers["vary"] == "origin"
        assert is_made(server, "allowed")

        # Behind a proxy the page's own host is the allowed one.
        response = ask(server.port, CREATE, {"name": "proxied"}, origin=allowed, host="ops.example.org")
        assert response.status == 200
        assert exchange(server.port, request("GET", "/?query=%7Bhello%7D", host="ops.example.org")).status == 200

        assert ask(server.port, CREATE, {"name": "not"}, origin="http://ops.example.org").status == 403
        assert ask(server.port, CREATE, {"name": "not"}, origin="https://ops.example.org.evil.example").status == 403
        assert not is_made(server, "not")


# ---- WebSockets, to which browsers apply no rule of their own ----


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_page_cannot_open_a_websocket(server: ServerProcess, origin: str) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{server.port}/", subprotocols=["graphql-transport-ws"], origin=origin),  # type: ignore[list-item,arg-type]
    ):
        pass
    assert refused.value.response.status_code == 403
    assert "allowed_origins" in json.loads(refused.value.response.body)["errors"][0]["extensions"]["hint"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_page_of_the_server_can(server: ServerProcess, name: str) -> None:
    origin: Any = f"http://{own_host(server, name)}"
    protocols: Any = ["graphql-transport-ws"]
    with connect(f"ws://{own_host(server, name)}/", subprotocols=protocols, origin=origin) as socket:
        socket.send('{"type": "connection_init"}')
        assert json.loads(socket.recv()) == {"type": "connection_ack"}


# ---- the rule itself ----


@pytest.mark.parametrize(
    ("origin", "host", "is_loopback", "expected"),
    [
        (None, "localhost:4200", True, Page.NONE),
        (None, "evil.example", True, Page.NONE),
        ("http://localhost:4200", "localhost:4200", True, Page.OWN),
        ("http://localhost", "localhost", True, Page.OWN),
        ("http://localhost:80", "localhost", True, Page.OWN),
        ("http://localhost:4200", "localhost:4201", True, Page.FOREIGN),
        ("http://localhost:4200", None, True, Page.FOREIGN),
        ("null", "", True, Page.FOREIGN),
        ("http://prefect.lan:4200", "prefect.lan:4200", False, Page.OWN),
        ("http://prefect.lan:4200", "prefect.lan:4200", True, Page.MISLED),
        ("https://prefect.lan", "prefect.lan", False, Page.OWN),
        ("http://10.0.0.7:4200", "10.0.0.7:4200", True, Page.OWN),
        ("https://Ops.example.org", "x", True, Page.ALLOWED),
        ("http://evil.localhost.example", "evil.localhost.example", True, Page.MISLED),
    ],
)
def test_a_page_is_judged_by_origin_and_host(
    origin: str | None, host: str | None, is_loopback: bool, expected: Page
) -> None:
    assert Origins(["https://ops.example.org/"], is_loopback=is_loopback).page(origin, host) is expected


def test_all_pages_may_be_allowed() -> None:
    assert Origins(["*"], is_loopback=True).page("http://anything.example", "x") is Page.ALLOWED
