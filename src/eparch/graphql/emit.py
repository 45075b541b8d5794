"""From a plan to a statement.

In charge of SQL, from the plan and the catalog alone: the same plan gives the same text, byte for byte, with every
value bound; not in charge of dialects (`dialect`) nor of running statements (`execute`). The statement has one row: the
JSON of the answer and, for lists, how many rows it has.

Invariant: every reference to a table, in a root, a relationship, an order or a filter, is filtered by the tenant.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    case,
    false,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
)

from eparch.graphql.catalog import OBJECTS, Column, Object, Relationship
from eparch.graphql.dialect import (
    Binary,
    BooleanJson,
    Cell,
    EachRow,
    ElementAt,
    Extreme,
    Filled,
    IdJson,
    InstantJson,
    IntervalJson,
    JsonList,
    Least,
    Number,
    Operand,
    PlainJson,
    QuotedJson,
    SortText,
    Statistic,
    Subdocument,
    Unindexed,
)
from eparch.graphql.plan import (
    AggregatePart,
    ColumnField,
    Comparison,
    Condition,
    Every,
    Exists,
    Field,
    FunctionField,
    Inline,
    NameField,
    Negation,
    NodesPart,
    OrderKey,
    Read,
    Rows,
    RowsField,
    Slot,
    Some,
)

TENANT: Final = "tenant"

_Column: TypeAlias = ColumnElement[Any]

# PostgreSQL's format() takes 100 arguments, SQLite's printf() 127.
_ARGUMENTS_MAX: Final = 90

_SIGNS: Final = {"_eq": "=", "_neq": "<>", "_gt": ">", "_gte": ">=", "_lt": "<", "_lte": "<="}
_TEXT_OPERATORS: Final = {
    "_like": "like",
    "_ilike": "ilike",
    "_similar": "similar",
    "_regex": "regex",
    "_iregex": "iregex",
}


def emit(read: Read, rows_max: int) -> Select[Any]:
    """Return the statement that answers a root field.

    Args:
        rows_max: a list is cut one row after this many, so that the caller sees that there are more.
    """
    return _Emitter(rows_max).root(read)


class _Emitter:
    def __init__(self, rows_max: int) -> None:
        self._rows_max = rows_max
        self._aliases = 0

    # ---- what is shown ----

    def root(self, read: Read) -> Select[Any]:
        if read.kind == "aggregate":
            shown, taken = self._aggregate(read, None)
            has_nodes = any(isinstance(part, NodesPart) for part in read.parts)
            if not has_nodes and not _has_figures(read):
                return select(Cell(shown))
            return select(Cell(shown), *([func.count()] if has_nodes else [])).select_from(taken)
        source, statement = self._rows(read.rows, None)
        row = self._object(read.fields, OBJECTS[read.rows.object], source)
        if read.kind == "one":
            return statement.add_columns(Cell(row)).order_by(None)
        listed = self._cut(statement, read.rows).add_columns(row.label("shown")).subquery(self._name("r"))
        return select(Cell(JsonList(listed.c.shown)), func.count())

    def _cut(self, statement: Select[Any], rows: Rows) -> Select[Any]:
        """Return a select at the root that gives at most one row more than is allowed."""
        most: _Column = literal_column(str(self._rows_max + 1))
        return statement.limit(Least(_operand(rows.limit), most) if rows.limit else most)

    def _read(self, read: Read, parent: "_Parent") -> _Column:
        """Return the text of a relationship as one expression."""
        if read.kind == "aggregate":
            shown, taken = self._aggregate(read, parent)
            if not _has_figures(read):
                return shown
            return select(shown).select_from(taken).correlate(*parent.sources).scalar_subquery()
        source, statement = self._rows(read.rows, parent)
        row = self._object(read.fields, OBJECTS[read.rows.object], source)
        if read.kind == "one":
            single = statement.add_columns(row).order_by(None).correlate(*parent.sources).scalar_subquery()
            return func.coalesce(single, literal_column("'null'"))
        inner = statement.add_columns(row.label("shown")).correlate(*parent.sources)
        listed = inner.subquery(self._name("r"))
        return select(JsonList(listed.c.shown)).correlate(*parent.sources).scalar_subquery()

    def _object(self, fields: Sequence[Field], entry: Object, source: "_Source") -> _Column:
        pieces: list[tuple[str, _Column | None]] = []
        for field in fields:
            match field:
                case NameField():
                    pieces.append((f'"{field.key}":"{field.name}"', None))
                case ColumnField():
                    column = entry.columns[field.column]
                    value = self._shown(column, source, field.path)
                    pieces.append((f'"{field.key}":%s', value))
                case RowsField():
                    pieces.append((f'"{field.key}":%s', self._read(field.read, source.as_parent())))
        return _filled(pieces)

    def _shown(self, column: Column, source: "_Source", path: tuple[str | int, ...] | None) -> _Column:
        value = self._column(column, source)
        if path:
            return _or_null(Subdocument(value, path))
        return _json(column, value, is_nullable=column.is_nullable)

    def _aggregate(self, read: Read, parent: "_Parent | None") -> tuple[_Column, FromClause]:
        """Return the text of figures about rows, and the rows."""
        rows, entry = read.rows, OBJECTS[read.rows.object]
        pieces: list[tuple[str, _Column | None]] = []
        figures = [part for part in read.parts if isinstance(part, AggregatePart)]
        needed = sorted({name for part in figures for field in part.fields for name in _columns_of(field)})
        source, statement = self._rows(rows, parent)
        if not (rows.limit or rows.offset or rows.distinct_on):
            statement = statement.order_by(None)
        columns = [self._column(entry.columns[name], source).label(name) for name in needed]
        statement = statement.add_columns(*(columns or [literal_column("1").label("one")]))
        outer = parent.sources if parent else ()
        taken = statement.correlate(*outer).subquery(self._name("a"))
        for part in read.parts:
            match part:
                case NameField():
                    pieces.append((f'"{part.key}":"{part.name}"', None))
                case AggregatePart():
                    pieces.append((f'"{part.key}":%s', _figures(part, entry, taken)))
                case NodesPart():
                    pieces.append((f'"{part.key}":%s', self._nodes(rows, part.fields, parent)))
        return _filled(pieces), taken

    def _nodes(self, rows: Rows, fields: tuple[Field, ...], parent: "_Parent | None") -> _Column:
        if parent is not None:
            return self._read(Read("list", rows, fields=fields), parent)
        source, statement = self._rows(rows, None)
        row = self._object(fields, OBJECTS[rows.object], source)
        listed = self._cut(statement, rows).add_columns(row.label("shown")).subquery(self._name("r"))
        return select(JsonList(listed.c.shown)).scalar_subquery()

    # ---- which rows ----

    def _rows(self, rows: Rows, parent: "_Parent | None") -> "tuple[_Source, Select[Any]]":
        """Return the table under an alias, and the select of its rows, without columns yet."""
        entry = OBJECTS[rows.object]
        is_nested = parent is not None and rows.relationship is not None
        outer = parent.sources if parent else ()
        source = self._source(entry, rows, outer)
        conditions: list[_Column] = []
        if is_nested:
            assert parent is not None
            conditions.append(self._join(parent.relationship(rows.relationship), parent, source))
        conditions += self._filter(entry, rows.where, source, is_nested=is_nested)
        statement: Select[Any] = select().select_from(source.table)
        if rows.distinct_on:
            alike = self._first_of_each(rows, entry, source, parent)
            conditions = [*_row_filter(entry, source, is_pinned=True), alike]
        if conditions:
            statement = statement.where(*conditions)
        statement = statement.order_by(*(self._ordered(key, entry, source) for key in rows.order_by))
        if rows.limit:
            statement = statement.limit(_operand(rows.limit))
        if rows.offset:
            statement = statement.offset(_operand(rows.offset))
        return source, statement

    def _source(self, entry: Object, rows: Rows | None, outer: tuple[FromClause, ...]) -> "_Source":
        if entry.table is not None:
            return _Source(entry, _alias(entry.table, self._name("t")), outer)
        array = _operand(rows.traversal.rows) if rows and rows.traversal else literal_column("'[]'")
        each = EachRow(array).table_valued("value", name=self._name("e"))
        made = select(
            ElementAt(each.c.value, 0, "uuid").label("task_id"),
            ElementAt(each.c.value, 1, "integer").label("depth"),
            _tenant().label("tenant_id"),
        ).subquery(self._name("t"))
        return _Source(entry, made, outer)

    def _filter(self, entry: Object, where: Condition, source: "_Source", *, is_nested: bool) -> list[_Column]:
        """Return the tenant's row filter and the conditions that were asked for."""
        is_pinned = is_nested or _is_pinned(where, entry)
        return [
            *_row_filter(entry, source, is_pinned=is_pinned),
            *(self._condition(item, entry, source) for item in _flat(where)),
        ]

    def _first_of_each(self, rows: Rows, entry: Object, source: "_Source", parent: "_Parent | None") -> _Column:
        """Return the condition for `distinct_on`: a row is the first of those that are alike."""
        bare = Rows(rows.object, rows.relationship, rows.traversal, rows.where)
        inner, statement = self._rows(bare, parent)
        alike = [self._sortable(entry.columns[name], inner) for name in rows.distinct_on]
        order = [self._ordered(key, entry, inner) for key in rows.order_by]
        number = func.row_number().over(partition_by=alike, order_by=order).label("number")
        ranked = statement.add_columns(inner.table.c[entry.unique].label("unique_id"), number)
        ranked = ranked.correlate(*(parent.sources if parent else ()))
        first = ranked.subquery(self._name("d"))
        return source.table.c[entry.unique].in_(select(first.c.unique_id).where(first.c.number == literal_column("1")))

    def _condition(self, condition: Condition, entry: Object, source: "_Source") -> _Column:
        match condition:
            case Comparison():
                column = entry.columns[condition.column]
                return _comparison(condition, column, self._column(column, source))
            case Every():
                return and_(true(), *(self._condition(item, entry, source) for item in condition.items))
            case Some():
                return or_(false(), *(self._condition(item, entry, source) for item in condition.items))
            case Negation():
                return not_(self._condition(condition.item, entry, source).self_group())
            case Exists():
                return self._exists(condition, entry, source)

    def _exists(self, condition: Exists, entry: Object, source: "_Source") -> _Column:
        relationship = entry.relationships[condition.relationship]
        target = OBJECTS[relationship.target]
        parent = source.as_parent()
        if _is_pinned(condition, entry):
            # Few rows, found by an index: SQLite then looks those up once instead of looking at every outer row.
            inner = self._source(target, None, ())
            conditions = self._filter(target, condition.condition, inner, is_nested=False)
            ids = select(inner.table.c[relationship.remote]).where(*conditions)
            return source.table.c[relationship.local].in_(ids)
        inner = self._source(target, None, parent.sources)
        conditions = [
            self._join(relationship, parent, inner),
            *self._filter(target, condition.condition, inner, is_nested=True),
        ]
        return (
            select(literal_column("1")).select_from(inner.table).where(*conditions).correlate(*parent.sources).exists()
        )

    def _join(self, relationship: Relationship, parent: "_Parent", source: "_Source") -> _Column:
        assert parent.table is not None
        column: _Column = source.table.c[relationship.remote]
        return column == parent.table.c[relationship.local]

    # ---- in which order ----

    def _ordered(self, key: OrderKey, entry: Object, source: "_Source") -> _Column:
        value, is_nullable = self._order_value(key, entry, source)
        ordered = value.desc() if key.is_descending else value.asc()
        if not is_nullable:
            return ordered
        return ordered.nulls_first() if key.has_nulls_first else ordered.nulls_last()

    def _order_value(self, key: OrderKey, entry: Object, source: "_Source") -> tuple[_Column, bool]:
        if not key.relationships:
            assert key.column is not None
            column = entry.columns[key.column]
            return self._sortable(column, source), column.is_nullable
        name, *rest = key.relationships
        relationship = entry.relationships[name]
        target = OBJECTS[relationship.target]
        parent = source.as_parent()
        inner = self._source(target, None, parent.sources)
        if rest or key.function is None:
            deeper = OrderKey(tuple(rest), key.function, key.column, key.is_descending, key.has_nulls_first)
            value, _ = self._order_value(deeper, target, inner)
        elif key.function == "count":
            value = func.count()
        else:
            assert key.column is not None
            value = _figure(key.function, target.columns[key.column], self._column(target.columns[key.column], inner))
            value = Number(value) if isinstance(value, Statistic) else value
        statement = (
            select(value)
            .select_from(inner.table)
            .where(
                self._join(relationship, parent, inner),
                *self._filter(target, Every(), inner, is_nested=True),
            )
        )
        return statement.correlate(*parent.sources).scalar_subquery(), True

    def _sortable(self, column: Column, source: "_Source") -> _Column:
        value = self._column(column, source)
        return SortText(value) if column.scalar == "jsonb" else value

    # ---- columns ----

    def _column(self, column: Column, source: "_Source") -> _Column:
        if column.lookup is None:
            return source.table.c[column.name]
        lookup = column.lookup
        other = _alias(lookup.table, self._name("t"))
        return (
            select(other.c[lookup.value])
            .where(other.c[lookup.key] == source.table.c[lookup.local])
            .correlate(*source.outer, source.table)
            .scalar_subquery()
        )

    def _name(self, prefix: str) -> str:
        self._aliases += 1
        return f"{prefix}{self._aliases}"


