"""A server that is told to stop answers what it has accepted, lets go of who only waits, and says how it ended."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from eparch.database import migrate
from eparch.database.engines import parse_url, reading_engine
from eparch.database.tables import project
from tests.databases import Databases, PostgreSQLDatabases
from tests.faults.outages import Outage
from tests.server.agents import Agent
from tests.server.conftest import StartServer, running
from tests.server.holding import writers_held_up
from tests.server.socket_client import SocketClient
from tests.server.wire import Wire, ask, operation
from tests.server_process import EXECUTABLE, ServerProcess, free_port
from tests.waiting import wait_until

CREATE = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"


@pytest.fixture
def lone_server(databases: Databases, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server on each database in turn, for the test to stop."""
    with databases.fresh() as url, running(url, tmp_path) as server:
        yield server


def stop_signal(server: ServerProcess, number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal, and return when the server has taken note of it."""
    server.send_signal(number)
    wait_until(lambda: f"{number.name}: " in server.log.read_text(), f"{number.name} in the log")


def names_in(url: str) -> set[str]:
    engine = reading_engine(parse_url(url))
    with engine.begin() as connection:
        names = set(connection.scalars(project.select().with_only_columns(project.c.name)))
    engine.dispose()
    return names


def test_what_was_accepted_is_committed_and_answered(lone_server: ServerProcess, opened: ExitStack) -> None:
    wires = [opened.enter_context(Wire(lone_server.port)) for _ in range(20)]
    with writers_held_up(lone_server.database_url):
        for index, wire in enumerate(wires):
            wire.send(operation(CREATE, {"name": f"accepted {index}"}))
        # Each connection has been read when a later one is answered.
        assert ask(lone_server.port, "{ hello }").status == 200
        stop_signal(lone_server)
        with pytest.raises(ConnectionError):
            wait_until(lambda: ask(lone_server.port, "{ hello }").status != 200, "no further connection")
    for wire in wires:
        assert wire.receive().json()["data"]["create_project"]["id"]
        assert wire.is_closed()
    assert lone_server.wait_end() == 0
    assert names_in(lone_server.database_url) >= {f"accepted {index}" for index in range(20)}
    lone_server.check_log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_idle_connections_do_not_hold_up_the_stop(
    start_server: StartServer, opened: ExitStack, number: signal.Signals
) -> None:
    with start_server() as server:
        wires = [opened.enter_context(Wire(server.port)) for _ in range(20)]
        for wire in wires[:10]:
            wire.send(operation("{ hello }"))
            assert wire.receive().status == 200
        wires[10].send(b"POST / HTT")
        start = time.monotonic()
        server.send_signal(number)
        assert server.wait_end() == 0
        assert time.monotonic() - start < 5
        assert all(wire.is_closed() for wire in wires)
        server.check_log()


def test_agents_that_wait_are_answered_at_once(lone_server: ServerProcess, opened: ExitStack) -> None:
    agents = [opened.enter_context(closing(Agent(lone_server))) for _ in range(5)]
    for agent in agents:
        agent.wait(60)
    start = time.monotonic()
    lone_server.send_signal(signal.SIGTERM)
    assert [agent.receive() for agent in agents] == [[]] * 5
    assert lone_server.wait_end() == 0
    assert time.monotonic() - start < 10
    lone_server.check_log()


def test_websockets_are_closed_as_going_away(start_server: StartServer) -> None:
    with start_server() as server, SocketClient(server.port) as client:
        with SocketClient(server.port, is_greeted=False) as silent:
            client.subscribe("s", "subscription { project { id } }")
            client.receive_next("s")
            client.subscribe("c", "mutation { claim_flow_runs(input: {wait_s: 60}) { flow_runs { id } } }")
            client.check_silence()
            start = time.monotonic()
            server.send_signal(signal.SIGTERM)
            # What only waits is answered, what is followed ends with the connection.
            assert client.receive_next("c") == {"data": {"claim_flow_runs": {"flow_runs": []}}}
            assert client.receive() == {"type": "complete", "id": "c"}
            for each in (client, silent):
                with pytest.raises(ConnectionClosed) as closed:
                    each.receive()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1001
            assert server.wait_end() == 0
            assert time.monotonic() - start < 5
        server.check_log()


def test_a_mutation_over_a_websocket_is_answered_before_the_end(start_server: StartServer) -> None:
    with start_server() as server, SocketClient(server.port) as client:
        with writers_held_up(server.database_url):
            client.subscribe("m", CREATE, {"name": "by socket"})
            client.check_silence()
            stop_signal(server)
        assert client.receive_next("m")["data"]["create_project"]["id"]
        assert server.wait_end() == 0
        assert "by socket" in names_in(server.database_url)
        server.check_log()


def test_a_request_that_does_not_arrive_is_waited_for_only_so_long(start_server: StartServer) -> None:
    with start_server("--shutdown-grace-s", "1") as server, Wire(server.port) as wire:
        wire.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert ask(server.port, "{ hello }").status == 200
        start = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait_end() == 0
        assert 0.9 < time.monotonic() - start < 10


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(start_server: StartServer, second: signal.Signals) -> None:
    with start_server() as server, Wire(server.port) as wire:
        wire.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert ask(server.port, "{ hello }").status == 200
        stop_signal(server)
        start = time.monotonic()
        server.send_signal(second)
        assert server.wait_end() == 1
        assert time.monotonic() - start < 5
        assert f"{second.name} again" in server.log.read_text()
        server.check_log()


def test_a_server_can_be_started_again_after_each_kind_of_end(start_server: StartServer, tmp_path: Path) -> None:
    with start_server() as server:
        ask(server.port, CREATE, {"name": "first"})
        server.kill()
        for index in range(2):
            folder = tmp_path / str(index)
            folder.mkdir()
            with running(server.database_url, folder) as next_server:
                ask(next_server.port, CREATE, {"name": f"next {index}"})
        assert names_in(server.database_url) >= {"first", "next 0", "next 1"}


@pytest.mark.xdist_group("server-outage")
def test_a_server_whose_database_is_away_stops_all_the_same(tmp_path: Path) -> None:
    outage = Outage()
    try:
        with running(outage.fresh_url(), tmp_path) as server:
            outage.stop()
            server.send_signal(signal.SIGTERM)
            assert server.wait_end() == 0
            server.check_log()
    finally:
        outage.close()


# ---- a server that cannot start says why, in one message ----


def refusal(home: Path, *options: str) -> str:
    """Return what a server that cannot start says on standard error; it must end with code 1."""
    command = [EXECUTABLE, "server", "start", *options]
    done = subprocess.run(command, cwd=home, env={"HOME": str(home)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def test_a_port_that_is_taken_is_told(tmp_path: Path, start_server: StartServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        told = refusal(tmp_path, "--port", str(port))
    assert f"127.0.0.1:{port}" in told
    assert "--port" in told
    assert len(told.strip().splitlines()) <= 3
    assert list(tmp_path.rglob("*.sqlite*")) == [], "the database was touched before the port was had"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_are_not_served_without_authentication(tmp_path: Path, host: str) -> None:
    told = refusal(tmp_path, "--host", host, "--port", str(free_port()))
    assert "--allow-unauthenticated" in told
    assert host in told


def test_an_address_that_is_not_ours_is_told(tmp_path: Path) -> None:
    told = refusal(tmp_path, "--host", "192.0.2.1", "--port", str(free_port()), "--allow-unauthenticated")
    assert "Cannot listen on 192.0.2.1" in told


def test_a_start_that_fails_when_everything_runs_already_is_told(
    postgresql_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    with postgresql_databases.fresh(migrate.upgrade) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            # The first change is made after all threads have been started.
            connection.execute("ALTER TABLE tenant RENAME COLUMN slug TO slogan")
        assert "slug" in refusal(tmp_path, "--port", str(free_port()), "--database-url", url)


def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    port = str(free_port())
    told = refusal(tmp_path, "--port", port, "--database-url", f"postgresql://nobody:secret@127.0.0.1:{free_port()}/x")
    assert "secret" not in told
    assert len(told.strip().splitlines()) <= 4
