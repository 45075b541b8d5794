"""Services on real servers that share a database: one runs each, another follows a dead or paused one.

These wait for other processes, as long as a lease lasts.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, create_engine, select, update

from eparch.database.engines import parse_url, writing_engine
from eparch.database.tables import flow_run, flow_run_heartbeat, flow_run_state, service_lease
from eparch.services.lease import DURATION_S
from tests.clients.api import Api
from tests.databases import PostgreSQLDatabases
from tests.operations.samples import flow_document, task
from tests.server_process import ServerProcess
from tests.waiting import wait_until

LEASE_MOVES_S_MAX = 15.0
NAMES = {"scheduler", "dispatcher", "backfiller", "lazarus", "zombie_killer", "secret_keeper", "retention"}
FAST = ("--lazarus-interval-s", "0.2", "--zombie-killer-interval-s", "0.2", "--heartbeat-settle-s", "0")

Start = Callable[..., ServerProcess]


@pytest.fixture
def url(postgresql_databases: PostgreSQLDatabases) -> Iterator[str]:
    with postgresql_databases.fresh() as made:
        yield made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = create_engine(parse_url(url))
    yield made
    made.dispose()


@pytest.fixture
def start(url: str, tmp_path: Path) -> Iterator[Start]:
    """Start further servers over one database; those that still run at the end must end well."""
    with ExitStack() as stack:

        def begin(name: str, *options: str) -> ServerProcess:
            folder = tmp_path / name
            folder.mkdir()
            server = ServerProcess(url, folder, *options)
            stack.callback(lambda: server.stop() if server.is_running else None)
            return server.wait_ready()

        yield begin


def services(server: ServerProcess) -> dict[str, Any]:
    shown: dict[str, Any] = httpx.get(f"{server.url}/health", timeout=10).json()["services"]
    return shown


def holds_all(server: ServerProcess) -> bool:
    return {name for name, shown in services(server).items() if shown["is_mine"]} == NAMES


def holds_none(server: ServerProcess) -> bool:
    shown = services(server).values()
    return all(one["holder"] and not one["is_mine"] for one in shown)


def make_silent_runs(server: ServerProcess, engine: Engine, count: int) -> list[str]:
    """Return the ids of flow runs that are Running and have given no sign of life for an hour."""
    api = Api(server.url)
    project_id = api.mutate("create_project", "id", name="project")["id"]
    document = flow_document(tasks=[task("a-1")])
    flow_id = api.mutate("create_flow", "id", project_id=project_id, serialized_flow=document)["id"]
    runs = [api.mutate("create_flow_run", "id", flow_id=flow_id)["id"] for _ in range(count)]
    for state in ("Submitted", "Running"):
        states = [{"flow_run_id": run_id, "state": {"type": state}} for run_id in runs]
        api.mutate("set_flow_run_states", "states { status }", states=states)
    api.close()
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with engine.begin() as connection:
        connection.execute(update(flow_run_heartbeat).values(heartbeat=long_ago))
        connection.execute(update(flow_run).values(state_timestamp=long_ago))
    return runs


def test_one_of_two_servers_runs_the_services_and_lost_runs_are_rescued_once(start: Start, engine: Engine) -> None:
    one = start("one", *FAST)
    wait_until(lambda: holds_all(one), "the first server to hold all leases")
    two = start("two", *FAST)
    wait_until(lambda: holds_none(two), "the second server to know the holder")
    runs = make_silent_runs(one, engine, 20)

    def all_rescued() -> bool:
        with engine.begin() as connection:
            states = connection.scalars(select(flow_run.c.state)).all()
        return set(states) == {"Scheduled"}

    wait_until(all_rescued, "Lazarus to schedule all runs anew")
    api = Api(two.url)
    told = {shown["name"]: shown for shown in api.ask("{ service { name holder last_pass counts last_error } }")}
    api.close()
    assert told.keys() == NAMES
    assert {shown["holder"] for shown in told.values()} == {services(one)["lazarus"]["holder"]}
    assert told["lazarus"]["counts"].keys() == {"found", "resurrected", "failed", "stuck"}
    before = services(one)["lazarus"]["passes"]
    wait_until(lambda: services(one)["lazarus"]["passes"] > before + 3, "further passes")
    with engine.begin() as connection:
        assert set(connection.scalars(select(flow_run.c.times_resurrected))) == {1}
        lines = connection.scalars(select(flow_run_state.c.id).where(flow_run_state.c.message.contains("Lazarus")))
        assert len(lines.all()) == len(runs)
    assert services(two)["lazarus"]["last_pass"] is None


def test_a_server_that_ends_gives_its_leases_away_at_once(start: Start) -> None:
    one = start("one")
    wait_until(lambda: holds_all(one), "the first server to hold all leases")
    two = start("two")
    one.stop()
    # At its next look, without the end of the lease.
    wait_until(lambda: holds_all(two), "the second server to hold all leases", 5.0)


@pytest.mark.parametrize("fate", ["killed", "paused"])
def test_a_server_that_is_dead_or_paused_is_followed_within_15_s(start: Start, engine: Engine, fate: str) -> None:
    one = start("one", *FAST)
    wait_until(lambda: holds_all(one), "the first server to hold all leases")
    two = start("two", *FAST)
    wait_until(lambda: holds_none(two), "the second server to know the holder")
    if fate == "killed":
        one.kill()
    else:
        one.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    wait_until(lambda: holds_all(two), "the second server to hold all leases", LEASE_MOVES_S_MAX)
    assert time.monotonic() - begun < LEASE_MOVES_S_MAX
    runs = make_silent_runs(two, engine, 1)
    if fate == "paused":
        one.send_signal(signal.SIGCONT)
        wait_until(lambda: holds_none(one), "the first server to see that it has been followed")

    def rescued() -> bool:
        with engine.begin() as connection:
            return connection.scalar(select(flow_run.c.state).where(flow_run.c.id == runs[0])) == "Scheduled"

    wait_until(rescued, "the new holder to rescue a run")
    with engine.begin() as connection:
        assert set(connection.scalars(select(flow_run.c.times_resurrected))) == {1}
        assert min(connection.scalars(select(service_lease.c.token))) > 1


def test_a_paused_process_loses_its_locks_before_its_leases_run_out(url: str) -> None:
    """Else a server that was paused within a transaction would keep the others from its leases for as long."""
    engine = writing_engine(parse_url(url))
    with engine.begin() as connection:
        statement = "SELECT setting::int FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
        timeout_ms = connection.exec_driver_sql(statement).scalar_one()
    engine.dispose()
    assert 0 < timeout_ms < DURATION_S * 1000
