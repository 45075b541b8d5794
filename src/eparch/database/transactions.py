"""What an operation sees of the database: one open transaction.

In charge of running statements and of noting which tables they change; not in charge of beginning and committing
(`writer`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CursorResult, Delete, Executable, Insert, Row, Table, Update
from sqlalchemy.engine import Connection


class Transaction:
    """An open transaction.

    Attributes:
        connection: the SQLAlchemy connection; prefer the methods below, which note what is changed.
        is_postgresql: which of the two databases it is.
        touched: names of the tables that have been written to. Subscriptions and waiting agents are woken by them.
    """

    __slots__ = ("connection", "is_postgresql", "touched")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.is_postgresql = connection.dialect.name == "postgresql"
        self.touched: set[str] = set()

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Run a statement."""
        if isinstance(statement, Insert | Update | Delete):
            assert isinstance(statement.table, Table)
            self.touched.add(statement.table.name)
        return self.connection.execute(statement, parameters or {})

    def rows(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return all rows of a query."""
        return self.connection.execute(statement, parameters or {}).all()

    def row(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """Return the first row of a query, None where there is none."""
        return self.connection.execute(statement, parameters or {}).first()

    def scalar(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the first cell of the first row of a query, None where there is none."""
        return self.connection.execute(statement, parameters or {}).scalar()
