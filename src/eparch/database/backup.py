"""A copy of a SQLite database, made while a server writes to it.

In charge of one file that is whole, checked and nobody else's to read; not in charge of restoring, which is copying it
back (docs/operations.md), nor of PostgreSQL, which has `pg_dump`.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from eparch.core.errors import ConfigurationError, EparchError
from eparch.database.engines import parse_url, sqlite_path
from eparch.database.faults import of_driver
from eparch.database.identity import identify
from eparch.database.sqlite_file import refusal


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made: its size and the revision of its tables."""

    size_bytes: int
    revision: str | None


def back_up(database_url: str, target: Path) -> Backup:
    """Write what the database holds at this moment to `target`, which must not exist.

    The copy is made by SQLite from one snapshot, checked page by page, and only then given its name: a file of that
    name is a whole backup. Writers go on meanwhile.

    Raises:
        ConfigurationError: the database is no SQLite file, or is not Eparch's; `target` exists or cannot be made.
        EparchError: the database could not be read, or the copy is damaged.
        Unavailable: the disk is full.
    """
    url = parse_url(database_url)
    source = sqlite_path(url)
    if source is None:
        raise ConfigurationError(
            "Only a SQLite database is backed up by Eparch itself.",
            hint='for PostgreSQL: pg_dump --format=custom --file=FILE "$DATABASE_URL"',
        )
    if not source.exists():
        raise ConfigurationError(f"There is no database {source}.", hint="eparch config shows which one is meant")
    identity = identify(url)
    identity.refuse_unusable()
    _refuse_existing(target)
    with _draft_of(target) as draft:
        try:
            _copy(source, draft)
            _check(draft)
        except sqlite3.Error as error:
            raise of_driver(error) from error
        return Backup(draft.stat().st_size, identity.revision)


def _copy(source: Path, draft: Path) -> None:
    with closing(sqlite3.connect(source, timeout=10)) as reading, closing(sqlite3.connect(draft)) as writing:
        reading.execute("PRAGMA query_only = ON")
        # All pages in one step: one snapshot. In smaller steps each write of a server would begin the copy anew.
        reading.backup(writing, pages=-1)
        # One file, without the companions of a write-ahead log.
        writing.execute("PRAGMA journal_mode = DELETE")


def _check(draft: Path) -> None:
    with closing(sqlite3.connect(draft)) as connection:
        problems = [line for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
        problems += [f"a row of {row[0]} refers to nothing" for row in connection.execute("PRAGMA foreign_key_check")]
    if problems:
        raise EparchError(
            f"The copy is damaged, and so is the database: {problems[0]}.",
            hint="run eparch db check; keep older backups",
        )


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise ConfigurationError(f"{target} exists already.", hint="choose another name; a backup overwrites nothing")


@contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """Give an empty file beside `target`, for its owner alone; it gets that name at the end, or is removed."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise refusal(error, f"The backup {target} cannot be written") from error
    try:
        yield draft
        _sync(draft)
        # A link fails where the name has been taken meanwhile; a rename would take it away from its owner.
        os.link(draft, target)
        _sync(target.parent)
    except FileExistsError:
        _refuse_existing(target)
        raise
    except OSError as error:
        raise refusal(error, f"The backup {target} cannot be written") from error
    finally:
        for leftover in (draft, draft.with_name(f"{draft.name}-journal")):
            with suppress(FileNotFoundError):
                leftover.unlink()


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
