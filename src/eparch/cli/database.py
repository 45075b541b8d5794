"""In charge of `eparch db`; not in charge of migrations (`eparch.database.migrate`)."""

import sys

from eparch.cli.flags import with_settings
from eparch.cli.home import make_home
from eparch.core.errors import ConfigurationError
from eparch.server.settings import Resolved


@with_settings("home", "config", "database_url")
def upgrade(resolved: Resolved) -> None:
    """Bring the database to this version's tables. A new database is made; one that is up to date is left as it is."""
    make_home(resolved)
    from eparch.database import migrate

    migrate.upgrade(resolved.settings.database_url)
    print("The database has this version's tables.", file=sys.stderr)


@with_settings("home", "config", "database_url")
def current(resolved: Resolved) -> None:
    """Print the revision of the database, or "none" if it has no tables of Eparch."""
    from eparch.database import migrate

    print(migrate.current(resolved.settings.database_url) or "none")


@with_settings("home", "config", "database_url")
def check(resolved: Resolved) -> None:
    """Fail, with exit code 1, unless the database has exactly this version's tables."""
    from eparch.database import migrate

    if problems := migrate.check(resolved.settings.database_url):
        sys.exit("\n".join(problems))
    print("The database has this version's tables.", file=sys.stderr)


@with_settings("home", "config", "database_url")
def compact(resolved: Resolved) -> None:
    """Write a SQLite file anew without the space that was freed in it. No server may run meanwhile.

    Afterwards the file shrinks by itself, a little at a time, when retention has deleted something. The disk needs room
    for a second copy. PostgreSQL needs nothing of the kind: its autovacuum does it.
    """
    from eparch.database.compaction import compact as compact_file
    from eparch.database.engines import parse_url, sqlite_path
    from eparch.database.file_lock import file_lock

    path = sqlite_path(parse_url(resolved.settings.database_url))
    if path is None:
        raise ConfigurationError(
            "Only a SQLite file can be compacted.", hint="PostgreSQL's autovacuum does it; VACUUM FULL does it at once"
        )
    if not path.exists():
        raise ConfigurationError(f"There is no database {path}.", hint="eparch config shows which one is meant")
    with file_lock(path):
        before, after = compact_file(path)
    print(f"{path}: {before:,} bytes before, {after:,} after.", file=sys.stderr)
