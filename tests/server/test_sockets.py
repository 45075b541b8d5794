"""The protocol graphql-transport-ws: its greetings, its errors, its operations."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.websockets import WebSocket
from uvicorn.server import ServerState
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from eparch.server.authentication import Authentication
from eparch.server.bus import Bus
from eparch.server.connections import Connection
from eparch.server.origins import Origins
from eparch.server.sockets import Sockets
from tests.server.socket_client import PROTOCOL, SocketClient
from tests.server.wire import ask
from tests.server_process import ServerProcess

HELLO = {"data": {"hello": "👋"}}
UNKNOWN = "00000000-0000-4000-8000-0000000000ff"


@pytest.fixture
def client(server: ServerProcess) -> Any:
    with SocketClient(server.port) as client:
        yield client


def closing(client: SocketClient) -> tuple[int, str]:
    """Return code and reason with which the server closes the connection, after whatever it has said before."""
    with suppress(ConnectionClosed):
        while True:
            client.receive()
    assert client.connection.close_code is not None
    assert client.connection.close_reason is not None
    return client.connection.close_code, client.connection.close_reason


# ---- greetings ----


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphql/"])
def test_a_connection_is_acknowledged_on_each_path(server: ServerProcess, path: str) -> None:
    with SocketClient(server.port, path=path) as client:
        assert client.connection.subprotocol == PROTOCOL


@pytest.mark.parametrize("payload", [{}, {"a": [1]}, None])
def test_a_greeting_may_have_a_payload(server: ServerProcess, payload: Any) -> None:
    with SocketClient(server.port, is_greeted=False) as client:
        client.send("connection_init", payload=payload)
        assert client.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize("protocols", [None, ["graphql-ws"], ["soap"]])
def test_another_protocol_is_not_spoken(server: ServerProcess, protocols: Any) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/", subprotocols=protocols) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(20)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, PROTOCOL in closed.value.rcvd.reason) == (4406, True)


def test_ours_is_chosen_among_several(server: ServerProcess) -> None:
    protocols: Any = ["graphql-ws", PROTOCOL]
    with connect(f"ws://127.0.0.1:{server.port}/", subprotocols=protocols) as connection:
        assert connection.subprotocol == PROTOCOL


def test_an_operation_before_the_greeting_is_unauthorized(server: ServerProcess) -> None:
    with SocketClient(server.port, is_greeted=False) as client:
        client.subscribe("1", "{ hello }")
        assert closing(client)[0] == 4401


def test_a_ping_may_come_before_the_greeting(server: ServerProcess) -> None:
    with SocketClient(server.port, is_greeted=False) as client:
        client.send("ping")
        assert client.receive() == {"type": "pong"}
        client.send("pong")
        client.send("connection_init")
        assert client.receive() == {"type": "connection_ack"}


def test_one_greeting_is_enough(client: SocketClient) -> None:
    client.send("connection_init")
    assert closing(client) == (4429, "Too many initialisation requests")


@asynccontextmanager
async def served(init_timeout_s: float) -> AsyncIterator[int]:
    """Serve WebSockets that end when there is no greeting in time; give the port."""
    unused: Any = None
    sockets = Sockets(
        unused, Authentication(lambda: [UNKNOWN]), Bus(), Origins([], is_loopback=True), init_timeout_s=init_timeout_s
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await sockets.serve(WebSocket(scope, receive, send))

    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="websockets-sansio")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def test_who_does_not_say_who_they_are_is_not_waited_for() -> None:
    async with (
        served(init_timeout_s=0.05) as port,
        connect_async(f"ws://127.0.0.1:{port}/", subprotocols=[PROTOCOL]) as connection,
    ):
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4408


async def test_pings_do_not_prolong_the_wait() -> None:
    async with (
        served(init_timeout_s=0.2) as port,
        connect_async(f"ws://127.0.0.1:{port}/", subprotocols=[PROTOCOL]) as connection,
    ):
        while connection.close_code is None:
            with suppress(ConnectionClosed):
                await connection.send('{"type": "ping"}')
                await connection.recv()
        assert connection.close_code == 4408


def test_the_tenant_is_named_by_a_header_or_in_the_greeting(server: ServerProcess) -> None:
    create = 'mutation { create_tenant(input: {name: "of a socket", slug: "of-a-socket"}) { id } }'
    tenant_id = ask(server.port, create).json()["data"]["create_tenant"]["id"]
    with (
        SocketClient(server.port, headers={"X-PREFECT-TENANT-ID": tenant_id}) as by_header,
        SocketClient(server.port, is_greeted=False) as by_greeting,
    ):
        by_greeting.send("connection_init", payload={"X-Prefect-Tenant-ID": tenant_id, "other": 1})
        assert by_greeting.receive() == {"type": "connection_ack"}
        for client in (by_header, by_greeting):
            client.subscribe("1", 'mutation { create_project(input: {name: "x"}) { id } }')
            client.receive()
            client.receive()
            client.subscribe("2", "{ project { tenant { slug } } }")
            slugs = {row["tenant"]["slug"] for row in client.receive_next("2")["data"]["project"]}
            assert slugs == {"of-a-socket"}


def test_an_unknown_tenant_is_forbidden(server: ServerProcess) -> None:
    with SocketClient(server.port, is_greeted=False, headers={"X-PREFECT-TENANT-ID": UNKNOWN}) as client:
        client.send("connection_init")
        assert closing(client)[0] == 4403


# ---- messages that are none ----


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "null",
        "[]",
        "{}",
        '{"type": 1}',
        '{"type": "start"}',
        '{"type": "' + "é" * 1_000 + '"}',
        '{"type": "connection_ack"}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": []}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": [1]}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "operationName": 1}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}}',
        '{"type": "subscribe", "payload": {"query": "{ hello }"}}',
        '{"type": "ping", "payload": ' + "[" * 10_000 + "]" * 10_000 + "}",
        b'{"type": "ping"}',
        b"\xff",
    ],
)
def test_a_message_that_is_none_closes_the_connection(client: SocketClient, message: str | bytes) -> None:
    client.connection.send(message)
    code, reason = closing(client)
    assert code == 4400
    assert reason


def test_text_that_is_no_utf8_closes_the_connection(client: SocketClient) -> None:
    client.connection.send(b"\xff\xfe", text=True)
    assert closing(client)[0] == 1007


def test_two_operations_with_one_id_close_the_connection(client: SocketClient) -> None:
    key = "🚀" * 100
    client.subscribe(key, "subscription { project { id } }")
    client.subscribe(key, "{ hello }")
    code, reason = closing(client)
    assert code == 4409
    assert reason.startswith("Subscriber for 🚀")


# ---- operations ----


@pytest.mark.parametrize("payload", [None, {"a": [1, "é"]}, "x"])
def test_a_ping_is_answered_with_its_payload(client: SocketClient, payload: Any) -> None:
    client.send("ping", payload=payload)
    expected = {"type": "pong"} if payload is None else {"type": "pong", "payload": payload}
    assert client.receive() == expected


def test_a_ping_of_the_websocket_itself_is_answered(client: SocketClient) -> None:
    assert client.connection.ping().wait(20)


def test_a_query_is_answered_once(client: SocketClient) -> None:
    client.subscribe("a", "query ($n: String) { hello project(where: {name: {_eq: $n}}) { id } }", {"n": "none"})
    assert client.receive() == {"type": "next", "id": "a", "payload": {"data": {"hello": "👋", "project": []}}}
    assert client.receive() == {"type": "complete", "id": "a"}
    client.check_silence()


def test_variables_and_the_name_of_the_operation_are_used(client: SocketClient) -> None:
    text = "query A { hello } query B($is: Boolean!) { __typename hello @include(if: $is) }"
    client.subscribe("a", text, '{"is": true}', operationName="B")
    assert client.receive_next("a") == {"data": {"__typename": "Query", "hello": "👋"}}


def test_a_mutation_is_carried_out_once(client: SocketClient, server: ServerProcess) -> None:
    client.subscribe("m", 'mutation { create_project(input: {name: "by socket"}) { id } }')
    made = client.receive_next("m")["data"]["create_project"]["id"]
    assert client.receive() == {"type": "complete", "id": "m"}
    found = ask(server.port, '{ project(where: {name: {_eq: "by socket"}}) { id } }').json()
    assert found == {"data": {"project": [{"id": made}]}}


def test_an_id_can_be_used_again(client: SocketClient) -> None:
    for _ in range(20):
        client.subscribe("again", "{ hello }")
        assert client.receive_next("again") == HELLO
        assert client.receive() == {"type": "complete", "id": "again"}
    for _ in range(20):
        client.subscribe("again", "subscription { project(limit: 0) { id } }")
        assert client.receive_next("again") == {"data": {"project": []}}
        client.send("complete", "again")


def test_an_id_can_be_used_again_before_the_end_of_what_had_it(client: SocketClient) -> None:
    for index in range(20):
        client.subscribe("again", f"subscription {{ a{index}: project(limit: 0) {{ id }} }}")
        client.send("complete", "again")
    client.subscribe("again", "{ hello }")
    while (message := client.receive())["payload"] != HELLO:
        assert message["type"] == "next"
    assert client.receive() == {"type": "complete", "id": "again"}
    client.check_silence()


def test_the_end_of_what_does_not_exist_is_ignored(client: SocketClient) -> None:
    client.send("complete", "nothing")
    client.send("complete")
    client.check_silence()


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing { id } }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { project { id } flow { id } }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($a: Int!) { project(limit: $a) { id } }", None, "BAD_USER_INPUT"),
        ("subscription { project { id } }", "[]", "BAD_REQUEST"),
    ],
)
def test_what_cannot_be_executed_is_an_error_of_its_id_alone(
    client: SocketClient, query: str, variables: Any, code: str
) -> None:
    client.subscribe("bad", query, variables)
    message = client.receive()
    assert (message["type"], message["id"]) == ("error", "bad")
    assert [error["extensions"]["code"] for error in message["payload"]] == [code]
    client.subscribe("bad", "{ hello }")
    assert client.receive_next("bad") == HELLO


def test_an_operation_that_fails_says_so_in_its_answer(client: SocketClient) -> None:
    client.subscribe("f", f'mutation {{ create_flow_run(input: {{flow_id: "{UNKNOWN}"}}) {{ id }} }}')
    answer = client.receive_next("f")
    assert answer["data"] == {"create_flow_run": None}
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert client.receive() == {"type": "complete", "id": "f"}


def test_too_many_operations_are_refused_one_by_one(client: SocketClient) -> None:
    for index in range(100):
        client.subscribe(str(index), "subscription { project(limit: 0) { id } }")
    for _ in range(100):
        assert client.receive()["type"] == "next"
    client.subscribe("one more", "{ hello }")
    message = client.receive()
    assert (message["type"], message["id"]) == ("error", "one more")
    client.send("complete", "7")
    client.subscribe("one more", "{ hello }")
    assert client.receive_next("one more") == HELLO


def test_operations_of_one_connection_do_not_wait_for_each_other(client: SocketClient) -> None:
    client.subscribe(
        "slow", 'mutation { claim_flow_runs(input: {wait_s: 30, labels: ["nobody"]}) { flow_runs { id } } }'
    )
    client.subscribe("quick", "{ hello }")
    assert client.receive_next("quick") == HELLO


def test_long_messages_go_both_ways(client: SocketClient) -> None:
    name = "é" * 1_000_000
    client.send("ping", payload=name)
    assert client.receive() == {"type": "pong", "payload": name}


def test_characters_that_no_database_holds_are_replaced(client: SocketClient) -> None:
    query = "query ($n: String) { hello project(where: {name: {_eq: $n}}) { id } }"
    payload = f'{{"variables": {{"n": "\\u0000 \\ud800"}}, "query": "{query}"}}'
    client.connection.send(f'{{"type": "subscribe", "id": "c", "payload": {payload}}}')
    assert client.receive_next("c") == {"data": {"hello": "👋", "project": []}}
