"""In charge of writing many rows into SQLite or PostgreSQL as fast as each goes; not in charge of what they hold.

References between rows are not checked while they are written; `eparch db check` tells whether all lead somewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from eparch.database.engines import parse_url, writing_engine

_CHUNK = 20_000

Cells = tuple[str | int | bool | None, ...]


class Loader:
    """One connection that rows are written through."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._is_postgresql = connection.dialect.name == "postgresql"
        self.counts: dict[str, int] = {}

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Cells]) -> None:
        """Write rows: cells in the order of `columns`, instants and documents as text."""
        names = ", ".join(f'"{name}"' for name in columns)
        write = self._copy if self._is_postgresql else self._insert
        self.counts[table] = self.counts.get(table, 0) + write(table, names, iter(rows), len(columns))

    def _copy(self, table: str, names: str, rows: Iterator[Cells], _width: int) -> int:
        written = 0
        driver: Any = self.connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
                written += 1
        # SQLAlchemy knows nothing of a copy, so that its own commit would do nothing.
        driver.commit()
        return written

    def _insert(self, table: str, names: str, rows: Iterator[Cells], width: int) -> int:
        written = 0
        statement = f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * width)})'
        while chunk := list(islice(rows, _CHUNK)):
            self.connection.exec_driver_sql(statement, chunk)
            self.connection.commit()
            written += len(chunk)
        return written


@contextmanager
def loading(database_url: str) -> Iterator[Loader]:
    """Give a loader for a database that nobody else uses.

    An interruption leaves a SQLite file broken: it is written without a journal.
    """
    engine = writing_engine(parse_url(database_url))
    with engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        for setting in _FAST_SQLITE if is_sqlite else _FAST_POSTGRESQL:
            _set(connection, setting)
        try:
            yield Loader(connection)
        finally:
            if is_sqlite:
                _set(connection, "PRAGMA journal_mode = WAL")
    with engine.connect() as connection:
        # What is read next should be planned for tables of this size, and need not look whether rows are visible.
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT") if not is_sqlite else connection
        autocommit.execute(text("ANALYZE" if is_sqlite else "VACUUM ANALYZE"))
        connection.commit()
        if is_sqlite:
            _set(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


_FAST_SQLITE = (
    "PRAGMA foreign_keys = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA journal_mode = OFF",
    "PRAGMA cache_size = -500000",
)
# Only a superuser may leave references unchecked; others wait for the checks.
_UNCHECKED = (
    "SELECT set_config('session_replication_role', 'replica', false) FROM pg_roles"
    " WHERE rolname = current_user AND rolsuper"
)
_FAST_POSTGRESQL = (_UNCHECKED, "SET synchronous_commit = off")


def _set(connection: Connection, statement: str) -> None:
    """Run a statement outside of a transaction, as these pragmas want it."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.execute(statement).fetchall()
    else:
        connection.exec_driver_sql(statement)
        connection.commit()
