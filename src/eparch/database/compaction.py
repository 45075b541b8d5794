"""Giving space that was freed back to the operating system.

In charge of what SQLite needs for that; not in charge of deleting. PostgreSQL's own autovacuum makes freed space usable
again and gives back what is at the end of a table (docs/decisions/0005).

SQLite keeps freed pages for later. Where a file was made with `auto_vacuum = INCREMENTAL`, pages of its end can be
moved into them, a few at a time, and the file cut. Files of older versions are made so by `eparch db compact`.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import URL

from eparch.database.engines import writing_engine
from eparch.database.faults import of_driver
from eparch.database.transactions import Transaction

_INCREMENTAL: Final = 2


def free_pages(tx: Transaction) -> int:
    """Return how many pages `give_back_space` could give back."""
    can_shrink = not tx.is_postgresql and _pragma(tx, "auto_vacuum") == _INCREMENTAL
    return _pragma(tx, "freelist_count") if can_shrink else 0


def give_back_space(tx: Transaction, *, pages_max: int) -> int:
    """Cut a SQLite file by up to `pages_max` free pages; return by how many bytes. 0 where there is nothing to do."""
    if not free_pages(tx):
        return 0
    before = _pragma(tx, "page_count")
    # Each step of this statement moves one page, so it must be followed to its end; the driver's own cursor does that.
    driver: Any = tx.connection.connection.driver_connection
    driver.execute(f"PRAGMA incremental_vacuum({pages_max})").fetchall()
    return (before - _pragma(tx, "page_count")) * _pragma(tx, "page_size")


def compact(path: Path) -> tuple[int, int]:
    """Write a SQLite file anew without free pages, and so that its pages can be given back from now on.

    Nobody else may use it meanwhile, and the disk must have room for a second copy. Returns its size before and after.

    Raises:
        EparchError: it cannot be done.
    """
    before = path.stat().st_size
    engine = writing_engine(URL.create("sqlite", database=str(path)))
    try:
        connection: Any = engine.raw_connection()
        try:
            # The driver's own connection: SQLite refuses this within a transaction.
            connection.driver_connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.driver_connection.execute("VACUUM")
            connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise of_driver(error) from error
    finally:
        engine.dispose()
    return before, path.stat().st_size


def _pragma(tx: Transaction, name: str) -> int:
    value: int = tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
    return value
