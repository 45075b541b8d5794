"""Connections that are kept, shared, dropped, or held up: none of them harms the others."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from eparch.server.connections import HEAD_BYTES_MAX, Connection
from tests.server.conftest import StartServer
from tests.server.holding import writers_held_up
from tests.server.wire import Wire, ask, operation, request
from tests.server_process import ServerProcess
from tests.waiting import wait_until

CREATE = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"
FIND = "query ($name: String) { project(where: {name: {_eq: $name}}) { id } }"


# ---- kept connections ----


def test_a_thousand_pipelined_requests_are_answered_in_order(each_server: ServerProcess) -> None:
    with Wire(each_server.port) as wire:
        requests = [operation(f"{{ a{index}: hello tenant {{ slug }} }}") for index in range(1_000)]
        wire.send(b"".join(requests))
        for index in range(1_000):
            assert next(iter(wire.receive().json()["data"])) == f"a{index}"


def test_pipelined_mutations_are_carried_out_in_order(server: ServerProcess) -> None:
    with Wire(server.port) as wire:
        rename = "mutation ($i: set_project_name_input!) { set_project_name(input: $i) { id } }"
        wire.send(operation(CREATE, {"name": "pipelined"}))
        project_id = wire.receive().json()["data"]["create_project"]["id"]
        names = [f"pipelined {index}" for index in range(100)]
        wire.send(b"".join(operation(rename, {"i": {"project_id": project_id, "name": name}}) for name in names))
        for _ in names:
            assert "errors" not in wire.receive().json()
    assert ask(server.port, FIND, {"name": names[-1]}).json() == {"data": {"project": [{"id": project_id}]}}


def test_a_connection_outlives_requests_that_are_refused(server: ServerProcess) -> None:
    with Wire(server.port) as wire:
        for body, status in [(b"{", 400), (b'{"query": "{ hello }"}', 200), (b"[]", 200), (b'{"query": "{ x }"}', 400)]:
            wire.send(request("POST", "/", body))
            assert wire.receive().status == status
        wire.send(request("PUT", "/") + request("GET", "/nowhere") + operation("{ hello }"))
        assert [wire.receive().status for _ in range(3)] == [405, 404, 200]


def test_a_connection_that_is_to_be_closed_is_closed(server: ServerProcess) -> None:
    with Wire(server.port) as wire:
        wire.send(operation("{ hello }", connection="close"))
        assert wire.receive().status == 200
        assert wire.is_closed()
    with Wire(server.port) as wire:
        wire.send(operation("{ hello }").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert wire.receive().status == 200
        assert wire.is_closed()


def test_more_connections_than_a_process_may_usually_open_are_served(
    start_server: StartServer, opened: ExitStack
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        # The server inherits the usual limit, and raises it.
        resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
        with start_server() as server:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
            wires = [opened.enter_context(Wire(server.port)) for _ in range(1_500)]
            for wire in wires:
                wire.send(operation("{ hello }"))
            for wire in wires:
                assert wire.receive().status == 200
            opened.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- dropped connections ----


def test_a_mutation_whose_client_has_gone_away_is_committed_all_the_same(each_server: ServerProcess) -> None:
    with writers_held_up(each_server.database_url), Wire(each_server.port) as wire:
        wire.send(operation(CREATE, {"name": "left while waiting"}))
        # An answer on another connection shows that the server has read this one before it is closed.
        assert ask(each_server.port, "{ hello }").status == 200
    wait_until(
        lambda: ask(each_server.port, FIND, {"name": "left while waiting"}).json()["data"]["project"],
        "the project of the client that left",
    )


def test_all_root_fields_of_a_client_that_has_gone_away_are_carried_out(server: ServerProcess) -> None:
    names = [f"left early {index}" for index in range(5)]
    fields = " ".join(
        f'a{index}: create_project(input: {{name: "{name}"}}) {{ id }}' for index, name in enumerate(names)
    )
    with writers_held_up(server.database_url), Wire(server.port) as wire:
        wire.send(operation(f"mutation {{ {fields} }}"))
        assert ask(server.port, "{ hello }").status == 200
    wait_until(lambda: ask(server.port, FIND, {"name": names[-1]}).json()["data"]["project"], "the last project")
    for name in names:
        assert ask(server.port, FIND, {"name": name}).json()["data"]["project"]


def test_requests_that_break_off_are_forgotten(server: ServerProcess) -> None:
    whole = operation(CREATE, {"name": "broken off"})
    for end in range(1, len(whole)):
        with Wire(server.port) as wire:
            wire.send(whole[:end])
    assert ask(server.port, FIND, {"name": "broken off"}).json() == {"data": {"project": []}}


def test_answers_that_nobody_reads_do_not_hold_up_others(server: ServerProcess) -> None:
    many = "{" + " ".join(f"a{index}: reference_data {{ state_info }}" for index in range(900)) + "}"
    wires = [Wire(server.port) for _ in range(20)]
    for wire in wires:
        wire.send(operation(many))
    assert ask(server.port, "{ hello }").status == 200
    for wire in wires:
        wire.close()
    assert ask(server.port, "{ hello }").status == 200


# ---- clients that are slow: the same class of connections, with a deadline that a test can wait for ----

App = Callable[[Any, Any, Any], Any]
OnPort = Callable[..., AbstractContextManager[int]]
REQUEST_S = 0.2


@asynccontextmanager
async def served(app: App, *, is_stopping: bool = False) -> AsyncIterator[tuple[int, set[Connection]]]:
    """Serve an ASGI application; give the port, and the connections that are open."""

    class Hurried(Connection):
        request_s = REQUEST_S

    state = ServerState()
    config = uvicorn.Config(app, http=Hurried, lifespan="off", log_config=None)
    config.load()
    loop = asyncio.get_running_loop()

    def connect() -> Hurried:
        return Hurried(config=config, server_state=state, app_state={}, is_stopping=lambda: is_stopping)

    server = await loop.create_server(connect, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], state.connections  # type: ignore[misc]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()  # type: ignore[union-attr]
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length of the body, or not at all if it does not come."""
    length = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        length += len(event["body"])
        if not event["more_body"]:
            break
    body = json.dumps({"length": length}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b"HTTP/1.1 408 "),
        (b"POST", b"HTTP/1.1 408 "),
        (b"POST / HTTP/1.1\r\nhost: x\r\n", b"HTTP/1.1 408 "),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc", b"HTTP/1.1 408 "),
        (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", b"HTTP/1.1 408 "),
    ],
)
async def test_a_request_that_does_not_arrive_is_given_up(sent: bytes, answer: bytes) -> None:
    async with served(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        received = await asyncio.wait_for(reader.read(), 10)
        assert received.startswith(answer)
        writer.close()


async def test_a_request_that_drips_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with served(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\n")
        end = asyncio.ensure_future(reader.read())
        dripped = 0
        while not end.done():
            writer.write(b"a: b\r\n")
            dripped += 1
            await asyncio.wait({end}, timeout=REQUEST_S / 20)
        assert (await end).startswith(b"HTTP/1.1 408 ")
        assert dripped > 5
        writer.close()


async def test_a_head_without_end_is_refused() -> None:
    async with served(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\n")
        await writer.drain()
        filler = b"a: " + b"b" * 4_000 + b"\r\n"
        end = asyncio.ensure_future(reader.read())
        for _ in range(HEAD_BYTES_MAX // len(filler) * 4):
            if end.done():
                break
            writer.write(filler)
            await asyncio.wait({end}, timeout=0.001)
        assert (await asyncio.wait_for(end, 10)).startswith(b"HTTP/1.1 431 ")
        writer.close()


async def test_a_large_body_is_not_taken_for_a_large_head() -> None:
    async with served(echo) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc" * 2_000)
        received = b""
        while received.count(b'{"length": 3}') < 2_000:
            received += await asyncio.wait_for(reader.read(1 << 20), 10)
        assert b'{"length": 3000000}' in received
        writer.close()


async def test_nothing_is_counted_while_the_server_is_to_answer() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await may_answer.wait()
        await echo(scope, receive, send)

    async with served(slow) as (port, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")
        await asked.wait()
        (connection,) = connections
        assert connection._timer is None
        may_answer.set()
        assert b'{"length": 3}' in await reader.readuntil(b"}")
        assert connection._timer is None
        writer.close()


async def test_a_second_request_that_arrives_slowly_does_not_end_the_answer_to_the_first() -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await may_answer.wait()
        await echo(scope, receive, send)

    async with served(slow) as (port, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabcPOST / HT")
        await asked.wait()
        (connection,) = connections
        connection._started -= 100 * REQUEST_S
        connection._expire()
        may_answer.set()
        assert b'{"length": 3}' in await reader.readuntil(b"}")
        assert (await asyncio.wait_for(reader.read(), 10)).count(b" 408 ") == 1
        writer.close()


# ---- the end of the server ----


async def test_a_connection_that_comes_while_the_server_stops_does_not_hold_it_up() -> None:
    async with served(echo, is_stopping=True) as (port, connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        # The system had accepted it before the listener was closed. It sends nothing.
        assert await reader.read() == b""
        assert not connections
        writer.close()
