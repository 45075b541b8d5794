"""From SQLite to PostgreSQL: every row of every table, checked, or none.

In charge of copying and of proving that the copy is equal; not in charge of making the tables (`migrate`).

All rows travel in one transaction, so a move that fails leaves tables without rows, and can be tried again. Before it
is committed, each table is read back and compared: the number of rows, and the sum of a digest of each, over columns in
one written form. What a column is comes from the metadata, so a new table needs nothing here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import Boolean, Table, func, select
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from eparch.core.errors import ConfigurationError, EparchError
from eparch.core.instants import timestamp_text
from eparch.database.engines import parse_url, reading_engine, sqlite_path, writing_engine
from eparch.database.faults import of_driver, translated
from eparch.database.file_lock import file_lock
from eparch.database.identity import identify, name_of
from eparch.database.migrate import prepare
from eparch.database.tables import METADATA
from eparch.database.types import Timestamp

_ROWS: Final = 1_000
_MODULUS: Final = 1 << 64

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """One table: its name, how many rows it has, and the sum of their digests, the same on both sides."""

    table: str
    rows: int
    checksum: str


@dataclass(slots=True)
class _Sum:
    """The number of rows, and a sum of their digests that does not depend on their order."""

    rows: int = 0
    digests: int = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        digest = blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.digests = (self.digests + int.from_bytes(digest)) % _MODULUS


def move(source_url: str, target_url: str, *, tell: Callable[[Moved], None] = lambda _moved: None) -> list[Moved]:
    """Copy all rows of a SQLite database, which no server may use, into an empty PostgreSQL database.

    Args:
        tell: called for each table that was copied and compared; nothing is committed before the last.
    Returns:
        What was moved, table by table.
    Raises:
        ConfigurationError: the databases are not of these kinds or of this version, or the target is not empty.
        EparchError: the databases cannot be read or written, or the copy differs from what was copied.
    """
    source, target = parse_url(source_url), parse_url(target_url)
    path = sqlite_path(source)
    if path is None or sqlite_path(target) is not None:
        raise ConfigurationError(
            f"A move goes from SQLite to PostgreSQL, not from {name_of(source)} to {name_of(target)}.",
            hint="eparch db move postgresql://user:password@host:5432/database",
        )
    with file_lock(path):
        identify(source).refuse_other_version()
        identify(target).refuse_unusable()
        prepare(target_url)
        reading, writing = reading_engine(source), writing_engine(target)
        try:
            with reading.begin() as old, writing.begin() as new:
                _refuse_rows(new, target)
                moved = [_move(old, new, table, tell) for table in METADATA.sorted_tables]
            with writing.connect() as connection:
                connection.exec_driver_sql("COMMIT; ANALYZE")
        except DBAPIError as error:
            raise translated(error) from error
        finally:
            reading.dispose()
            writing.dispose()
    return moved


def _refuse_rows(new: Connection, target: URL) -> None:
    # Nobody writes between this look and the commit.
    for table in METADATA.sorted_tables:
        new.exec_driver_sql(f'LOCK TABLE "{table.name}" IN EXCLUSIVE MODE')
        if count := new.scalar(select(func.count()).select_from(table)):
            raise ConfigurationError(
                f"The database {name_of(target)} is not empty: {table.name} has {count} rows.",
                hint="name an empty database; a server that was started on it has made a tenant there",
            )


def _move(old: Connection, new: Connection, table: Table, tell: Callable[[Moved], None]) -> Moved:
    source, copy = _Sum(), _Sum()
    try:
        _write(new, table, _counted(_read_sqlite(old, table), source))
    except UnicodeError as error:
        raise EparchError(f"A text in the table {table.name} cannot be stored in PostgreSQL: {error}.") from error
    for row in _read_postgresql(new, table):
        copy.add(row)
    if source != copy:
        raise EparchError(
            f"The copy of the table {table.name} is not equal: {copy.rows} of {source.rows} rows, or others.",
            hint="nothing was committed; please report it",
        )
    moved = Moved(table.name, source.rows, f"{source.digests:016x}")
    tell(moved)
    return moved


def _counted(rows: Iterator[Row], into: _Sum) -> Iterator[Row]:
    for row in rows:
        into.add(row)
        yield row


def _read_sqlite(old: Connection, table: Table) -> Iterator[Row]:
    driver: Any = old.connection.driver_connection
    cursor = driver.execute(f"SELECT {_columns(table)} FROM {table.name}")
    written = [_bool if isinstance(column.type, Boolean) else _as_is for column in table.columns]
    while rows := cursor.fetchmany(_ROWS):
        yield from (tuple(write(cell) for write, cell in zip(written, row, strict=True)) for row in rows)


def _read_postgresql(new: Connection, table: Table) -> Iterator[Row]:
    import psycopg  # an extra: installed where PostgreSQL is used

    driver: Any = new.connection.driver_connection
    written = [_instant if isinstance(column.type, Timestamp) else _id_or_value for column in table.columns]
    with psycopg.ServerCursor(driver, "moved") as cursor:
        cursor.itersize = _ROWS
        cursor.execute(f"SELECT {_columns(table)} FROM {table.name}".encode())
        for row in cursor:
            yield tuple(write(cell) for write, cell in zip(written, row, strict=True))


def _write(new: Connection, table: Table, rows: Iterator[Row]) -> None:
    import psycopg  # as above

    driver: Any = new.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({_columns(table)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:
        raise _named(error, table) from error


def _named(error: Exception, table: Table) -> EparchError:
    told = of_driver(error)
    return type(told)(f"The table {table.name} cannot be copied. {told.message}", hint=told.hint)


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def _as_is(cell: Any) -> Any:
    return cell


def _bool(cell: Any) -> Any:
    return None if cell is None else bool(cell)


def _instant(cell: datetime | None) -> str | None:
    return None if cell is None else timestamp_text(cell.astimezone(UTC))


def _id_or_value(cell: Any) -> Any:
    # Ids come as UUID objects from this driver; documents as the text they were written as (`engines`).
    return str(cell) if type(cell).__name__ == "UUID" else cell
