"""Bring a database to the tables of this version, or say why not.

In charge of the one transaction that does it; not in charge of what each revision changes (`migrations`) nor of judging
whose database it is (`identity`).

Invariant: a database is at one revision or at another, never between two: all revisions that are missing share one
transaction, on SQLite as on PostgreSQL.
"""

import logging
import time
from typing import Final

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from eparch.core.errors import ConfigurationError, EparchError
from eparch.database import migrations
from eparch.database.engines import parse_url, reading_engine, sqlite_path, writing_engine
from eparch.database.faults import translated
from eparch.database.file_lock import file_lock
from eparch.database.identity import identify, identify_on, name_of
from eparch.database.schema import describe, wanted
from eparch.database.sqlite_file import make_file, refuse_unwritable

# Rows of each index that are looked at for statistics: milliseconds, however large the table is.
_ANALYSED_ROWS_MAX: Final = 1_000

logger: Final = logging.getLogger("eparch.migrations")

# Any number will do, as long as all versions of Eparch use this one: "eparch" in ASCII.
_LOCK: Final = 0x657061726368
# Another server may be migrating a large database.
_LOCK_WAIT_S: Final = 600
# A statement that waits for a table makes everybody else wait behind it.
_TABLE_WAIT_S: Final = 20


def prepare(database_url: str) -> None:
    """Make a database ready for a server: make its file, give it this version's tables.

    Several servers may do this at once to one PostgreSQL database; a SQLite file belongs to the caller, who holds
    `file_lock`. A database that is current is only looked at, without Alembic, so that the server starts at once.

    Raises:
        ConfigurationError: it belongs to a newer Eparch or to another program, or cannot be used as it is.
        Unavailable: it cannot be reached, or not be written.
    """
    url = parse_url(database_url)
    path = sqlite_path(url)
    if path is not None:
        make_file(path)
        refuse_unwritable(path)
    identity = identify(url)
    identity.refuse_unusable()
    if not identity.is_current:
        _migrate(url)


def upgrade(database_url: str) -> None:
    """Do what `prepare` does, for an administrator; a server must not have the SQLite file meanwhile.

    Raises:
        EparchError: as `prepare`, or another process uses the file.
    """
    with file_lock(sqlite_path(parse_url(database_url))):
        prepare(database_url)


def current(database_url: str) -> str | None:
    """Return the revision of a database, None if it has no tables; a file that does not exist stays so.

    Raises:
        EparchError: it cannot be read, or is not Eparch's.
    """
    identity = identify(parse_url(database_url))
    if identity.revision not in migrations.REVISIONS:
        identity.refuse_unusable()
    return identity.revision


def check(database_url: str) -> list[str]:
    """Return what is wrong with a database, a sentence each; nothing if all is well.

    It looks at the revision, at every table, column, index and key, and on SQLite at every page of the file.

    Raises:
        EparchError: it cannot be read.
    """
    url = parse_url(database_url)
    identity = identify(url)
    try:
        identity.refuse_unusable()
    except EparchError as error:
        return [error.message]
    if not identity.is_current:
        found = f"is at revision {identity.revision}" if identity.revision else "has no tables"
        wanted = migrations.REVISIONS[-1]
        return [f"The database {identity.name} {found}; this version needs {wanted}: run `eparch db upgrade`."]
    # Nothing is committed, but what PostgreSQL has to compare with are temporary tables.
    engine = reading_engine(url) if sqlite_path(url) else writing_engine(url)
    try:
        with engine.connect() as connection:
            return [*_damage(connection), *_differences(connection)]
    except DBAPIError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def _migrate(url: URL) -> None:
    started = time.monotonic()
    engine = _migrating_engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                _wait_for_lock(connection)
            # Another server may have done it while this one waited.
            identity = identify_on(connection, url)
            identity.refuse_unusable()
            if identity.is_current:
                return
            _run_alembic(connection)
            _renew_statistics(connection)
            if damage := _broken_references(connection):
                raise ConfigurationError(
                    f"The database {identity.name} was not migrated: {damage[0]}",
                    hint="this is a fault of the migration or an old one of the data; nothing was changed",
                )
    except DBAPIError as error:
        raise translated(error) from error
    finally:
        engine.dispose()
    taken_s = time.monotonic() - started
    before, after = identity.revision or "nothing", migrations.REVISIONS[-1]
    logger.info("Migrated the database %s from %s to %s in %.2f s.", name_of(url), before, after, taken_s)


def _migrating_engine(url: URL) -> Engine:
    engine = writing_engine(url)
    if url.drivername == "sqlite":

        @event.listens_for(engine, "connect")
        def _leave_references_alone(connection: object, _record: object) -> None:
            # SQLite changes a table by writing it anew and dropping the old one. With references enforced, the drop
            # would delete every row that refers to it. The pragma does nothing within a transaction.
            connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[attr-defined]

    return engine


def _wait_for_lock(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_S}s'")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_TABLE_WAIT_S}s'")


def _run_alembic(connection: Connection) -> None:
    # Imported here, as it takes as long as the rest of a start.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, migrations.REVISIONS[-1])


def _renew_statistics(connection: Connection) -> None:
    """Let SQLite look at its indexes again, if it ever has.

    With statistics of the old indexes and none of a new one it takes the new one where it should not: the newest lines
    of a log of 1,000,000 took 1.2 s instead of 1 ms. Without any statistics it chooses well. Source: measured.
    """
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").first():
        connection.exec_driver_sql(f"PRAGMA analysis_limit = {_ANALYSED_ROWS_MAX}")
        connection.exec_driver_sql("ANALYZE")


def _damage(connection: Connection) -> list[str]:
    if connection.dialect.name != "sqlite":
        return []
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [f"The file is damaged: {line}." for line in found if line != "ok"] + _broken_references(connection)


def _broken_references(connection: Connection) -> list[str]:
    """Return a sentence for each reference of SQLite that leads nowhere; PostgreSQL lets none come about."""
    if connection.dialect.name != "sqlite":
        return []
    rows = connection.exec_driver_sql(
        'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2'
    )
    return [f"{count} rows of {table} refer to rows of {parent} that do not exist." for table, parent, count in rows]


def _differences(connection: Connection) -> list[str]:
    """Return a sentence for each way in which the tables are not those of this version."""
    found, right = describe(connection), wanted(connection)
    return [f"Missing: {line}." for line in sorted(right - found)] + [
        f"Not of this version: {line}." for line in sorted(found - right)
    ]
