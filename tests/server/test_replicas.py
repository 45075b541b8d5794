"""Two servers over one PostgreSQL: whoever waits on one learns at once of what came through the other."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.databases import PostgreSQLDatabases
from tests.server.agents import Agent
from tests.server.conftest import running
from tests.server.making import make_flow, make_project, make_run, mutate
from tests.server.socket_client import SocketClient
from tests.server.wire import ask
from tests.server_process import ServerProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("replicas")

NAMED = "subscription ($name: String!) { project(where: {name: {_eq: $name}}) { name } }"


@pytest.fixture
def pair(postgresql_databases: PostgreSQLDatabases, tmp_path: Path) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with postgresql_databases.fresh() as url, running(url, folders[0]) as one, running(url, folders[1]) as two:
        yield one, two


def test_an_agent_on_one_server_gets_runs_made_through_another(pair: tuple[ServerProcess, ServerProcess]) -> None:
    one, two = pair
    flow_id, agent = make_flow(one), Agent(one)
    for _ in range(5):
        agent.wait(60)
        start = time.monotonic()
        run_id = make_run(two, flow_id, labels=agent.labels)
        assert agent.receive() == [run_id]
        assert time.monotonic() - start < 5
    agent.close()


def test_a_run_goes_to_one_of_the_agents_that_wait_on_different_servers(
    pair: tuple[ServerProcess, ServerProcess],
) -> None:
    one, two = pair
    flow_id, first = make_flow(one), Agent(one)
    second = Agent(two, first.labels)
    first.wait(3)
    second.wait(3)
    run_id = make_run(two, flow_id, labels=first.labels)
    assert sorted([first.receive(), second.receive()]) == [[], [run_id]]
    for agent in (first, second):
        agent.close()


def test_a_subscription_on_one_server_follows_changes_made_through_another(
    pair: tuple[ServerProcess, ServerProcess],
) -> None:
    one, two = pair
    name = str(uuid4())
    with SocketClient(one.port) as client:
        client.subscribe("s", NAMED, {"name": name})
        assert client.receive_next("s") == {"data": {"project": []}}
        project_id = make_project(two, name)
        assert client.receive_next("s") == {"data": {"project": [{"name": name}]}}
        mutate(two, "delete_project", "success", project_id=project_id)
        assert client.receive_next("s") == {"data": {"project": []}}


def test_changes_are_learnt_of_after_the_connection_for_messages_was_lost(
    pair: tuple[ServerProcess, ServerProcess],
) -> None:
    one, two = pair
    name = str(uuid4())
    with SocketClient(one.port) as client:
        client.subscribe("s", NAMED, {"name": name})
        assert client.receive_next("s") == {"data": {"project": []}}
        with psycopg.connect(one.database_url, autocommit=True) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            ).fetchall()
        assert ended == [(True,)] * 2
        # Made while nobody may be listening: it is seen when the connection is back.
        make_project(two, name)
        assert client.receive_next("s") == {"data": {"project": [{"name": name}]}}


def test_a_tenant_made_through_one_server_is_served_by_another(pair: tuple[ServerProcess, ServerProcess]) -> None:
    one, two = pair
    tenant_id = mutate(two, "create_tenant", "id", name=str(uuid4()), slug=str(uuid4()))["id"]

    def is_served() -> bool:
        document = "mutation ($i: create_project_input!) { create_project(input: $i) { id } }"
        given = {"name": str(uuid4()), "tenant_id": tenant_id}
        answer = ask(one.port, document, {"i": given}, x_prefect_tenant_id=tenant_id).json()
        return "errors" not in answer

    wait_until(is_served, "the other server to know the tenant", 10)


def test_a_server_that_was_killed_is_missed(pair: tuple[ServerProcess, ServerProcess]) -> None:
    one, two = pair
    # It has been heard of once something came through it.
    name = str(uuid4())
    with SocketClient(one.port) as client:
        client.subscribe("s", NAMED, {"name": name})
        client.receive_next("s")
        make_project(two, name)
        client.receive_next("s")
    two.kill()
    wait_until(lambda: "has fallen silent" in one.log.read_text(), "the server to be missed", 20)


def test_a_server_that_ended_well_is_not_missed(pair: tuple[ServerProcess, ServerProcess]) -> None:
    one, two = pair
    two.stop()
    assert httpx.get(f"{one.url}/health").status_code == 200
    assert "has fallen silent" not in one.log.read_text()
