"""Many rows in one statement: insert them, change them, or look them up.

In charge of the fastest way to hand a list of rows to each database; not in charge of what is in them.

The two differ, and measurement says how. PostgreSQL wants one statement for all rows: they travel as one JSON text and
`json_to_recordset` makes rows of it. SQLite is a library in our own process, where the same prepared statement run
once for each row costs a few microseconds and unpacking JSON costs more, so it gets `executemany`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Boolean, ColumnElement, Table, TableValuedAlias, Text, bindparam, column
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeEngine

from eparch.core.instants import timestamp_text
from eparch.database.transactions import Transaction
from eparch.database.types import Json, Timestamp, encode_json

Rows = Sequence[Mapping[str, Any]]

# Columns by name and by their place in a row.
_Cells: TypeAlias = tuple[tuple[str, int], ...]

_POSTGRESQL: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(tx: Transaction, table: Table, rows: Rows, *, on_conflict: str = "") -> int:
    """Insert rows that all have the same keys; return how many were inserted.

    Args:
        rows: column name to Python value; a `msgspec.Raw` in a Json column is taken as ready text.
        on_conflict: SQL that follows the rows, such as `ON CONFLICT DO NOTHING`.
    """
    if not rows:
        return 0
    tx.touched.add(table.name)
    return _run(tx, table, _insert_text(tx.is_postgresql, table, tuple(rows[0]), on_conflict), rows)


def update_rows(tx: Transaction, table: Table, rows: Rows, *, key: str = "id") -> int:
    """Set, for each of `rows`, its columns in the row of `table` with the same `key`; return how many were changed."""
    if not rows:
        return 0
    tx.touched.add(table.name)
    return _run(tx, table, _update_text(tx.is_postgresql, table, tuple(rows[0]), key), rows)


class _OneOf(FunctionElement[bool]):
    """`column IN (the items of a JSON text)`."""

    type = Boolean()
    inherit_cache = True
    # Or SQLAlchemy writes `= 1` behind it for SQLite, which then reads the whole table instead of the index.
    _is_implicitly_boolean = True


def is_one_of(column: ColumnElement[Any], bind: str) -> ColumnElement[bool]:
    """Return the condition that `column` is in the list that is bound, as `listed` gives it, to `bind`.

    One statement text serves lists of any length, so that it is compiled and planned once.
    """
    return _OneOf(column, bindparam(bind, type_=Text()))


class _Holds(FunctionElement[bool]):
    """A list of texts, kept as JSON, has an item."""

    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True


def holds(items: ColumnElement[Any], item: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that `items`, a column with a JSON list of texts, has `item` among them."""
    return _Holds(items, item)