class _Parent:
    """What a nested read hangs on: the row's table, and all tables further out."""

    def __init__(self, sources: tuple[FromClause, ...], table: FromClause | None, entry: Object | None) -> None:
        self.sources, self.table, self._entry = sources, table, entry

    def relationship(self, name: str | None) -> Relationship:
        assert self._entry is not None
        assert name is not None
        return self._entry.relationships[name]


class _Source:
    """A table under an alias, and the tables of the selects around it."""

    def __init__(self, entry: Object, table: FromClause, outer: tuple[FromClause, ...]) -> None:
        self.entry, self.table, self.outer = entry, table, outer

    def as_parent(self) -> _Parent:
        return _Parent((*self.outer, self.table), self.table, self.entry)


@lru_cache(2048)
def _alias(table: Table, name: str) -> FromClause:
    # Making an alias with all its columns takes longer than everything else that is done for a select.
    return table.alias(name)


def _row_filter(entry: Object, source: _Source, *, is_pinned: bool) -> list[_Column]:
    """Return the condition that the rows belong to the principal's tenant; none for rows that a function makes."""
    if entry.table is None:
        return []
    column: _Column = source.table.c[entry.tenant_column]
    return [(Unindexed(column) if is_pinned else column) == _tenant()]


def _tenant() -> _Column:
    return Operand(TENANT, "uuid")


