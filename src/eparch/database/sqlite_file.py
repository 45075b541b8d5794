"""The file of a SQLite database, before SQLite opens it.

In charge of making it and its folder, and of refusing what could be read but not written; not in charge of who may use
it at one time (`file_lock`) nor of what is in it (`identity`).
"""

import os
from pathlib import Path

from eparch.core.errors import ConfigurationError, EparchError
from eparch.database.faults import disk_full, is_disk_full


def make_folder(database: Path) -> None:
    """Make the folder of a database, for its owner alone, if there is none.

    Raises:
        ConfigurationError: it cannot be made.
        Unavailable: the disk is full.
    """
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(error, f"The folder {database.parent} cannot be made") from error


def make_file(database: Path) -> None:
    """Make an empty database, for its owner alone, if there is none. SQLite gives its companions the same permissions.

    Raises:
        ConfigurationError: it cannot be made.
        Unavailable: the disk is full.
    """
    make_folder(database)
    try:
        os.close(os.open(database, os.O_CREAT | os.O_RDONLY, 0o600))
    except OSError as error:
        raise refusal(error, f"The database file {database} cannot be opened") from error


def refuse_unwritable(database: Path) -> None:
    """Refuse a file that a server could read but not write.

    Raises:
        ConfigurationError: the file or its folder cannot be written.
    """
    # SQLite makes the write-ahead log beside the file, so the folder counts as much as the file.
    for path in (database.parent, database):
        if not os.access(path, os.W_OK):
            raise ConfigurationError(
                f"{'The folder' if path != database else 'The file'} {path} cannot be written.", hint=_HINT
            )


def refusal(error: OSError, what: str) -> EparchError:
    """Return what to tell a user whose operating system does not let us do `what`."""
    return disk_full() if is_disk_full(error) else ConfigurationError(f"{what}: {error.strerror or error}.", hint=_HINT)


_HINT = "check its owner, its permissions and its disk, or choose another place with --database-url"