@compiles(_Holds, "sqlite")
def _holds_sqlite(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    items, item = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({item} IN (SELECT value FROM json_each({items})))"


@compiles(_Holds, "postgresql")
def _holds_postgresql(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    items, item = (compiler.process(clause, **options) for clause in element.clauses)
    return f"jsonb_exists(CAST({items} AS jsonb), {item})"


class _HasAny(FunctionElement[bool]):
    """A list of texts, kept as JSON, has one of several items."""

    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True


def has_any(items: ColumnElement[Any], bind: str) -> ColumnElement[bool]:
    """Return the condition that `items`, a column with a JSON list of texts, shares one with the list that is bound."""
    return _HasAny(items, bindparam(bind, type_=Text()))


@compiles(_HasAny, "sqlite")
def _has_any_sqlite(element: _HasAny, compiler: SQLCompiler, **options: Any) -> str:
    items, others = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({items}) WHERE value IN (SELECT value FROM json_each({others})))"


@compiles(_HasAny, "postgresql")
def _has_any_postgresql(element: _HasAny, compiler: SQLCompiler, **options: Any) -> str:
    items, others = (compiler.process(clause, **options) for clause in element.clauses)
    listed_others = f"ARRAY(SELECT json_array_elements_text(CAST({others} AS json)))"
    return f"jsonb_exists_any(CAST({items} AS jsonb), {listed_others})"


def listed(values: Iterable[object]) -> str:
    """Return a list as `is_one_of` wants it bound."""
    return encode_json(list(values))


class _Records(FunctionElement[Any]):
    """The rows of a JSON text: a list of objects with the keys of `columns`."""

    inherit_cache = True
    # What the text of the statement depends on is part of the key under which it is kept compiled.
    _traverse_internals = [*FunctionElement._traverse_internals, ("signature", InternalTraversal.dp_string)]  # noqa: RUF012

    def __init__(self, bind: str, columns: Mapping[str, TypeEngine[Any]]) -> None:
        super().__init__(bindparam(bind, type_=Text()))
        self.names = tuple(columns)
        self.signature = ", ".join(f"{name} {_type_name(kind)}" for name, kind in columns.items())


def records(bind: str, **columns: TypeEngine[Any]) -> TableValuedAlias:
    """Return a table to join with: its rows are bound, as `listed` gives a list of objects, to `bind`."""
    named = [column(name, column_type) for name, column_type in columns.items()]
    return _Records(bind, columns).table_valued(*named, name=bind)


@compiles(_Records, "sqlite")
def _records_sqlite(element: _Records, compiler: SQLCompiler, **options: Any) -> str:
    # `->>` gives text and numbers as they are; JSON's null becomes NULL.
    columns = ", ".join(f"value ->> '$.{name}' AS {name}" for name in element.names)
    (rows,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(SELECT {columns} FROM json_each({rows}))"


@compiles(_Records, "postgresql")
def _records_postgresql(element: _Records, compiler: SQLCompiler, **options: Any) -> str:
    (rows,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(SELECT * FROM json_to_recordset(CAST({rows} AS json)) AS r({element.signature}))"


@compiles(_OneOf, "sqlite")
def _one_of_sqlite(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(_OneOf, "postgresql")
def _one_of_postgresql(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    type_name = _type_name(column.type).split(" COLLATE ")[0]
    # Not `= ANY (array)`: on a table that looks small PostgreSQL would compare every row with every item, and a table
    # that has just grown looks small until it is analysed. A sub-select is hashed, or drives the index.
    items = f"json_array_elements_text(CAST({compiler.process(values, **options)} AS json))"
    return f"{compiler.process(column, **options)} IN (SELECT CAST(item AS {type_name}) FROM {items} AS item)"


def _run(tx: Transaction, table: Table, text: str, rows: Rows) -> int:
    names = tuple(rows[0])
    instants, documents = _to_convert(table, names)
    # The same few instants stand in many cells: each becomes text once.
    texts: dict[datetime | None, str | None] = {None: None}
    if tx.is_postgresql:
        records = [dict(row) for row in rows]
        for record in records:
            for name, _ in instants:
                record[name] = _text_of(record[name], texts)
        return tx.connection.exec_driver_sql(text, (encode_json(records),)).rowcount
    take = itemgetter(*names)
    values = []
    for row in rows:
        cells = list(take(row)) if len(names) > 1 else [take(row)]
        for _, index in instants:
            cells[index] = _text_of(cells[index], texts)
        for _, index in documents:
            cells[index] = _document_text(cells[index])
        values.append(tuple(cells))
    return tx.connection.exec_driver_sql(text, values).rowcount


@cache
def _to_convert(table: Table, names: tuple[str, ...]) -> tuple[_Cells, _Cells]:
    """Return the columns that hold instants, and those that hold documents."""
    kinds = [(name, index, table.c[name].type) for index, name in enumerate(names)]
    return (
        tuple((name, index) for name, index, kind in kinds if isinstance(kind, Timestamp)),
        tuple((name, index) for name, index, kind in kinds if isinstance(kind, Json)),
    )


def _text_of(instant: datetime | None, texts: dict[datetime | None, str | None]) -> str | None:
    if instant not in texts:
        assert instant is not None
        texts[instant] = timestamp_text(instant)
    return texts[instant]


@cache
def _insert_text(is_postgresql: bool, table: Table, names: tuple[str, ...], on_conflict: str) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    source = f"SELECT {columns} FROM {_records(table, names)}" if is_postgresql else f"VALUES ({_marks(len(names))})"
    return f'INSERT INTO "{table.name}" ({columns}) {source} {on_conflict}'.rstrip()


@cache
def _update_text(is_postgresql: bool, table: Table, names: tuple[str, ...], key: str) -> str:
    if is_postgresql:
        changes = ", ".join(f'"{name}" = changed."{name}"' for name in names if name != key)
        same_row = f'"{table.name}"."{key}" = changed."{key}"'
        return f'UPDATE "{table.name}" SET {changes} FROM {_records(table, names)} WHERE {same_row}'
    # Numbered marks, since the key stands among the columns and is used last.
    changes = ", ".join(f'"{name}" = ?{index}' for index, name in enumerate(names, 1) if name != key)
    return f'UPDATE "{table.name}" SET {changes} WHERE "{key}" = ?{names.index(key) + 1}'


def _records(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}" {_type_name(table.c[name].type)}' for name in names)
    return f"json_to_recordset(%s::json) AS changed ({columns})"


def _type_name(column_type: TypeEngine[Any]) -> str:
    return column_type.dialect_impl(_POSTGRESQL).compile(_POSTGRESQL)


def _marks(count: int) -> str:
    return ", ".join(["?"] * count)


def _document_text(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, msgspec.Raw):
        return encode_json(value)
    text = bytes(value).decode()
    # As PostgreSQL makes it of the records.
    return None if text == "null" else text
