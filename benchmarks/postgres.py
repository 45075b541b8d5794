"""A PostgreSQL cluster of the benchmark's own.

In charge of creating, starting and removing a cluster with the settings that PostgreSQL ships (fsync and
synchronous_commit on), and of databases in it. Not in charge of what is measured on them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from environments import CACHE
from processes import HOST, ManagedProcess, free_port


class PostgresCluster:
    """A running cluster on loopback, removed by `stop`."""

    def __init__(self, directory: Path) -> None:
        """Create and start it under `directory`, as the account `postgres` when we are root (initdb refuses root).

        Raises:
            FileNotFoundError: PostgreSQL is not installed.
            RuntimeError: it cannot be created or does not start.
        """
        self._home = directory / "postgresql"
        self._home.mkdir()
        user = "postgres" if os.geteuid() == 0 else None
        if user is not None:
            shutil.chown(self._home, user, user)
        self.port = free_port()
        data = self._home / "data"
        programs = _program_directory()
        initdb: list[str | Path] = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
        created = subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C.UTF-8"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        if created.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{created.stdout}{created.stderr}")
        self.process = ManagedProcess(
            [programs / "postgres", "-D", data, "-p", str(self.port), "-h", HOST, "-k", self._home],
            log_path=directory / "postgresql.log",
            directory=Path("/"),
            user=user,
        )
        self._wait_until_ready()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/{database}"

    def create_database(self, database: str) -> str:
        """Create an empty database, dropping one of that name, and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'drop database if exists "{database}" with (force)')
            connection.execute(f'create database "{database}"')
        return self.url(database)

    def checkpoint(self) -> None:
        """Write out what is dirty, so that it is not written during somebody's measurement."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("checkpoint")

    def version(self) -> str:
        with psycopg.connect(self.url("postgres")) as connection:
            row = connection.execute("show server_version").fetchone()
        assert row is not None
        return str(row[0])

    def stop(self) -> None:
        """Shut it down (SIGINT is PostgreSQL's fast shutdown) and remove its files."""
        self.process.stop(signal.SIGINT)
        shutil.rmtree(self._home)

    def _wait_until_ready(self, timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.is_alive():
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url("postgres")):
                return
            time.sleep(0.05)
        tail = self.process.log_tail()
        self.process.stop(signal.SIGINT)
        raise RuntimeError(f"PostgreSQL does not start:\n{tail}")


def _program_directory() -> Path:
    """Return the directory of the newest installed PostgreSQL server programs."""
    on_path = shutil.which("postgres")
    if on_path is not None:
        return Path(on_path).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    from_pypi = sorted((CACHE.parent / "postgresql").glob("*/pginstall*/bin/postgres"))
    if not installed and not from_pypi:
        raise FileNotFoundError(
            "no PostgreSQL server on PATH, in /usr/lib/postgresql or in .cache/postgresql; `make postgresql` gets one"
        )
    return (installed or from_pypi)[-1].parent
