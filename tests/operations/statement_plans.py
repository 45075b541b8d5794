"""In charge of finding out how a database carries out a statement; not in charge of what is right."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, event

from eparch.database.tables import METADATA
from tests.operations.backend import Backend


def plan_of(backend: Backend, statement: Select[Any], bound: Mapping[str, Any]) -> list[str]:
    """Return the steps in which a database would carry out a statement; PostgreSQL avoids reading whole tables."""
    with backend.transaction() as tx:
        if tx.is_postgresql:
            # With few rows it would read the table: what matters is that it need not.
            tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN " if tx.is_postgresql else "EXPLAIN QUERY PLAN "

        @event.listens_for(tx.connection, "before_cursor_execute", retval=True)
        def _explain(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> tuple[str, Any]:
            return explain + text, values

        result = tx.connection.execute(statement, bound)
        assert result.cursor is not None
        return [str(row[-1]) for row in result.cursor.fetchall()]


def tables_read(backend: Backend, statement: Select[Any], bound: Mapping[str, Any]) -> set[str]:
    """Return the tables that are read from their beginning to their end, past any index."""
    steps = [step.strip().removeprefix("->").split() for step in plan_of(backend, statement, bound)]
    if backend.engine.dialect.name == "postgresql":
        return {words[3] for words in steps if words[:3] == ["Seq", "Scan", "on"]}
    return {words[1] for words in steps if words[0] == "SCAN" and "USING" not in words} & set(METADATA.tables)
