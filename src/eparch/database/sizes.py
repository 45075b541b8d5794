"""How large the database is, table by table, and how fast it grows.

In charge of rows and bytes as the database knows them; not in charge of what could go (`operations.retention`).

Growth is what was made in the last days: ids hold the time at which they were made, so that an index answers. Log lines
have no index of that kind; those of recent flow runs are counted for them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, Table, func, select
from sqlalchemy.engine import Connection

from eparch.core.ids import uuid7
from eparch.database.tables import METADATA

GROWTH_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table.

    Attributes:
        size_bytes: with its indexes.
        rows_per_day: mean of the last `GROWTH_DAYS`.
    """

    name: str
    rows: int
    size_bytes: int
    rows_per_day: float

    @property
    def bytes_per_row(self) -> float:
        return self.size_bytes / self.rows if self.rows else 0.0

    @property
    def bytes_per_day(self) -> float:
        return self.rows_per_day * self.bytes_per_row


def table_sizes(connection: Connection, now: datetime) -> list[TableSize]:
    """Return all tables, the largest first. It reads every page of a SQLite file and counts every row."""
    sizes = _sqlite_bytes(connection) if connection.dialect.name == "sqlite" else _postgresql_bytes(connection)
    found = [
        TableSize(
            table.name,
            connection.scalar(select(func.count()).select_from(table)) or 0,
            sizes.get(table.name, 0),
            _made_since(connection, table, now - timedelta(days=GROWTH_DAYS)) / GROWTH_DAYS,
        )
        for table in METADATA.sorted_tables
    ]
    return sorted(found, key=lambda size: (-size.size_bytes, size.name))


def _made_since(connection: Connection, table: Table, since: datetime) -> int:
    column = _timed_id(table)
    if column is None:
        return 0
    first = uuid7(int(since.timestamp() * 1000), 0)
    return connection.scalar(select(func.count()).select_from(table).where(column >= first)) or 0


def _timed_id(table: Table) -> "Column[str] | None":
    """Return an indexed column with ids made at about the same time as the row."""
    if "id" in table.primary_key.columns:
        return table.c.id
    for name in ("flow_run_id", "task_run_id"):
        if name in table.c:
            return table.c[name]
    return None


def _sqlite_bytes(connection: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.exec_driver_sql(_SQLITE_BYTES)}


def _postgresql_bytes(connection: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.exec_driver_sql(_POSTGRESQL_BYTES)}


_SQLITE_BYTES: Final = """
SELECT m.tbl_name, sum(s.pgsize) FROM dbstat AS s JOIN sqlite_master AS m ON m.name = s.name
WHERE s.aggregate = TRUE GROUP BY m.tbl_name
"""
_POSTGRESQL_BYTES: Final = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid)
"""