def _operand(slot: Slot) -> _Column:
    return Operand(f"p{slot.index}", slot.codec)


def _flat(condition: Condition) -> Sequence[Condition]:
    return condition.items if isinstance(condition, Every) else (condition,)


def _is_pinned(where: Condition, entry: Object) -> bool:
    """Return whether a condition leaves few rows, which an index on an id finds."""
    match where:
        case Every():
            return any(_is_pinned(item, entry) for item in where.items)
        case Comparison():
            return entry.columns[where.column].scalar == "uuid" and where.operator in ("_eq", "_in")
        case Exists():
            relationship = entry.relationships[where.relationship]
            if relationship.is_list or entry.columns[relationship.local].is_nullable:
                return False  # `IN` and `EXISTS` differ where the column is NULL
            return _is_pinned(where.condition, OBJECTS[relationship.target])
    return False


def _comparison(condition: Comparison, column: Column, value: _Column) -> _Column:
    operator, operand = condition.operator, condition.operand
    if operator == "_is_null":
        assert isinstance(operand, Inline)
        return value.is_(null()) if operand.value else value.is_not(null())
    if isinstance(operand, Inline):
        return _inline(operator, operand.value, value)
    if operator in ("_in", "_nin"):
        inside = Binary("json in" if column.scalar == "jsonb" else "in", value, _operand(operand))
        return inside if operator == "_in" else not_(inside)
    if operator in _SIGNS:
        sign = _SIGNS[operator]
        if column.scalar == "jsonb":
            return Binary(f"json {sign}", value, _operand(operand))
        return value.op(sign, is_comparison=True)(_operand(operand))
    positive = "_" + operator.removeprefix("_n") if operator.startswith("_n") else operator
    found = Binary(_TEXT_OPERATORS.get(positive, positive.removeprefix("_")), value, _operand(operand))
    return found if positive == operator else not_(found)


