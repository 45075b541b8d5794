"""A paused work queue hands out nothing, keeps agents alive, and wakes who waits when it goes on."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Databases
from tests.server.agents import Agent
from tests.server.conftest import running
from tests.server.making import make_flow, make_run, mutate
from tests.server.wire import ask
from tests.server_process import ServerProcess


@pytest.fixture
def server(databases: Databases, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the test's own on each database: a pause stops a whole tenant."""
    with databases.fresh() as url, running(url, tmp_path) as server:
        yield server


def switch(server: ServerProcess, name: str) -> None:
    assert mutate(server, f"{name}_tenant_work_queue", "success") == {"success": True}


def found(server: ServerProcess, query: str) -> Any:
    (value,) = ask(server.port, query).json()["data"].values()
    return value


def last_queried(server: ServerProcess, agent: Agent) -> Any:
    return found(server, f'{{ agent(where: {{id: {{_eq: "{agent.id}"}}}}) {{ last_queried }} }}')[0]["last_queried"]


def test_nothing_is_handed_out_until_the_queue_goes_on_and_then_late_runs_at_once(server: ServerProcess) -> None:
    flow_id, agent = make_flow(server), Agent(server)
    switch(server, "pause")
    assert found(server, "{ tenant { settings } }")[0]["settings"]["work_queue_paused"] is True
    now = datetime.now(UTC)
    runs = [
        make_run(server, flow_id, labels=agent.labels, due=now - timedelta(minutes=minutes)) for minutes in (1, 3, 2)
    ]
    given = {"labels": agent.labels}
    assert mutate(server, "claim_flow_runs", "flow_runs { id }", **given)["flow_runs"] == []
    assert mutate(server, "get_runs_in_queue", "flow_run_ids", **given)["flow_run_ids"] == []

    # A long-poll that began in the pause lasts over it, and counts as a sign of life.
    before = last_queried(server, agent)
    agent.wait(60)
    assert last_queried(server, agent) > before
    started = time.monotonic()
    switch(server, "resume")
    assert agent.receive() == [runs[1], runs[2], runs[0]]
    assert time.monotonic() - started < 20
    agent.close()
    assert found(server, "{ tenant { settings } }")[0]["settings"]["work_queue_paused"] is False
