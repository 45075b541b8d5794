"""`eparch db move`: what a server on SQLite was told is told by a server on PostgreSQL; and `pg_dump` there."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eparch.database.migrate import check
from tests.databases import PostgreSQLDatabases, SQLiteDatabases
from tests.server.conftest import running
from tests.server.making import make_flow, make_project, make_run, mutate
from tests.server.wire import ask
from tests.server_process import EXECUTABLE, ServerProcess

AWKWARD = 'é"\\\n\t\x01\x7f/🚀 \u2028 100%_ \\N \\. NULL'

# Every kind of thing, in one order; instants, documents, nulls and booleans among them.
QUESTIONS = (
    "{ tenant { id created name slug settings } project(order_by: {name: asc}) { id created name description } }",
    "{ flow(order_by: {id: asc}) { id created name version archived is_schedule_active serialized_flow settings } }",
    "{ task(order_by: {id: asc}) { id name slug tags max_retries mapped } edge(order_by: {id: asc}) { id key } }",
    """{ flow_run(order_by: {id: asc}) { id name version state start_time end_time heartbeat parameters labels
         serialized_state states(order_by: {version: asc}) { id state message timestamp serialized_state } } }""",
    "{ task_run(order_by: {id: asc}) { id map_index state version states(order_by: {version: asc}) { state } } }",
    "{ log(order_by: {id: asc}) { id timestamp name level message info } }",
    "{ task_run_artifact(order_by: {id: asc}) { id kind data } key_value(order_by: {key: asc}) { key value version } }",
    "{ retention_rule(order_by: {id: asc}) { id kind keep_days project_id } agent { id labels type last_queried } }",
)


@pytest.fixture
def sqlite_url(sqlite_databases: SQLiteDatabases) -> Iterator[str]:
    with sqlite_databases.fresh() as url:
        yield url


@pytest.fixture
def postgresql_url(postgresql_databases: PostgreSQLDatabases) -> Iterator[str]:
    with postgresql_databases.fresh() as url:
        yield url


def move(source: str, target: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    command = [EXECUTABLE, "db", "move", target, "--database-url", source]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def fill(server: ServerProcess) -> str:
    """Make something of each kind by the API, and return the id of a run that waits."""
    project_id = make_project(server, AWKWARD)
    flow_id = make_flow(server, project_id=project_id)
    done, waiting = make_run(server, flow_id, parameters={"x": AWKWARD}), make_run(server, flow_id, labels=["a", "b"])
    for state in ("Submitted", "Running", "Success"):
        states = [{"flow_run_id": done, "state": {"type": state, "message": AWKWARD, "result": {"value": [1, None]}}}]
        mutate(server, "set_flow_run_states", "states { status }", states=states)
    find = "query ($id: uuid) { task_run(where: {flow_run_id: {_eq: $id}}, order_by: {id: asc}) { id } }"
    (task_run_id, *_) = [row["id"] for row in ask(server.port, find, {"id": done}).json()["data"]["task_run"]]
    lines = [{"flow_run_id": done, "message": f"{number} {AWKWARD}", "info": {"n": number}} for number in range(2_500)]
    mutate(server, "write_run_logs", "success", logs=[*lines, {"flow_run_id": done, "task_run_id": task_run_id}])
    mutate(
        server, "create_task_run_artifact", "id", task_run_id=task_run_id, kind="markdown", data={"markdown": AWKWARD}
    )
    mutate(server, "register_agent", "id", type="LocalAgent", labels=["a"])
    mutate(server, "set_key_value", "id", key="k", value=None)
    mutate(server, "set_retention", "id", kind="logs", keep_days=None, project_id=project_id)
    return waiting


def answers(server: ServerProcess) -> list[Any]:
    return [ask(server.port, question).body for question in QUESTIONS]


def test_a_server_on_the_target_says_what_the_one_on_the_source_said(
    sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    options = ("--no-services-enabled",)
    with running(sqlite_url, tmp_path, *options) as server:
        waiting = fill(server)
        before = answers(server)
        refused = move(sqlite_url, postgresql_url, tmp_path)
        assert refused.returncode == 1
        assert "Another Eparch process" in refused.stderr
    moved = move(sqlite_url, postgresql_url, tmp_path)
    assert moved.returncode == 0, moved.stderr
    counts = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in moved.stdout.splitlines()}
    assert counts["log"] == 2_501
    assert "all are equal" in moved.stderr
    assert check(postgresql_url) == []
    with running(postgresql_url, tmp_path, *options) as server:
        assert answers(server) == before
        # It goes on from there.
        claim = 'mutation { claim_flow_runs(input: {labels: ["a", "b"]}) { flow_runs { id } } }'
        assert ask(server.port, claim).json()["data"]["claim_flow_runs"]["flow_runs"] == [{"id": waiting}]
    again = move(sqlite_url, postgresql_url, tmp_path)
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_a_move_that_fails_leaves_no_row_and_can_be_tried_again(
    sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    import sqlite3
    from contextlib import closing

    import psycopg

    with running(sqlite_url, tmp_path, "--no-services-enabled") as server:
        fill(server)
    path = sqlite_url.removeprefix("sqlite:///")
    # PostgreSQL cannot store this, and the last table to come holds it.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE log SET message = 'a' || char(0) || 'b' WHERE rowid = 7")
        connection.commit()
    failed = move(sqlite_url, postgresql_url, tmp_path)
    assert failed.returncode == 1
    assert "log" in failed.stderr
    with psycopg.connect(postgresql_url) as postgresql:
        assert postgresql.execute("SELECT count(*) FROM tenant").fetchone() == (0,)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE log SET message = 'ab' WHERE rowid = 7")
        connection.commit()
    assert move(sqlite_url, postgresql_url, tmp_path).returncode == 0


def test_a_copy_that_differs_is_not_committed(
    sqlite_url: str, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    import eparch.database.move as module
    from eparch.core.errors import EparchError

    with running(sqlite_url, tmp_path, "--no-services-enabled") as server:
        fill(server)
    write = module._write

    def lose_one(new: Any, table: Any, rows: Iterator[Any]) -> None:
        write(new, table, (row for index, row in enumerate(rows) if table.name != "log" or index != 3))

    monkeypatch.setattr(module, "_write", lose_one)
    with pytest.raises(EparchError, match="The copy of the table log is not equal"):
        module.move(sqlite_url, postgresql_url)
    with psycopg.connect(postgresql_url) as postgresql:
        assert postgresql.execute("SELECT count(*) FROM tenant").fetchone() == (0,)


@pytest.mark.parametrize("wrong", ["same kind", "not there"])
def test_what_is_no_move_is_refused(sqlite_url: str, tmp_path: Path, wrong: str) -> None:
    target = f"sqlite:///{tmp_path}/other.sqlite" if wrong == "same kind" else "postgresql://127.0.0.1:9/x"
    with running(sqlite_url, tmp_path):
        pass
    told = move(sqlite_url, target, tmp_path)
    assert told.returncode == 1
    assert ("from SQLite to PostgreSQL" if wrong == "same kind" else "PostgreSQL cannot be used") in told.stderr


def test_a_dump_of_postgresql_restores_what_was_told(
    postgresql_databases: PostgreSQLDatabases, postgresql_url: str, tmp_path: Path
) -> None:
    from tests.postgresql import find_programs

    dump = tmp_path / "eparch.dump"
    with running(postgresql_url, tmp_path, "--no-services-enabled") as server:
        fill(server)
        before = answers(server)
        # As docs/operations.md says, while the server runs.
        subprocess.run([find_programs() / "pg_dump", "--format=custom", f"--file={dump}", postgresql_url], check=True)
    with postgresql_databases.fresh() as other:
        subprocess.run([find_programs() / "pg_restore", "--no-owner", f"--dbname={other}", dump], check=True)
        assert check(other) == []
        with running(other, tmp_path, "--no-services-enabled") as server:
            assert answers(server) == before
