"""Where encryption keys come from: the environment, a command, or a file.

In charge of reading them, of making the file at the first start, and of changing it; not in charge of what they seal
(`operations.sealing`) nor of when they are read anew (`vault`).

The file holds one key a line; what follows `#` is a comment. The first key seals, all of them open.
"""

import fcntl
import os
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eparch.core.errors import ConfigurationError
from eparch.operations.sealing import Key, Keyring
from eparch.server.settings import Settings

_COMMAND_S_MAX: Final = 30.0
_HEAD: Final = """\
# Encryption keys of Eparch, one a line; the first encrypts, all of them decrypt.
# Keep a copy elsewhere, apart from the backups of the database: without it the secrets in it are lost.
"""

Signature = tuple[int, int, int]


def read_keys(settings: Settings) -> Keyring:
    """Return the keys that the settings lead to; none where the file that they lead to does not exist.

    Raises:
        ConfigurationError: a key is none, the command fails, or the file cannot be read or can be read by others.
    """
    if settings.encryption_keys:
        origin = "An entry of encryption_keys"
        return Keyring(
            Key.parse(text.strip(), f"{origin} (number {n})") for n, text in _numbered(settings.encryption_keys)
        )
    if settings.encryption_keys_command:
        return _parsed(_output_of(settings.encryption_keys_command), "the output of encryption_keys_command")
    return read_file(settings.encryption_keys_file)


def is_file(settings: Settings) -> bool:
    """Return whether the keys come from the file."""
    return not settings.encryption_keys and not settings.encryption_keys_command


def signature_of(settings: Settings) -> Signature | None:
    """Return what changes when the file changes; None where there is no file, or the keys come from elsewhere."""
    if not is_file(settings):
        return None
    try:
        found = settings.encryption_keys_file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def read_file(path: Path) -> Keyring:
    """Return the keys of a file; none where it does not exist.

    Raises:
        ConfigurationError: as `read_keys`.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigurationError(
                    f"The file of encryption keys {path} is open to others than its owner: its mode is {mode:04o}.",
                    hint=f"chmod 600 {path}; if others may have read it, change the keys: eparch secret rotate-key",
                )
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return Keyring()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(
            f"The file of encryption keys {path} cannot be read: {reason}.", hint="check its owner and its permissions"
        ) from None
    keyring = _parsed(text, str(path))
    if not keyring.ids:
        raise ConfigurationError(
            f"The file of encryption keys {path} holds no key.",
            hint="restore it from its copy; without the key the secrets in the database are lost",
        )
    return keyring


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Keep others from changing the file at the same time; the end of the process gives the lock back.

    Raises:
        ConfigurationError: its folder does not exist.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise ConfigurationError(
            f"The folder of encryption keys {path.parent} cannot be opened: {error.strerror}.",
            hint="start the server once, which makes it",
        ) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def make_file(path: Path) -> Keyring:
    """Make a file with one new key, for its owner alone; return the keys of the one that is there then.

    Raises:
        ConfigurationError: it cannot be made.
    """
    return _written(path, [Key.new()], replace=False)


def write_file(path: Path, keys: Iterable[Key]) -> Keyring:
    """Put other keys into the file, all at once.

    Raises:
        ConfigurationError: it cannot be written.
    """
    return _written(path, keys, replace=True)


def _written(path: Path, keys: Iterable[Key], *, replace: bool) -> Keyring:
    lines = "".join(f"{key.text()}  # {key.id}\n" for key in keys)
    # Whoever reads the file finds the old one or the new one, never a part; and after a crash it is one of the two.
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # For its owner alone.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        draft = Path(name)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(_HEAD + lines)
                file.flush()
                os.fsync(file.fileno())
            _put(draft, path, replace=replace)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The file of encryption keys {path} cannot be written: {error.strerror}.",
            hint="set encryption_keys_file to a place that the server may write to, or encryption_keys",
        ) from None
    return read_file(path)


def _put(draft: Path, path: Path, *, replace: bool) -> None:
    if replace:
        draft.replace(path)
    else:
        try:
            # Unlike a rename this fails where another server has just made the file: its key is in use already.
            os.link(draft, path)
        except FileExistsError:
            return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parsed(text: str, origin: str) -> Keyring:
    lines = [(number, line.partition("#")[0].strip()) for number, line in _numbered(text.splitlines())]
    return Keyring(Key.parse(line, f"Line {number} of {origin}") for number, line in lines if line)


def _output_of(command: str) -> str:
    # What it says on standard error goes where the server's own goes.
    try:
        done = subprocess.run(  # noqa: S603 - the command is the administrator's own setting
            shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_S_MAX, check=False
        )
        text = done.stdout.decode()
    except subprocess.TimeoutExpired:
        raise _failed(f"it did not end within {_COMMAND_S_MAX:.0f} s") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no command, or what it printed is no text"
        raise _failed(str(reason)) from None
    if done.returncode:
        raise _failed(f"it ended with the code {done.returncode}")
    if not text.strip():
        raise _failed("it printed nothing")
    return text


def _failed(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"The keys cannot be had from encryption_keys_command: {reason}.",
        hint="run it by hand, as the user of the server: it must print one key a line",
    )


def _numbered(items: Iterable[str]) -> Iterable[tuple[int, str]]:
    return enumerate(items, 1)
