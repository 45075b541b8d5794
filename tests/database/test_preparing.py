"""What a start makes of a database: what it accepts, what it refuses, and with which words."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from eparch.core.errors import ConfigurationError, EparchError, Unavailable
from eparch.database import migrate, migrations
from eparch.database.engines import parse_url, reading_engine, writing_engine
from eparch.database.readers import Readers
from tests.database.connections import connected
from tests.database.rows import counts, fill
from tests.databases import Databases
from tests.postgresql import Server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eparch.sqlite"


def refusal_of(url: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        migrate.prepare(url)
    assert caught.value.hint
    return caught.value


def content_of(url: str) -> list[str]:
    """Return everything that is in a database, as a dump of it would."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        lines = list(connection.iterdump())
        connection.close()
        return lines
    with connected(url) as connection_:
        tables = connection_.exec_driver_sql("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        return sorted(tables.scalars())


# ---- What is made ----


def test_the_file_and_its_folder_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet there" / "eparch 100%.sqlite"
    migrate.prepare(f"sqlite:///{path}")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with connected(f"sqlite:///{path}") as connection:
        fill(connection)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {path.name: 0o600, f"{path.name}-wal": 0o600, f"{path.name}-shm": 0o600}


def test_a_folder_that_exists_keeps_its_permissions(path: Path) -> None:
    path.parent.chmod(0o755)
    migrate.prepare(f"sqlite:///{path}")
    assert path.parent.stat().st_mode & 0o777 == 0o755


def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.touch()
    migrate.prepare(f"sqlite:///{path}")
    assert migrate.check(f"sqlite:///{path}") == []


def test_preparing_twice_changes_nothing(databases: Databases) -> None:
    with databases.fresh() as url:
        migrate.prepare(url)
        with connected(url) as connection:
            before = fill(connection)
        migrate.prepare(url)
        with connected(url) as connection:
            assert counts(connection) == before


def test_a_schema_of_its_own_is_enough(postgresql_databases: Databases) -> None:
    with postgresql_databases.fresh() as url:
        with connected(url) as connection:
            connection.exec_driver_sql("CREATE TABLE other (n int); CREATE SCHEMA mine")
        own = f"{url}?options={quote('-c search_path=mine')}"
        migrate.prepare(own)
        assert migrate.check(own) == []
        assert content_of(url) == ["other"]


def test_tables_of_an_extension_are_nobodys(postgresql_databases: Databases) -> None:
    with postgresql_databases.fresh() as url:
        with connected(url) as connection:
            connection.exec_driver_sql("CREATE EXTENSION hstore; CREATE TABLE spatial_ref_sys (n int)")
            connection.exec_driver_sql("ALTER EXTENSION hstore ADD TABLE spatial_ref_sys")
        migrate.prepare(url)
        assert migrate.check(url) == []


# ---- What is refused ----


def test_a_database_of_a_newer_version_is_refused(eparch_url: str) -> None:
    with connected(eparch_url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999_from_the_future'")
    before = content_of(eparch_url)
    refusal = refusal_of(eparch_url)
    assert "was made by a newer version of Eparch: it is at revision 0999_from_the_future" in refusal.message
    assert f"this version knows revisions up to {migrations.REVISIONS[-1]}." in refusal.message
    assert refusal.hint.startswith("upgrade Eparch, or restore a backup")
    assert content_of(eparch_url) == before
    assert migrate.check(eparch_url) == [refusal.message]
    with pytest.raises(ConfigurationError, match="newer version"):
        migrate.current(eparch_url)


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["CREATE TABLE invoice (n int)"], "it holds the tables invoice, and no revision of Eparch"),
        ([f"CREATE TABLE t{index} (n int)" for index in range(6)], "it holds the tables t0, t1, t2, t3 and 2 more"),
        # Another program that uses Alembic, one with our table names, and one that happens to name a revision alike.
        (
            ["CREATE TABLE alembic_version (version_num text)", "INSERT INTO alembic_version VALUES ('27ca')"],
            "it holds the tables alembic_version",
        ),
        (
            [
                "CREATE TABLE alembic_version (version_num text)",
                "INSERT INTO alembic_version VALUES ('70528cee0d2b')",
                *(f"CREATE TABLE {name} (n int)" for name in ("flow_group", "flow_run", "task_run", "tenant")),
            ],
            "it holds the tables flow_group, flow_run, task_run, tenant",
        ),
        (
            [
                "CREATE TABLE alembic_version (version_num text)",
                "INSERT INTO alembic_version VALUES ('0001_initial')",
                "CREATE TABLE invoice (n int)",
            ],
            "it holds the tables invoice",
        ),
    ],
)
def test_a_database_of_another_program_is_refused(database_url: str, statements: list[str], told: str) -> None:
    if database_url.startswith("sqlite"):
        # As another program would have made it: no connection of ours has been there.
        sqlite = sqlite3.connect(database_url.removeprefix("sqlite:///"))
        for statement in statements:
            sqlite.execute(statement)
        sqlite.commit()
        sqlite.close()
        bytes_before = Path(database_url.removeprefix("sqlite:///")).read_bytes()
    else:
        with connected(database_url) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    before = content_of(database_url)
    refusal = refusal_of(database_url)
    assert "belongs to another program" in refusal.message
    assert told in refusal.message
    assert content_of(database_url) == before
    if database_url.startswith("sqlite"):
        assert Path(database_url.removeprefix("sqlite:///")).read_bytes() == bytes_before


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("Dear diary, " * 1000)
    before = path.read_bytes()
    refusal = refusal_of(f"sqlite:///{path}")
    assert refusal.message == f"The file {path} is not a SQLite database."
    assert path.read_bytes() == before


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(EparchError, match="cannot be"):
        migrate.prepare(f"sqlite:///{tmp_path}")


