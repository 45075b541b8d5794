"""In charge of fresh databases for tests, a few milliseconds each, on SQLite and on PostgreSQL.

Not in charge of the PostgreSQL server (tests/postgresql.py) nor of what is in the databases: a test passes a *seed*, a
function that fills an empty database given by its URL (a migration, a large data set). A seed runs once per test run,
also across xdist's workers; every database that asks for it is a copy of the result.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import psycopg
from psycopg import sql

from tests import postgresql

# Takes the URL of an empty database and fills it; a module-level function, as its name is the key of its result.
Seed = Callable[[str], None]


class Databases(Protocol):
    """Makes fresh databases of one dialect ("sqlite" or "postgresql")."""

    dialect: str

    def fresh(self, seed: Seed | None = None) -> AbstractContextManager[str]:
        """Give the URL of a new database, empty or a copy of what `seed` makes; it is removed at the end."""


class SQLiteDatabases:
    """SQLite files in `folder`; seeds are shared through `run_folder`."""

    dialect = "sqlite"

    def __init__(self, folder: Path, run_folder: Path) -> None:
        self._folder = folder
        self._run_folder = run_folder

    @contextmanager
    def fresh(self, seed: Seed | None = None) -> Iterator[str]:
        path = self._folder / f"{uuid4().hex}.sqlite"
        if seed is not None:
            shutil.copyfile(self._seeded(seed), path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for file in self._folder.glob(f"{path.name}*"):
                file.unlink()

    def _seeded(self, seed: Seed) -> Path:
        path = self._run_folder / f"{_key(seed)}.sqlite"
        with exclusive(self._run_folder / "sqlite.lock"):
            if not path.exists():
                draft = path.with_suffix(".draft")
                for leftover in path.parent.glob(f"{draft.name}*"):  # an earlier worker's seed has failed
                    leftover.unlink()
                seed(f"sqlite:///{draft}")
                # A write-ahead log left behind means that the seed has left a connection open: the copy would lack it.
                assert not Path(f"{draft}-wal").exists(), f"{seed} did not close its database"
                draft.rename(path)
        return path


class PostgreSQLDatabases:
    """Databases on one server; seeds are its template databases."""

    dialect = "postgresql"

    def __init__(self, server: postgresql.Server, run_folder: Path) -> None:
        self._server = server
        self._run_folder = run_folder
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    @contextmanager
    def fresh(self, seed: Seed | None = None) -> Iterator[str]:
        name = f"test_{uuid4().hex}"
        self._create(name, template=self._seeded(seed) if seed else "template0")
        try:
            yield self._server.url(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _seeded(self, seed: Seed) -> str:
        name = f"seed_{_key(seed)}"
        done = self._run_folder / f"{self._server.port}.{name}"
        with exclusive(self._run_folder / "postgresql-seeds.lock"):
            if not done.exists():
                self._drop(name)  # an earlier worker's seed may have failed
                self._create(name, template="template0")
                seed(self._server.url(name))
                done.touch()
        return name

    def _create(self, name: str, template: str) -> None:
        # Copying files is as fast as writing every page to the log (12 ms here), and does not fill the disk with log.
        statement = "CREATE DATABASE {} TEMPLATE {}"
        if self._admin().info.server_version >= 15_00_00:
            statement += " STRATEGY FILE_COPY"
        self._admin().execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        self._admin().execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        if self._connection is None:
            self._connection = psycopg.connect(self._server.url("postgres"), autocommit=True)
        return self._connection


def shared_server(run_folder: Path, owner_pid: int, *, durable: bool = False) -> postgresql.Server:
    """Return the one server of this test run, after starting it if no worker has done so yet."""
    record = run_folder / ("durable.server" if durable else "volatile.server")
    with exclusive(run_folder / "server.lock"):
        if not record.exists():
            record.write_text(postgresql.start(owner_pid=owner_pid, durable=durable).dump())
    return postgresql.Server.load(record.read_text())


def stop_servers(run_folder: Path) -> None:
    """Stop every server that `shared_server` has started for this test run."""
    for record in run_folder.glob("*.server"):
        postgresql.stop(postgresql.Server.load(record.read_text()))


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, against the other workers too."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _key(seed: Seed) -> str:
    name = f"{seed.__module__}.{seed.__qualname__}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]
