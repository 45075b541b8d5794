"""In charge of `eparch secret` and keys; not in charge of keys themselves (`eparch.server.keys`)."""

import sys
import time
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from eparch.cli.flags import with_settings
from eparch.core.errors import ConfigurationError
from eparch.server.settings import Resolved, Settings

_SETTINGS: Final = ("home", "config", "database_url", "encryption_keys_file")
# A server that has read the file just before it changed may still be writing.
_SETTLE_S: Final = 60.0


@with_settings(*_SETTINGS)
def keys(resolved: Resolved) -> None:
    """Print the id of each key, what it is for, and how many secrets it encrypts. A server may run meanwhile.

    The first key encrypts; the others only decrypt. "missing" are keys that secrets in the database need and that are
    not here.
    """
    from eparch.server.keys import read_keys

    known, counts = read_keys(resolved.settings).ids, _secrets_by_key(resolved.settings)
    for index, key_id in enumerate(known):
        print(f"{key_id}  {'decrypts' if index else 'encrypts'}  {counts.get(key_id, 0)}")
    missing = [key_id for key_id in counts if key_id not in known]
    for key_id in missing:
        print(f"{key_id}  missing   {counts[key_id]}")


@with_settings(*_SETTINGS)
def rotate_key(resolved: Resolved) -> None:
    """Put a new key in front of the ones there are. Running servers use it at once.

    They also encrypt all secrets anew with it, within secret_keeper_interval_s. The old keys stay, so that nothing
    becomes unreadable: see eparch secret forget-key.
    """
    from eparch.operations.sealing import Key
    from eparch.server.keys import changing, read_file, write_file

    path = _file(resolved.settings)
    with changing(path):
        before = read_file(path).keys
        if not before:
            raise ConfigurationError(f"There is no file {path}.", hint="start the server once, which makes it")
        new = Key.new()
        write_file(path, [new, *before])
    print(new.id)
    print(f"The key {new.id} encrypts from now on. Copy {path} to where you keep a copy of it.", file=sys.stderr)


@with_settings(*_SETTINGS)
def forget_key(resolved: Resolved, key_id: Annotated[str, Parameter(help="The id of the key.")], /) -> None:
    """Remove a key from the file, once no secret needs it: eparch secret keys shows whether.

    Backups of the database that are older than the change of keys can then only be read with a copy of the key.
    """
    from eparch.server.keys import changing, read_file, write_file

    path = _file(resolved.settings)
    with changing(path):
        known = read_file(path).keys
        ids = [key.id for key in known]
        if key_id not in ids:
            raise ConfigurationError(
                f"There is no key {key_id} in {path}.", hint=f"there are: {', '.join(ids) or 'none'}"
            )
        if key_id == ids[0]:
            raise ConfigurationError(
                f"The key {key_id} is the one that encrypts.", hint="first: eparch secret rotate-key"
            )
        if used := _secrets_by_key(resolved.settings).get(key_id, 0):
            raise ConfigurationError(
                f"The key {key_id} still encrypts {used} secrets.",
                hint="a running server encrypts them anew within secret_keeper_interval_s; its log says what is wrong",
            )
        # By the clock that set the time of the file.
        if (left_s := _SETTLE_S - (time.time() - path.stat().st_mtime)) > 0:
            raise ConfigurationError(
                f"The keys have changed less than {_SETTLE_S:.0f} s ago; a server may still be using the old one.",
                hint=f"try again in {left_s:.0f} s",
            )
        write_file(path, [key for key in known if key.id != key_id])


def _file(settings: Settings) -> Path:
    from eparch.server.keys import is_file

    if not is_file(settings):
        raise ConfigurationError(
            "The keys do not come from a file, so this command cannot change them.",
            hint="put the new key first in encryption_keys, or let encryption_keys_command print it first; "
            "keep the old ones behind it",
        )
    return settings.encryption_keys_file


def _secrets_by_key(settings: Settings) -> dict[str, int]:
    from eparch.database import migrate
    from eparch.database.engines import parse_url, reading_engine
    from eparch.database.migrations import REVISIONS
    from eparch.database.transactions import Transaction
    from eparch.operations.secrets import secrets_by_key

    if (found := migrate.current(settings.database_url)) != REVISIONS[-1]:
        raise ConfigurationError(
            f"The database is at revision {found or 'none'}, and this version needs {REVISIONS[-1]}.",
            hint="run: eparch db upgrade",
        )
    engine = reading_engine(parse_url(settings.database_url))
    try:
        with engine.connect() as connection:
            return secrets_by_key(Transaction(connection))
    finally:
        engine.dispose()
