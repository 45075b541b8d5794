"""Whose database this is: empty, Eparch's at some revision, or another program's.

In charge of looking without changing anything; not in charge of migrating (`migrate`) nor of what the tables hold.
"""

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from eparch.core.errors import ConfigurationError
from eparch.database import migrations
from eparch.database.engines import sqlite_path, writing_engine
from eparch.database.faults import of_driver, translated

_POSTGRESQL_MIN: Final = 14
# The first one with `->>`, which the statements of `bulk` and `graphql` use.
_SQLITE_MIN: Final = (3, 38)
_TABLES_SHOWN_MAX: Final = 4

# Other programs use Alembic too, and its table says nothing of whose it is.
_REVISION: Final = re.compile(r"\d{4}_\w+")
_OWN_TABLES: Final = frozenset({"tenant", "flow_group", "flow_run", "task_run"})

Query = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a database says of itself.

    Attributes:
        name: file or address, without a password.
        revision: what Alembic's table holds; None where there is none.
        tables: names of all other tables, sorted.
    """

    name: str
    revision: str | None
    tables: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return self.revision is None and not self.tables

    @property
    def is_current(self) -> bool:
        return self.revision == migrations.REVISIONS[-1] and self._is_own

    @property
    def _is_own(self) -> bool:
        return set(self.tables) >= _OWN_TABLES and _REVISION.fullmatch(self.revision or "") is not None

    def refuse_unusable(self) -> None:
        """Refuse a database that this version of Eparch must not touch.

        Raises:
            ConfigurationError: it belongs to a newer Eparch, or to another program.
        """
        if self.is_empty:
            return
        if not self._is_own:
            shown = ", ".join(self.tables[:_TABLES_SHOWN_MAX]) or "alembic_version"
            more = len(self.tables) - _TABLES_SHOWN_MAX
            raise ConfigurationError(
                f"The database {self.name} belongs to another program: it holds the tables {shown}"
                f"{f' and {more} more' if more > 0 else ''}, and no revision of Eparch.",
                hint="give Eparch an empty database of its own with --database-url",
            )
        if self.revision not in migrations.REVISIONS:
            raise ConfigurationError(
                f"The database {self.name} was made by a newer version of Eparch: it is at revision {self.revision}, "
                f"and this version knows revisions up to {migrations.REVISIONS[-1]}.",
                hint="upgrade Eparch, or restore a backup that was made before the upgrade; nothing was changed",
            )

    def refuse_other_version(self) -> None:
        """Refuse a database that does not have exactly this version's tables.

        Raises:
            ConfigurationError: it is empty, older, newer, or another program's.
        """
        self.refuse_unusable()
        if not self.is_current:
            found = f"is at revision {self.revision}" if self.revision else "has no tables"
            raise ConfigurationError(
                f"The database {self.name} {found}; this version needs {migrations.REVISIONS[-1]}.",
                hint="eparch config shows which database is meant; eparch db upgrade brings it to this version",
            )


def identify(url: URL) -> Identity:
    """Return what a database says of itself, over a connection of its own; a file that does not exist is empty.

    Raises:
        ConfigurationError: it cannot be a database of Eparch: wrong kind of file, server too old, no such database.
        Unavailable: it does not answer.
    """
    path = sqlite_path(url)
    if path is not None:
        return _identify_file(path)
    engine = writing_engine(url)
    try:
        with engine.connect() as connection:
            _refuse_server(connection, name_of(url))
            return identify_on(connection, url)
    except DBAPIError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def identify_on(connection: Connection, url: URL) -> Identity:
    """Return what a database says of itself, within an open transaction."""
    query = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    return _identity(name_of(url), query, lambda sql: connection.exec_driver_sql(sql).all())


def name_of(url: URL) -> str:
    """Return the file or the address of a database, without the password."""
    path = sqlite_path(url)
    return str(path) if path is not None else url.set(drivername="postgresql").render_as_string(hide_password=True)


_SQLITE: Final = r"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"

# Tables that belong to an extension are nobody's; they stand wherever it was installed.
_POSTGRESQL: Final = """
SELECT relname FROM pg_class AS c
WHERE relkind IN ('r', 'p', 'f') AND relnamespace = current_schema()::regnamespace AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e'
)
"""


def _identity(name: str, tables_query: str, query: Query) -> Identity:
    tables = {row[0] for row in query(tables_query)}
    revisions = sorted(row[0] for row in query("SELECT version_num FROM alembic_version")) if _MARK in tables else []
    return Identity(name, " and ".join(revisions) or None, tuple(sorted(tables - {_MARK})))


_MARK: Final = "alembic_version"


def _identify_file(path: Path) -> Identity:
    if sqlite3.sqlite_version_info < _SQLITE_MIN:
        wanted = ".".join(map(str, _SQLITE_MIN))
        raise ConfigurationError(
            f"This Python has SQLite {sqlite3.sqlite_version}; Eparch needs {wanted} or newer.",
            hint="use a newer Python, or PostgreSQL",
        )
    if not path.exists():
        return Identity(str(path), None, ())
    try:
        # No engine: its connections change the file's journal mode, and the file may be someone else's.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            return _identity(str(path), _SQLITE, lambda sql: connection.execute(sql).fetchall())
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise ConfigurationError(
                f"The file {path} is not a SQLite database.",
                hint="name another file with --database-url; if this was Eparch's database, restore a backup",
            ) from error
        raise of_driver(error) from error


def _refuse_server(connection: Connection, name: str) -> None:
    version, encoding, schema, is_standby = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'),"
        " current_schema(), pg_is_in_recovery()"
    ).one()
    if version < _POSTGRESQL_MIN:
        raise ConfigurationError(
            f"The database {name} is on PostgreSQL {version}; Eparch needs {_POSTGRESQL_MIN} or newer.",
            hint="upgrade PostgreSQL",
        )
    if encoding != "UTF8":
        raise ConfigurationError(
            f"The database {name} has the encoding {encoding}; Eparch needs UTF8.",
            hint="make it with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
        )
    if schema is None:
        raise ConfigurationError(
            f"The database {name} has no schema to put tables in: nothing in its search_path exists.",
            hint="create the schema, or correct search_path",
        )
    if is_standby:
        raise ConfigurationError(
            f"The database {name} is a standby, which takes no writes.", hint="name the primary server"
        )
