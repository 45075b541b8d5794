"""One row in every table of a database, whatever its revision; in charge of making rows up, not of what they mean."""

import warnings
from typing import Any

from sqlalchemy import MetaData, Table, func, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SAWarning

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
INSTANT = "2026-01-31T06:00:00.000000+00:00"


def fill(connection: Connection) -> dict[str, int]:
    """Add one row to every table and return how many each has, by name."""
    tables = _tables(connection)
    for table in tables:
        connection.execute(insert(table).values(_values(table)))
    return counts(connection)


def counts(connection: Connection) -> dict[str, int]:
    """Return the number of rows of every table, by name."""
    return {
        table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in _tables(connection)
    }


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    with warnings.catch_warnings():
        # An index over an expression cannot be reflected on SQLite, and is of no interest here.
        warnings.simplefilter("ignore", SAWarning)
        found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _values(table: Table) -> dict[str, Any]:
    # A column with a default takes one of a few words.
    return {column.name: _value(column) for column in table.columns if column.server_default is None}


def _value(column: Any) -> Any:
    # Every id is the same one, so that every reference leads somewhere.
    kind = str(column.type)
    if kind in ("INTEGER", "BIGINT"):
        return 7
    if column.primary_key or column.foreign_keys or "UUID" in kind or kind == "VARCHAR(36)":
        return ID
    if "TIMESTAMP" in kind or kind == "VARCHAR(32)":
        return INSTANT
    if kind == "BOOLEAN":
        return True
    # Columns that take one of a few words.
    return {"state": "Success", "kind": "logs"}.get(column.name, "{}")
