"""From a plan to a statement.

In charge of how an answer is put together in SQL, from the plan and the catalog alone: the same plan gives the same
text, byte for byte, with every value bound; not in charge of which rows there are (`row_selects`), of dialects
(`dialect`) nor of running statements (`execute`). The statement has one row: the JSON of the answer and, for lists, how
many rows it has.

Each level has two selects. The inner one takes rows and, as further columns, what hangs on each of them; the outer one
makes text of its columns. Nested selects so never stand within the call that makes the text: SQLite's parser has room
for 100 open words and signs, and this way seven levels take 70 of them.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import FromClause, Select, func, literal_column, select

from eparch.graphql.dialect import DIALECTS, Expression, cell, json_list, least, subdocument
from eparch.graphql.expressions import Piece, columns_of, figures, filled, operand, or_null, shown
from eparch.graphql.plan import (
    AggregatePart,
    ColumnField,
    Field,
    FunctionField,
    NameField,
    NodesPart,
    Read,
    Rows,
    RowsField,
)
from eparch.graphql.row_selects import RowSelects, Source


def emit(read: Read, rows_max: int) -> Select[Any]:
    """Return the statement that answers a root field.

    Args:
        rows_max: a list is cut one row after this many, so that the caller sees that there are more.
    """
    return _Emitter(rows_max).root(read)


# Words of SQL, which a column may be called all the same.
_RESERVED: Final = frozenset().union(*(dialect.identifier_preparer.reserved_words for dialect in DIALECTS.values()))


class _Columns:
    """The columns of an inner select, as the outer one refers to them."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self._made: dict[str, Expression] = {}

    def add(self, name: str, value: Expression) -> Expression:
        """Add a column, unless there is one of its name, and return the reference to it."""
        if name not in self._made:
            self._made[name] = value.label(name)
        return literal_column(f'{self.alias}."{name}"' if name in _RESERVED else f"{self.alias}.{name}")

    def add_nested(self, value: Expression) -> Expression:
        """Add a column with a name of its own."""
        return self.add(f"n{len(self._made)}", value)

    def of(self, statement: Select[Any]) -> Any:
        """Return the inner select as a table of the outer one."""
        made = list(self._made.values()) or [literal_column("1").label("one")]
        return statement.add_columns(*made).subquery(self.alias)


class _Emitter:
    def __init__(self, rows_max: int) -> None:
        self._rows_max = rows_max
        self._selects = RowSelects()

    # ---- roots ----

    def root(self, read: Read) -> Select[Any]:
        if read.kind == "aggregate":
            return self._root_aggregate(read)
        columns = self._columns()
        source, statement = self._selects.rows(read.rows, None)
        row = self._row(read.fields, source, columns)
        if read.kind == "one":
            return _answer(row).select_from(columns.of(statement))
        return _counted_answer(json_list(row)).select_from(columns.of(self._cut(statement, read.rows)))

    def _root_aggregate(self, read: Read) -> Select[Any]:
        pieces: list[Piece] = []
        main: Any = None
        for part in read.parts:
            if isinstance(part, NodesPart) and main is None:
                # The rows themselves are what the statement selects from, so that they can be counted beside.
                columns = self._columns()
                source, statement = self._selects.rows(read.rows, None)
                listed = json_list(self._row(part.fields, source, columns))
                main = columns.of(self._cut(statement, read.rows))
                pieces.append((f'"{part.key}":%s', listed))
            else:
                pieces.append(self._part(part, read.rows, None))
        if main is None:
            return _answer(filled(pieces))
        return _counted_answer(filled(pieces)).select_from(main)

    def _cut(self, statement: Select[Any], rows: Rows) -> Select[Any]:
        """Return a select at the root that gives at most one row more than is allowed."""
        most: Expression = literal_column(str(self._rows_max + 1))
        return statement.limit(least(operand(rows.limit), most) if rows.limit else most)

    # ---- levels ----

    def _row(self, fields: Sequence[Field], source: Source, columns: _Columns) -> Expression:
        """Return the text of one row; what it is made of is added to `columns`."""
        pieces: list[Piece] = []
        for field in fields:
            match field:
                case NameField():
                    pieces.append((f'"{field.key}":"{field.name}"', None))
                case ColumnField():
                    column = source.entry.columns[field.column]
                    value = columns.add(column.name, self._selects.column(column, source))
                    if field.path:
                        text = or_null(subdocument(value, field.path))
                    else:
                        text = shown(column, value, is_nullable=column.is_nullable)
                    pieces.append((f'"{field.key}":%s', text))
                case RowsField():
                    pieces.append((f'"{field.key}":%s', self._related(field.read, source, columns)))
        return filled(pieces)

    def _related(self, read: Read, parent: Source, columns: _Columns) -> Expression:
        """Return the text of related rows; the selects that it is made of are added to `columns`."""
        if read.kind == "list":
            return columns.add_nested(self._list(read.rows, read.fields, parent))
        if read.kind == "aggregate":
            parts = [self._part(part, read.rows, parent) for part in read.parts]
            return filled([(text, None if value is None else columns.add_nested(value)) for text, value in parts])
        inner = self._columns()
        source, statement = self._selects.rows(read.rows, parent)
        row = self._row(read.fields, source, inner)
        return or_null(columns.add_nested(_text(row, inner.of(statement))))

    def _list(self, rows: Rows, fields: Sequence[Field], parent: Source | None) -> Expression:
        inner = self._columns()
        source, statement = self._selects.rows(rows, parent)
        if parent is None:
            statement = self._cut(statement, rows)
        listed = json_list(self._row(fields, source, inner))
        return _text(listed, inner.of(statement))

    def _part(self, part: AggregatePart | NodesPart | NameField, rows: Rows, parent: Source | None) -> Piece:
        match part:
            case NameField():
                return f'"{part.key}":"{part.name}"', None
            case NodesPart():
                return f'"{part.key}":%s', self._list(rows, part.fields, parent)
            case AggregatePart():
                return f'"{part.key}":%s', self._figures(part, rows, parent)

    def _figures(self, part: AggregatePart, rows: Rows, parent: Source | None) -> Expression:
        names = columns_of(part)
        functions = [field for field in part.fields if isinstance(field, FunctionField)]
        is_over_rows = names or any(field.function == "count" for field in functions)
        source, statement = self._selects.rows(rows, parent)
        if not (rows.limit or rows.offset or rows.distinct_on):
            statement = statement.order_by(None)
        values = [self._selects.column(source.entry.columns[name], source).label(name) for name in names]
        taken = statement.add_columns(*(values or [literal_column("1").label("one")])).subquery(self._selects.name("a"))
        text = figures(part, source.entry, taken)
        # Without a figure SQL would make one text for each row.
        return _text(text, taken) if is_over_rows else text

    def _columns(self) -> _Columns:
        return _Columns(self._selects.name("r"))


def _answer(text: Expression) -> Select[Any]:
    return select(cell(text).label("answer"))


def _counted_answer(text: Expression) -> Select[Any]:
    return _answer(text).add_columns(func.count().label("row_count"))


def _text(text: Expression, rows: FromClause) -> Expression:
    return select(text.label("shown")).select_from(rows).scalar_subquery()
