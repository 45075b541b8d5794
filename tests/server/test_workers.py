"""Several server processes behind one port: they are kept running, end together, and survive each other."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest

from eparch.database import migrate
from tests.databases import PostgreSQLDatabases
from tests.server.agents import Agent
from tests.server.conftest import running
from tests.server.making import make_flow, make_run
from tests.server.wire import Wire, ask, operation
from tests.server_process import EXECUTABLE, ServerProcess, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("replicas")

COUNT = 3


@pytest.fixture
def group(postgresql_databases: PostgreSQLDatabases, tmp_path: Path) -> Iterator[ServerProcess]:
    with (
        postgresql_databases.fresh() as url,
        running(url, tmp_path, "--workers", str(COUNT), "--log-format", "json") as server,
    ):
        wait_until(lambda: ready_lines(server) == COUNT, "all workers to serve")
        yield server


def ready_lines(server: ServerProcess) -> int:
    return server.log.read_text().count("is ready at")


def workers(server: ServerProcess) -> list[psutil.Process]:
    return psutil.Process(server.pid).children()


def test_every_worker_serves_and_ends_well_with_its_parent(group: ServerProcess) -> None:
    found = workers(group)
    assert len(found) == COUNT
    assert {f'"worker":{index}' for index in range(COUNT)} <= set(group.log.read_text().replace("}", ",").split(","))
    flow_id, agents = make_flow(group), [Agent(group) for _ in range(6)]
    for agent in agents:
        agent.wait(60)
    made = [make_run(group, flow_id, labels=agent.labels) for agent in agents]
    assert [agent.receive() for agent in agents] == [[run_id] for run_id in made]
    for agent in agents:
        agent.close()
    group.stop()
    assert not any(worker.is_running() for worker in found)


def test_a_worker_that_was_killed_is_followed_by_another(group: ServerProcess) -> None:
    before = {worker.pid for worker in workers(group)}
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: ready_lines(group) == COUNT + 1, "a new worker to serve")
    after = {worker.pid for worker in workers(group)}
    assert len(after) == COUNT
    assert after - before
    assert before - after == {victim}
    assert "was ended by SIGKILL" in group.log.read_text()
    for _ in range(10):
        assert ask(group.port, "{ hello }").status == 200


def test_workers_end_when_their_parent_was_killed(group: ServerProcess) -> None:
    found = workers(group)
    group.kill()
    wait_until(lambda: not any(worker.is_running() for worker in found), "the workers to end", 30)
    assert group.log.read_text().count("The process that started this worker is gone.") == COUNT


def test_a_second_signal_ends_all_at_once(group: ServerProcess) -> None:
    with ExitStack() as opened:
        wires = [opened.enter_context(Wire(group.port)) for _ in range(COUNT * 4)]
        for wire in wires:
            wire.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        assert ask(group.port, "{ hello }").status == 200
        group.send_signal(signal.SIGTERM)
        wait_until(lambda: group.log.read_text().count("SIGTERM: ") == COUNT, "all workers to know")
        group.send_signal(signal.SIGTERM)
        assert group.wait_end() == 1
    group.check_log()


def test_requests_are_answered_while_one_worker_after_the_other_is_killed(group: ServerProcess) -> None:
    name = str(uuid4())
    document = "mutation ($n: String!) { create_project(input: {name: $n}) { id } }"
    answered = []
    for index, worker in enumerate(workers(group)):
        os.kill(worker.pid, signal.SIGKILL)
        # A request may have been on its way to the dead one, which never answers it.
        try:
            with Wire(group.port) as wire:
                wire.send(operation(document, {"n": f"{name} {index}"}))
                answered.append(wire.receive().json()["data"]["create_project"]["id"])
        except ConnectionError:
            continue
        wait_until(lambda expected=index: ready_lines(group) == COUNT + 1 + expected, "a new worker to serve")
    found = ask(group.port, "query ($n: String!) { project(where: {name: {_like: $n}}) { id } }", {"n": f"{name}%"})
    assert {row["id"] for row in found.json()["data"]["project"]} >= set(answered)


def refusal(home: Path, *options: str) -> str:
    command = [EXECUTABLE, "server", "start", "--port", str(free_port()), *options]
    done = subprocess.run(command, cwd=home, env={"HOME": str(home)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    return done.stderr


def test_workers_on_sqlite_are_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, "--workers", "2")
    assert "2 workers cannot share the SQLite file" in told
    assert "postgresql://" in told
    assert list(tmp_path.rglob("*.sqlite*")) == []


def test_what_hinders_all_workers_ends_the_start(postgresql_databases: PostgreSQLDatabases, tmp_path: Path) -> None:
    with postgresql_databases.fresh(migrate.upgrade) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER TABLE tenant RENAME COLUMN slug TO slogan")
        told = refusal(tmp_path, "--workers", "2", "--database-url", url)
    assert "slug" in told
    assert "before it could serve" in told
