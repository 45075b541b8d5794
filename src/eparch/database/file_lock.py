"""One server for each SQLite file, settled by the operating system.

In charge of the lock file beside a database; not in charge of SQLite's own locks, which guard single transactions and
let a second server in.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eparch.core.errors import ConfigurationError
from eparch.database.sqlite_file import make_folder, refusal


@contextmanager
def file_lock(database: Path | None) -> Iterator[None]:
    """Hold the right to serve or to migrate a SQLite file; the end of the process, however it ends, gives it back.

    The lock file `<file>.lock` stays: removing it would let two servers lock two files of the same name. It holds the
    process id of its last holder.

    Args:
        database: the SQLite file, whose folder is made if there is none; None for PostgreSQL, which servers share.
    Raises:
        ConfigurationError: another process holds it, or the lock file cannot be written.
        Unavailable: the disk is full.
    """
    if database is None:
        yield
        return
    make_folder(database)
    lock = _locked(database, database.with_name(f"{database.name}.lock"))
    try:
        yield
    finally:
        os.close(lock)


def _locked(database: Path, path: Path) -> int:
    try:
        # Python's descriptors are not inherited: what the server starts does not keep the lock when it has ended.
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise refusal(error, f"The lock file {path} cannot be opened") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(lock, 0)
        os.write(lock, b"%d\n" % os.getpid())
    except BlockingIOError:
        holder = os.read(lock, 20).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise ConfigurationError(
            f"Another Eparch process, {holder}, uses the database {database}.",
            hint="stop it, or give this one another --database-url; several servers can share a PostgreSQL database",
        ) from None
    except OSError as error:
        os.close(lock)
        raise refusal(error, f"The lock file {path} cannot be locked") from error
    return lock
