"""In charge of `eparch db`; not in charge of migrations (`eparch.database.migrate`)."""

import sys

from eparch.cli.flags import with_settings
from eparch.cli.home import make_home
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
