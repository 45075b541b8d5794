"""Whether a database can serve as it is.

In charge of telling what keeps a server of this version from using it; not in charge of mending that (`migrate`), nor
of every page and table (`migrate.check`, which takes as long as the database is large). Nothing is changed.
"""

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from eparch.core.errors import ConfigurationError, EparchError
from eparch.database import migrations
from eparch.database.engines import sqlite_path, writing_engine
from eparch.database.faults import translated
from eparch.database.identity import identify
from eparch.database.sqlite_file import refuse_unwritable

_READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'")


def problem_of(url: URL) -> EparchError | None:
    """Return why a database cannot be used as it is, None if it can: file, revision, whether it takes writes."""
    try:
        path = sqlite_path(url)
        if path is not None:
            if not path.exists():
                return ConfigurationError(f"There is no file {path}.", hint="eparch server start makes it")
            refuse_unwritable(path)
        identity = identify(url)
        identity.refuse_unusable()
        if not identity.is_current:
            found = f"is at revision {identity.revision}" if identity.revision else "has no tables"
            return ConfigurationError(
                f"The database {identity.name} {found}; this version needs {migrations.REVISIONS[-1]}.",
                hint="eparch db upgrade, or start the server, which does it",
            )
        return None if path is not None else _read_only(url)
    except EparchError as error:
        return error


def _read_only(url: URL) -> EparchError | None:
    engine = writing_engine(url)
    try:
        with engine.connect() as connection:
            if connection.execute(_READ_ONLY).scalar():
                return ConfigurationError(
                    "The database takes no writes: it is a replica, or default_transaction_read_only is on.",
                    hint="name the primary server in EPARCH_DATABASE_URL",
                )
    except DBAPIError as error:
        return translated(error)
    finally:
        engine.dispose()
    return None
