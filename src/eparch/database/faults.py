"""What drivers raise, in our own words.

In charge of translating foreign exceptions, once, at the edge; not in charge of deciding whether to try again
(`writer`).
"""

import errno
import re
import sqlite3
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError

from eparch.core.errors import BadInput, ConfigurationError, Conflict, EparchError, Unavailable

_PASSWORD: Final = re.compile(r"((?:^|//|\s)[^:/@\s]*:)[^@\s]*@")


def translated(error: DBAPIError | OSError) -> EparchError:
    """Return the error of our catalogue that says what an exception means.

    `Unavailable` means that the same call may succeed later; anything else will fail again.
    """
    if isinstance(error, DataError) and not getattr(error.orig, "sqlstate", None):
        # The driver itself refused a value, before PostgreSQL or SQLite saw it.
        return BadInput(f"A value does not fit the database: {error.orig}.")
    return of_driver(error.orig if isinstance(error, DBAPIError) else error)


def of_driver(cause: BaseException | None) -> EparchError:
    """Do the same for an exception that SQLAlchemy has not wrapped."""
    text = without_password(str(cause)).strip()
    match cause:
        case sqlite3.Error():
            return _of_sqlite(cause, text)
        case OSError():
            return _of_system(cause)
        case _:
            return _of_postgresql(cause, text)


def is_contention(error: DBAPIError) -> bool:
    """Return whether PostgreSQL undid a transaction because of another one: deadlock or serialization failure."""
    return getattr(error.orig, "sqlstate", None) in ("40P01", "40001")


def is_disk_full(error: OSError) -> bool:
    """Return whether there is no space left, on the disk or for this user."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_full() -> Unavailable:
    """Return the error for a full disk."""
    return Unavailable("The disk is full; nothing was written.", hint="free some space; no restart is needed")


def without_password(text: str) -> str:
    """Return a text in which the passwords of addresses are masked."""
    return _PASSWORD.sub(r"\1***@", text)


def _of_sqlite(cause: sqlite3.Error, text: str) -> EparchError:
    name = getattr(cause, "sqlite_errorname", "") or ""
    match name.split("_")[1] if "_" in name else "":
        case "CONSTRAINT":
            return _constraint(
                text, is_unique="UNIQUE" in name or "PRIMARYKEY" in name, is_foreign="FOREIGNKEY" in name
            )
        case "FULL":
            return disk_full()
        case "READONLY" | "PERM":
            return Unavailable(
                "The database file cannot be written.", hint="check the permissions of the file and its folder"
            )
        case "IOERR":
            return Unavailable(
                f"The disk does not answer as it should: {text} ({name}).",
                hint="check the disk that holds the database",
            )
        case "BUSY" | "LOCKED":
            return Unavailable("Another process holds the database file.", hint="find it with `fuser` and end it")
        case "CORRUPT" | "NOTADB":
            return EparchError(f"The database file is damaged: {text}.", hint="stop the server and restore a backup")
        case "CANTOPEN":
            return Unavailable(
                "The database file cannot be opened.", hint="check that its folder exists and can be written"
            )
        case _ if isinstance(cause, sqlite3.DataError) or name in ("SQLITE_TOOBIG", "SQLITE_MISMATCH"):
            return BadInput(f"A value does not fit the database: {text}.")
        case _:
            return EparchError(f"The database refused: {text}.")


def _of_system(cause: OSError) -> EparchError:
    if is_disk_full(cause):
        return disk_full()
    return Unavailable(f"The operating system refused: {cause.strerror or cause}.")


# PostgreSQL gives no code while a connection is made, so its words must do: case, and what they are matched with.
_REFUSED: Final = re.compile(r"password authentication failed|no password supplied|role .* does not exist|pg_hba\.conf")
_NO_DATABASE: Final = re.compile(r"database .* does not exist")
_FULL: Final = re.compile(r"too many (clients|connections)|remaining connection slots")


def _of_postgresql(cause: BaseException | None, text: str) -> EparchError:
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    code = getattr(cause, "sqlstate", None) or ""
    first_line = text.splitlines()[0].removeprefix("connection failed: ") if text else type(cause).__name__
    match code[:2]:
        case "23":
            return _constraint(first_line, is_unique=code == "23505", is_foreign=code == "23503")
        case "22" | "54":
            return BadInput(f"A value does not fit the database: {first_line}")
        case "40":
            return Unavailable("Two changes got into each other's way.", hint="try again")
        case "28" | "3D" | "53" | "57" | "08" | "" | "25" | "55":
            return _of_unusable_postgresql(code, first_line)
        case _ if code == "42501":
            return ConfigurationError(
                f"PostgreSQL does not allow what Eparch needs: {first_line}",
                hint="let its user own the database or the schema: GRANT CREATE, USAGE ON SCHEMA public TO ...",
            )
        case _:
            return EparchError(f"The database refused: {first_line}")


def _of_unusable_postgresql(code: str, first_line: str) -> EparchError:
    if code.startswith("28") or (not code and _REFUSED.search(first_line)):
        return ConfigurationError(
            f"PostgreSQL refuses the connection: {first_line}",
            hint="check the user and the password in the database's address",
        )
    if code == "3D000" or (not code and _NO_DATABASE.search(first_line)):
        return ConfigurationError(
            f"PostgreSQL has no such database: {first_line}", hint="make it with createdb, or correct the address"
        )
    if code == "53300" or (not code and _FULL.search(first_line)):
        return Unavailable(
            f"PostgreSQL has no connection left: {first_line}",
            hint="raise max_connections there, or lower --readers and --writers here",
        )
    match code:
        case "53100":
            return Unavailable("The database server's disk is full; nothing was written.", hint="free some space there")
        case "25006":
            return Unavailable("PostgreSQL takes no writes: it is a standby or set to read only.")
        case "55P03":
            return Unavailable(
                "Another session locks what this change needs.", hint="look for it in pg_stat_activity and pg_locks"
            )
        case "57014":
            return Unavailable(f"PostgreSQL gave up a statement: {first_line}", hint="look at statement_timeout")
        case _:
            return Unavailable(
                f"PostgreSQL cannot be used: {first_line}",
                hint="check that it runs and can be reached; no restart of Eparch is needed",
            )


def _constraint(text: str, *, is_unique: bool, is_foreign: bool) -> EparchError:
    # Prefect's client looks for exactly these words.
    if is_unique:
        hint = "there is one with the same name already; choose another name, or use the one that is there"
        return Conflict("Uniqueness violation.", hint=hint, detail={"constraint": text})
    if is_foreign:
        return BadInput("Foreign key violation.", hint="an id in the input names nothing that exists")
    return BadInput(f"The database refused a value: {text}")
