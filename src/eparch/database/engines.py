"""Connections to SQLite and to PostgreSQL, set up the way Eparch needs them.

In charge of drivers, pragmas and session settings; not in charge of who uses a connection when (`writer`, `readers`).
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from eparch.core.errors import ConfigurationError
from eparch.database import sqlite_functions
from eparch.database.faults import without_password

# Another process may hold the file for a moment (a backup, `eparch db`); the server's own threads never wait here.
_BUSY_TIMEOUT_MS: Final = 10_000
_CACHE_KIB: Final = 65_536
_CONNECT_TIMEOUT_S: Final = 10
# No limit: there are as many connections as threads, and a thread never waits for one.
_POOL_SIZE: Final = 0

# A server that vanished without a word is given up after about a minute instead of hours.
_KEEPALIVES: Final = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
# A process that was paused within a transaction holds its locks, those on leases too: it loses them before its leases
# have run out, so that another server takes over in time. Our own transactions never idle for a second.
_SESSION: Final = "-c timezone=UTC -c lock_timeout=30s -c idle_in_transaction_session_timeout=7s"


def parse_url(database_url: str) -> URL:
    """Return the address of a database with the driver that Eparch uses for it.

    Raises:
        ConfigurationError: it is no address, or one of a database that is not supported.
    """
    hint = "use sqlite:////absolute/path.sqlite or postgresql://user:password@host:5432/database"
    try:
        url = make_url(database_url)
    except ArgumentError:
        told = without_password(database_url)
        raise ConfigurationError(f"{told!r} is not the address of a database.", hint=hint) from None
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:":
            return url.set(drivername="sqlite")
        case "sqlite":
            raise ConfigurationError("A SQLite database needs a file: memory is lost at every stop.", hint=hint)
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ConfigurationError(f"Databases of the kind {other!r} are not supported.", hint=hint)


def writing_engine(url: URL, *, has_checkpointer: bool = False, statement_timeout_s: float = 0.0) -> Engine:
    """Return an engine whose transactions take the write lock at their start.

    Args:
        has_checkpointer: whether a `checkpoints.Checkpointer` copies SQLite's write-ahead log in place of commits.
        statement_timeout_s: when PostgreSQL ends a statement; 0 never.
    """
    if url.drivername == "sqlite":
        return _sqlite_engine(url, begin="BEGIN IMMEDIATE", has_checkpointer=has_checkpointer)
    return _postgres_engine(url, statement_timeout_s=statement_timeout_s)


def reading_engine(url: URL, *, statement_timeout_s: float = 0.0) -> Engine:
    """Return an engine whose transactions see one snapshot and cannot write; for the timeout see `writing_engine`."""
    if url.drivername == "sqlite":
        return _sqlite_engine(url, begin="BEGIN", query_only=True)
    return _postgres_engine(
        url, isolation_level="REPEATABLE READ", readonly=True, statement_timeout_s=statement_timeout_s
    )


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database, None for PostgreSQL."""
    return Path(url.database or "").absolute() if url.drivername == "sqlite" else None


def _sqlite_engine(url: URL, *, begin: str, query_only: bool = False, has_checkpointer: bool = False) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=_POOL_SIZE,
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1000, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not open transactions by itself: it would begin them deferred, and a deferred transaction
        # that turns to writing can fail at once with "database is locked".
        connection.isolation_level = None
        # Only an empty file heeds it: space that is freed can then be given back a little at a time (`compaction`).
        # It is not even said to another one: where nothing can be written, the pragma itself would fail.
        if not query_only and connection.execute("PRAGMA page_count").fetchone() == (0,):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        (journal_mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal_mode != "wal":
            raise ConfigurationError(
                f"SQLite cannot keep its write-ahead log beside {url.database}.",
                hint="use a local disk, not a network file system, or PostgreSQL",
            )
        for pragma in (
            # What was acknowledged survives a power cut. NORMAL would lose the last commits.
            "synchronous = FULL",
            "foreign_keys = ON",
            f"cache_size = -{_CACHE_KIB}",
            *(["wal_autocheckpoint = 0"] if has_checkpointer else []),
            "temp_store = MEMORY",
            *(["query_only = ON"] if query_only else []),
        ):
            connection.execute(f"PRAGMA {pragma}")
        sqlite_functions.register(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres_engine(
    url: URL, *, isolation_level: str = "READ COMMITTED", readonly: bool = False, statement_timeout_s: float = 0.0
) -> Engine:
    session = f"{_SESSION} -c statement_timeout={round(statement_timeout_s * 1000)}"
    try:
        engine = create_engine(
            url,
            pool_size=_POOL_SIZE,
            # A connection that died since its last use costs one more attempt (`writer`, `readers`), not a question
            # before each use.
            pool_pre_ping=False,
            isolation_level=isolation_level,
            execution_options={"postgresql_readonly": readonly},
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "application_name": "eparch",
                # What the address says comes last and so wins.
                "options": " ".join([session, *url.normalized_query.get("options", ())]),
                # Statements are few and repeat: prepare each at its second use.
                "prepare_threshold": 1,
                **{name: value for name, value in _KEEPALIVES.items() if name not in url.query},
            },
        )
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"PostgreSQL needs a driver that is not installed: {error.name}.", hint="pip install 'eparch[postgres]'"
        ) from None

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        from psycopg.types.string import TextLoader

        # Documents travel as text: most go to the socket as they are, and `types.Json` decodes the others.
        for name in ("json", "jsonb"):
            connection.adapters.register_loader(name, TextLoader)

    return engine