def _inline(operator: str, operand: bool | str | tuple[str, ...], value: _Column) -> _Column:
    if isinstance(operand, tuple):
        # Values out of the catalog, so nothing here comes from a request.
        inside = value.in_([literal_column(f"'{one}'") for one in operand]) if operand else false()
        return inside if operator == "_in" else not_(inside)
    other: _Column = (true() if operand else false()) if isinstance(operand, bool) else literal_column(f"'{operand}'")
    return value.op(_SIGNS[operator], is_comparison=True)(other)


def _json(column: Column, value: _Column, *, is_nullable: bool) -> _Column:
    match column.scalar:
        case "String":
            return QuotedJson(value)
        case "uuid":
            shown: _Column = IdJson(value)
        case "timestamptz":
            shown = InstantJson(value)
        case "Boolean":
            shown = BooleanJson(value)
        case "interval":
            shown = IntervalJson(value)
        case _:
            shown = PlainJson(value)
    return _or_null(shown) if is_nullable else shown


def _or_null(shown: _Column) -> _Column:
    return func.coalesce(shown, literal_column("'null'"))


def _filled(pieces: Sequence[tuple[str, _Column | None]]) -> _Column:
    """Return `{...}` with the pieces filled in, in as many calls as their number needs."""
    chunks: list[_Column] = []
    template, arguments = "{", []
    for index, (text, argument) in enumerate(pieces):
        template += ("," if index else "") + text
        if argument is not None:
            arguments.append(argument)
        if len(arguments) == _ARGUMENTS_MAX:
            chunks.append(Filled(template, *arguments))
            template, arguments = "", []
    chunks.append(Filled(template + "}", *arguments))
    joined = chunks[0]
    for chunk in chunks[1:]:
        joined = joined.op("||")(chunk)
    return joined