def test_a_folder_below_a_file_cannot_be_made(path: Path) -> None:
    path.touch()
    refusal = refusal_of(f"sqlite:///{path}/below/eparch.sqlite")
    assert refusal.message == f"The folder {path}/below cannot be made: Not a directory."


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("sqlite://", "memory is lost"),
        ("sqlite:///:memory:", "memory is lost"),
        ("mysql://host/name", "kind 'mysql' are not supported"),
        ("eparch.sqlite", "'eparch.sqlite' is not the address"),
        ("postgres//user:hunter2@host/name", "'postgres//user:***@host/name' is not the address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(address: str, told: str) -> None:
    refusal = refusal_of(address)
    assert told in refusal.message
    assert "hunter2" not in refusal.message + refusal.hint


def test_a_disk_without_shared_memory_is_refused(path: Path) -> None:
    # This way of locking cannot share a write-ahead log, like a network file system.
    url = parse_url(f"sqlite:///file:{path}?vfs=unix-dotfile&uri=true")
    engine = writing_engine(url)
    with pytest.raises(ConfigurationError, match="cannot keep its write-ahead log"):
        engine.connect()
    engine.dispose()


# ---- PostgreSQL ----


def test_the_password_is_not_told(postgresql_databases: Databases) -> None:
    with postgresql_databases.fresh() as url:
        with connected(url) as connection:
            connection.exec_driver_sql("CREATE TABLE invoice (n int)")
        refusal = refusal_of(url.replace("@", ":hunter2@"))
    assert "hunter2" not in refusal.message + refusal.hint
    assert ":***@127.0.0.1" in refusal.message


def test_a_database_that_does_not_exist_is_told(postgresql_server: Server) -> None:
    refusal = refusal_of(postgresql_server.url("nowhere"))
    assert 'database "nowhere" does not exist' in refusal.message
    assert "createdb" in refusal.hint


def test_a_user_that_does_not_exist_is_told(postgresql_server: Server) -> None:
    refusal = refusal_of(postgresql_server.url("postgres").replace("//", "//nobody:hunter2@", 1).replace("eparch@", ""))
    assert 'role "nobody" does not exist' in refusal.message
    assert "hunter2" not in refusal.message


def test_a_server_that_does_not_answer_is_told() -> None:
    with pytest.raises(Unavailable) as caught:
        migrate.prepare("postgresql://eparch:hunter2@127.0.0.1:1/eparch")
    assert caught.value.message.startswith("PostgreSQL cannot be used: connection to server at")
    assert "Connection refused" in caught.value.message
    assert "hunter2" not in caught.value.message


def test_an_old_server_is_refused(postgresql_databases: Databases) -> None:
    with postgresql_databases.fresh() as url:
        with connected(url) as connection:
            # Stands before the real function, and says what a server of that version says.
            connection.exec_driver_sql(
                "CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT CASE"
                " WHEN $1 = 'server_version_num' THEN '130016' ELSE pg_catalog.current_setting($1) END $$"
            )
        refusal = refusal_of(f"{url}?options={quote('-c search_path=public,pg_catalog')}")
    assert refusal.message.endswith("is on PostgreSQL 13; Eparch needs 14 or newer.")


def test_a_database_in_another_encoding_is_refused(postgresql_databases: Databases) -> None:
    with postgresql_databases.fresh() as url:
        server, _, name = url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}_latin ENCODING 'LATIN1' TEMPLATE template0".encode())
            try:
                refusal = refusal_of(f"{url}_latin")
            finally:
                admin.execute(f"DROP DATABASE {name}_latin WITH (FORCE)".encode())
    assert "has the encoding LATIN1; Eparch needs UTF8" in refusal.message


def test_a_user_who_may_not_make_tables_is_told(postgresql_databases: Databases) -> None:
    with postgresql_databases.fresh() as url:
        role = f"guest_{url.rpartition('/')[2][-12:]}"
        with connected(url) as connection:
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        refusal = refusal_of(url.replace("eparch@", f"{role}@"))
        with connected(url) as connection:
            connection.exec_driver_sql(f"DROP ROLE {role}")
    assert "permission denied for schema public" in refusal.message
    assert "GRANT CREATE" in refusal.hint


def test_a_search_path_that_leads_nowhere_is_refused(postgresql_databases: Databases) -> None:
    with postgresql_databases.fresh() as url:
        refusal = refusal_of(f"{url}?options={quote('-c search_path=nowhere')}")
    assert "no schema to put tables in" in refusal.message


# ---- Readers ----


@pytest.fixture
def readers(eparch_url: str) -> Iterator[Readers]:
    engine = reading_engine(parse_url(eparch_url))
    readers = Readers(engine, threads=2)
    yield readers
    readers.stop()
    engine.dispose()


def test_a_reader_cannot_write(readers: Readers) -> None:
    with pytest.raises(EparchError):
        readers.run_here(lambda connection: connection.exec_driver_sql("DELETE FROM tenant"))


async def test_a_reader_sees_one_snapshot(readers: Readers, eparch_url: str) -> None:
    def look_twice(connection: object) -> list[int]:
        seen = []
        for _ in range(2):
            seen.append(sum(counts(connection).values()))  # type: ignore[arg-type]
            if len(seen) == 1:
                with connected(eparch_url) as other:
                    fill(other)
        return seen

    assert await readers.run(look_twice) == [0, 0]
    assert await readers.run(lambda connection: counts(connection)["tenant"]) == 1


async def test_a_refused_statement_is_told(readers: Readers) -> None:
    with pytest.raises(EparchError, match="The database refused"):
        await readers.run(lambda connection: connection.exec_driver_sql("SELECT nothing FROM nowhere"))
