"""The test databases themselves: each test has its own, and a seed runs once."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from tests.databases import Databases


def seed_one_row(url: str) -> None:
    execute(url, "CREATE TABLE seeded (n int)", "INSERT INTO seeded VALUES (1)")


def execute(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on a new connection, commit, and return the rows of the last one."""
    rows: list[tuple[object, ...]] = []
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        connection.close()
        return rows
    with psycopg.connect(url, autocommit=True) as postgresql:
        for statement in statements:
            cursor = postgresql.execute(statement.encode())
            rows = cursor.fetchall() if cursor.description else []
    return rows


def test_a_fresh_database_has_no_tables(database_url: str) -> None:
    catalog = "sqlite_master" if database_url.startswith("sqlite") else "pg_stat_user_tables"
    assert execute(database_url, f"SELECT * FROM {catalog}") == []


def test_two_databases_share_nothing(databases: Databases) -> None:
    with databases.fresh() as one, databases.fresh() as two:
        execute(one, "CREATE TABLE t (n int)")
        execute(two, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (2)")
        assert execute(one, "SELECT * FROM t") == []


@pytest.mark.parametrize("turn", [1, 2])
def test_a_seeded_database_is_a_copy_that_may_be_changed(databases: Databases, turn: int) -> None:
    with databases.fresh(seed_one_row) as url:
        assert execute(url, "INSERT INTO seeded VALUES (2)", "SELECT * FROM seeded ORDER BY n") == [(1,), (2,)]


def test_a_seed_that_leaves_a_connection_open_is_refused(sqlite_databases: Databases, tmp_path: Path) -> None:
    left_open: list[sqlite3.Connection] = []

    def careless(url: str) -> None:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE t (n int)")
        left_open.append(connection)

    with pytest.raises(AssertionError, match="did not close"), sqlite_databases.fresh(careless):
        pass
    left_open[0].close()


def test_a_durable_server_waits_for_the_disk(durable_databases: Databases) -> None:
    if durable_databases.dialect == "postgresql":
        with durable_databases.fresh() as url:
            settings = execute(url, "SELECT setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')")
        assert settings == [("on",), ("on",)]
