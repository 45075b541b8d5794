"""In charge of `eparch db size`, `backup` and `move`; not in charge of what they do (`eparch.database`)."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from eparch.cli.flags import with_settings
from eparch.cli.output import Column, Output, print_rows
from eparch.server.settings import Resolved

if TYPE_CHECKING:
    from eparch.database.move import Moved


@with_settings("home", "config", "database_url")
def size(resolved: Resolved, *, output: Output = "table") -> None:
    """Print how large each table is, how fast it grows, and what retention would free now.

    Nothing is deleted: this is also the dry run of the rules of retention. It counts every row, which takes seconds
    where there are millions. Growth is the mean of the last seven days.
    """
    from eparch.database.engines import parse_url, reading_engine
    from eparch.database.identity import identify
    from eparch.database.sizes import table_sizes
    from eparch.database.transactions import Transaction
    from eparch.operations.retention_preview import expired_rows

    url = parse_url(resolved.settings.database_url)
    identify(url).refuse_other_version()
    engine, now = reading_engine(url), datetime.now(UTC)
    try:
        with engine.begin() as connection:
            sizes = table_sizes(connection, now)
            expired = expired_rows(Transaction(connection), now)
    finally:
        engine.dispose()
    rows = [
        {
            "table": one.name,
            "rows": one.rows,
            "bytes": one.size_bytes,
            "rows_per_day": round(one.rows_per_day, 1),
            "bytes_per_day": round(one.bytes_per_day),
            "expired_rows": expired.get(one.name, 0),
            "expired_bytes": round(expired.get(one.name, 0) * one.bytes_per_row),
        }
        for one in sizes
    ]
    if output == "table":
        rows.append(
            {"table": "all", **{key: sum(row[key] for row in rows) for key in rows[0] if key != "table"}}  # type: ignore[misc]
        )
    print_rows(rows, _COLUMNS, output, nothing="There are no tables.")


@with_settings("home", "config", "database_url")
def backup(resolved: Resolved, file: Annotated[Path, Parameter(help="The file to write; it must not exist.")]) -> None:
    """Write a copy of a SQLite database to a file, also while a server uses it.

    The copy is of one moment, is checked before it gets its name, and is for its owner alone. The key file of secrets
    is not in it: keep a copy of that elsewhere. PostgreSQL has pg_dump for this.
    """
    from eparch.database.backup import back_up

    made = back_up(resolved.settings.database_url, file.absolute())
    print(f"{file}: {made.size_bytes:,} bytes, revision {made.revision}.", file=sys.stderr)


@with_settings("home", "config", "database_url")
def move(
    resolved: Resolved, target: Annotated[str, Parameter(help="Address of an empty PostgreSQL database.")]
) -> None:
    """Copy a SQLite database to PostgreSQL: every row of every table, compared before anything is committed.

    No server may run on either. Afterwards start the server with the address of the target; the SQLite file stays as it
    is. The key file of secrets stays where it is and is needed as before.
    """
    from eparch.database.move import move as move_database

    def tell(moved: "Moved") -> None:
        print(f"{moved.table:<24}{moved.rows:>12,} rows  {moved.checksum}")

    tables = move_database(resolved.settings.database_url, target, tell=tell)
    print(f"Moved {sum(one.rows for one in tables):,} rows of {len(tables)} tables; all are equal.", file=sys.stderr)


def _readable(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


_COLUMNS = (
    Column("TABLE", lambda row: row["table"], is_whole=True),
    Column("ROWS", lambda row: f"{row['rows']:,}", is_whole=True),
    Column("SIZE", lambda row: _readable(row["bytes"]), is_whole=True),
    Column("ROWS/DAY", lambda row: f"{row['rows_per_day']:,}", is_whole=True),
    Column("GROWTH/DAY", lambda row: _readable(row["bytes_per_day"]), is_whole=True),
    Column("WOULD GO", lambda row: f"{row['expired_rows']:,}", is_whole=True),
    Column("WOULD FREE", lambda row: _readable(row["expired_bytes"]), is_whole=True),
)
