"""`eparch services run`: services in processes of their own, beside servers that only serve the API."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from eparch.cli.main import main
from eparch.server.services import SERVICES
from tests.clients.api import Api
from tests.databases import PostgreSQLDatabases, SQLiteDatabases
from tests.server_process import ServerProcess
from tests.waiting import wait_until

LEASE_MOVES_S_MAX = 15.0

Start = Callable[..., ServerProcess]


@pytest.fixture
def url(postgresql_databases: PostgreSQLDatabases) -> Iterator[str]:
    with postgresql_databases.fresh() as made:
        yield made


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Start]:
    """Start a process by a command; those that still run at the end must end well."""
    with ExitStack() as stack:

        def begin(folder: str, *command: str, options: tuple[str, ...] = ()) -> ServerProcess:
            (tmp_path / folder).mkdir()
            process = ServerProcess(url, tmp_path / folder, *options, command=command)
            stack.callback(lambda: process.stop() if process.is_running else None)
            return process.wait_ready()

        yield begin


def report(process: ServerProcess) -> dict[str, Any]:
    shown: dict[str, Any] = httpx.get(f"{process.url}/health", timeout=10).json()["services"]
    return shown


def holds(process: ServerProcess, *names: str) -> bool:
    return {name for name, shown in report(process).items() if shown["is_mine"]} == set(names)


def told_by(server: ServerProcess) -> dict[str, dict[str, Any]]:
    api = Api(server.url)
    rows = api.ask("{ service { name holder last_pass counts last_error } }")
    api.close()
    return {row["name"]: row for row in rows}


def test_they_run_apart_and_another_follows_within_15_s_of_a_kill(start: Start) -> None:
    server = start("server", "server", "start", options=("--no-services-enabled",))
    one = start("one", "services", "run")
    wait_until(lambda: holds(one, *SERVICES), "the process to hold all leases")
    assert report(server) == {}
    wait_until(lambda: told_by(server).get("scheduler", {}).get("last_pass"), "a pass of the scheduler")
    holders = {row["holder"] for row in told_by(server).values()}
    assert len(holders) == 1
    two = start("two", "services", "run")
    one.kill()
    begun = time.monotonic()
    wait_until(lambda: holds(two, *SERVICES), "the other process to follow", LEASE_MOVES_S_MAX)
    assert time.monotonic() - begun < LEASE_MOVES_S_MAX
    assert {row["holder"] for row in told_by(server).values()} != holders


def test_some_can_be_chosen(start: Start) -> None:
    server = start("server", "server", "start", options=("--no-services-enabled",))
    some = start("some", "services", "run", "scheduler", "retention")
    wait_until(lambda: holds(some, "scheduler", "retention"), "the two leases")
    assert set(report(some)) == {"scheduler", "retention"}
    assert set(told_by(server)) == {"scheduler", "retention"}
    # A stop gives the leases back.
    some.stop()
    assert {row["holder"] for row in told_by(server).values()} == {None}


def test_such_a_process_answers_health_and_metrics_alone(start: Start) -> None:
    process = start("one", "services", "run", "scheduler")
    assert httpx.get(f"{process.url}/metrics").status_code == 200
    for method, path in (("POST", "/"), ("POST", "/graphql"), ("GET", "/"), ("GET", "/dashboard")):
        refused = httpx.request(method, f"{process.url}{path}", json={"query": "{ hello }"})
        assert refused.status_code == 404
        assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_one_that_fails_takes_no_other_down_and_recovers(start: Start, url: str) -> None:
    fast = ("--lazarus-interval-s", "0.2", "--scheduler-interval-s", "0.2", "--heartbeat-settle-s", "0")
    server = start("server", "server", "start", options=fast)
    wait_until(lambda: holds(server, *SERVICES), "all leases")

    def rename(old: str, new: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}".encode())

    rename("flow_run_heartbeat", "away")
    wait_until(lambda: report(server)["lazarus"]["status"] == "failing", "Lazarus to fail")
    passes = report(server)["scheduler"]["passes"]
    wait_until(lambda: report(server)["scheduler"]["passes"] > passes + 3, "further passes of the scheduler")
    assert report(server)["scheduler"]["status"] == "ok"
    assert "flow_run_heartbeat" in told_by(server)["lazarus"]["last_error"]
    assert told_by(server)["scheduler"]["last_error"] is None
    assert httpx.get(f"{server.url}/health").status_code == 200
    rename("away", "flow_run_heartbeat")
    wait_until(lambda: report(server)["lazarus"]["status"] == "ok", "Lazarus to work again")
    wait_until(lambda: told_by(server)["lazarus"]["last_error"] is None, "the error to be forgotten")


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EPARCH_TEST_EXECUTABLE", raising=False)
    assert main(["services", "run", "schedular"]) == 2
    assert capsys.readouterr().err == "error: Unknown service 'schedular'.\nhint: did you mean scheduler?\n"


def test_a_sqlite_file_is_refused(sqlite_databases: SQLiteDatabases, tmp_path: Path) -> None:
    with sqlite_databases.fresh() as url:
        process = ServerProcess(url, tmp_path, command=("services", "run"))
        assert process.wait_end() == 1
        assert "belongs to one process" in process.log.read_text()
