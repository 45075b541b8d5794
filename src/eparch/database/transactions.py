"""What an operation sees of the database: one open transaction.

In charge of running statements and of noting which tables they change; not in charge of beginning and committing
(`writer`).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import CursorResult, Delete, Executable, Insert, Row, Table, Update
from sqlalchemy.engine import Connection

from eparch.database.figures import Notes


class Transaction:
    """An open transaction.

    Attributes:
        connection: the SQLAlchemy connection; prefer the methods below, which note what is changed.
        is_postgresql: which of the two databases it is.
        touched: names of the tables that have been written to, and events that were announced. Subscriptions and
            waiting agents are woken by them.
        notes: what the metrics should know, once it is committed.
    """

    __slots__ = ("connection", "is_postgresql", "notes", "touched")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_postgresql = connection.dialect.name == "postgresql"
        self.touched: set[str] = set()
        self.notes = Notes()

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Run a statement."""
        if isinstance(statement, Insert | Update | Delete):
            assert isinstance(statement.table, Table)
            self.touched |= _reached(statement.table) if isinstance(statement, Delete) else {statement.table.name}
        return self.connection.execute(statement, parameters or {})

    def announce(self, event: str) -> None:
        """Note that something has happened that tables alone do not tell, such as `queue`: a run may be due."""
        self.touched.add(event)

    def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return all rows of a query."""
        return self.connection.execute(statement, parameters or {}).all()

    def row(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """Return the first row of a query, None where there is none."""
        return self.connection.execute(statement, parameters or {}).first()

    def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first cell of the first row of a query, None where there is none."""
        return self.connection.execute(statement, parameters or {}).scalar()


@cache
def _reached(table: Table) -> frozenset[str]:
    """Return the tables that change when rows of `table` are deleted: the foreign keys see to it."""
    reached, waiting = {table.name}, [table]
    while waiting:
        parent = waiting.pop()
        for child in table.metadata.tables.values():
            actions = {key.ondelete for key in child.foreign_keys if key.references(parent)}
            if actions & {"CASCADE", "SET NULL"} and child.name not in reached:
                reached.add(child.name)
                waiting.append(child)
    return frozenset(reached)
