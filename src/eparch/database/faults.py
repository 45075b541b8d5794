"""What drivers raise, in our own words.

In charge of translating foreign exceptions, once, at the edge; not in charge of deciding whether to try again.
"""

import re
import sqlite3

from sqlalchemy.exc import DBAPIError

from eparch.core.errors import BadInput, Conflict, EparchError, Unavailable

_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")


def translated(error: DBAPIError | OSError) -> EparchError:
    """Return the error of our catalogue that says what a driver's exception means.

    `Unavailable` means that the same call may succeed later; anything else will fail again.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = _PASSWORD.sub(r"\1***@", str(cause)).strip()
    return _of_sqlite(cause, text) if isinstance(cause, sqlite3.Error) else _of_postgresql(cause, text)


def _of_sqlite(cause: sqlite3.Error, text: str) -> EparchError:
    name = getattr(cause, "sqlite_errorname", "") or ""
    match name.split("_")[1] if "_" in name else "":
        case "CONSTRAINT":
            return _constraint(
                text, is_unique="UNIQUE" in name or "PRIMARYKEY" in name, is_foreign="FOREIGNKEY" in name
            )
        case "FULL":
            return Unavailable("The disk is full; nothing was written.", hint="free some space; no restart is needed")
        case "READONLY" | "PERM":
            return Unavailable(
                "The database file cannot be written.", hint="check the permissions of the file and its folder"
            )
        case "IOERR":
            return Unavailable(
                f"The disk does not answer as it should: {text}", hint="check the disk that holds the database"
            )
        case "BUSY" | "LOCKED":
            return Unavailable("Another process holds the database file.", hint="find it with `fuser` and end it")
        case "CORRUPT" | "NOTADB":
            return EparchError(f"The database file is damaged: {text}", hint="stop the server and restore a backup")
        case "CANTOPEN":
            return Unavailable(
                "The database file cannot be opened.", hint="check that its folder exists and can be written"
            )
        case _ if isinstance(cause, sqlite3.DataError) or name in ("SQLITE_TOOBIG", "SQLITE_MISMATCH"):
            return BadInput(f"A value does not fit the database: {text}")
        case _:
            return EparchError(f"The database refused: {text}")


def _of_postgresql(cause: BaseException | None, text: str) -> EparchError:
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    code = getattr(cause, "sqlstate", None) or ""
    first_line = text.splitlines()[0] if text else type(cause).__name__
    if code.startswith("23"):
        return _constraint(first_line, is_unique=code == "23505", is_foreign=code == "23503")
    if code.startswith("22"):
        return BadInput(f"A value does not fit the database: {first_line}")
    if code == "53100":
        return Unavailable("The database server's disk is full; nothing was written.", hint="free some space there")
    if code in ("40001", "40P01"):
        return Unavailable("Two changes got into each other's way.", hint="try again")
    if not code or code[:2] in ("08", "57", "53", "25", "55"):
        return Unavailable(
            f"The database cannot be used: {first_line}", hint="check that PostgreSQL runs and can be reached"
        )
    return EparchError(f"The database refused: {first_line}")


def _constraint(text: str, *, is_unique: bool, is_foreign: bool) -> EparchError:
    # Prefect's client looks for exactly these words.
    if is_unique:
        return Conflict("Uniqueness violation.", detail={"constraint": text})
    if is_foreign:
        return BadInput("Foreign key violation.", hint="an id in the input names nothing that exists")
    return BadInput(f"The database refused a value: {text}")