def _columns_of(field: FunctionField | NameField) -> list[str]:
    if isinstance(field, NameField):
        return []
    return [*field.columns, *(column for _, column in field.fields if column)]


def _has_figures(read: Read) -> bool:
    """Tell whether anything is computed over all rows: only then does SQL make one row of them."""
    figures = [field for part in read.parts if isinstance(part, AggregatePart) for field in part.fields]
    return any(
        isinstance(field, FunctionField) and (field.function == "count" or any(name for _, name in field.fields))
        for field in figures
    )


def _figures(part: AggregatePart, entry: Object, taken: FromClause) -> _Column:
    pieces: list[tuple[str, _Column | None]] = []
    for field in part.fields:
        if isinstance(field, NameField):
            pieces.append((f'"{field.key}":"{field.name}"', None))
        elif field.function == "count":
            pieces.append((f'"{field.key}":%s', PlainJson(_count(field, entry, taken))))
        else:
            inner: list[tuple[str, _Column | None]] = []
            for key, name in field.fields:
                if name is None:
                    inner.append((f'"{key}":"{entry.name}_{field.function}_fields"', None))
                    continue
                column = entry.columns[name]
                figure = _figure(field.function, column, taken.c[name])
                plain = isinstance(figure, Statistic) or field.function == "sum"
                shown = _or_null(PlainJson(figure)) if plain else _json(column, figure, is_nullable=True)
                inner.append((f'"{key}":%s', shown))
            pieces.append((f'"{field.key}":%s', _filled(inner)))
    return _filled(pieces)


def _count(field: FunctionField, entry: Object, taken: FromClause) -> _Column:
    if not field.columns:
        return func.count()
    values = [
        SortText(taken.c[name]) if entry.columns[name].scalar == "jsonb" else taken.c[name] for name in field.columns
    ]
    if len(values) == 1:
        return func.count(values[0].distinct() if field.is_distinct else values[0])
    together = _filled([(f"{index}:%s", QuotedJson(PlainJson(value))) for index, value in enumerate(values)])
    counted = case((and_(*(value.is_not(null()) for value in values)), together))
    return func.count(counted.distinct() if field.is_distinct else counted)


def _figure(function: str, column: Column, value: _Column) -> _Column:
    if function in ("max", "min"):
        return Extreme(function, value, is_id=column.scalar == "uuid")
    if function == "sum":
        return func.sum(value)
    return Statistic(function, value)
