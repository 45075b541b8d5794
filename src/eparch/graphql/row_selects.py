"""Which rows a read takes, and in which order.

In charge of tables under aliases, conditions, orders and the row filter; not in charge of what is shown of the rows
(`emit`).

Invariant: every reference to a table, in a root, a relationship, an order or a condition, is filtered by the tenant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import FromClause, Select, Table, and_, false, func, literal_column, not_, or_, select, true

from eparch.graphql.catalog import OBJECTS, Column, Object, Relationship
from eparch.graphql.dialect import Expression, binary, each_row, element_at, number, present, sort_text, unindexed
from eparch.graphql.expressions import comparison, confined_index, figure, operand, tenant
from eparch.graphql.plan import Comparison, Condition, Every, Exists, Negation, OrderKey, Rows, Some


@dataclass(frozen=True, slots=True)
class Source:
    """A table under an alias.

    Attributes:
        outer: the tables of the selects around it, which its columns are compared with.
    """

    entry: Object
    table: FromClause
    outer: tuple[FromClause, ...]

    @property
    def visible(self) -> tuple[FromClause, ...]:
        """The tables that a select within this one may refer to."""
        return (*self.outer, self.table)


class RowSelects:
    """Makes the selects of one statement; aliases are numbered as they come."""

    def __init__(self) -> None:
        self._aliases = 0

    def name(self, prefix: str) -> str:
        """Return a name that the statement does not have yet."""
        self._aliases += 1
        return f"{prefix}{self._aliases}"

    def rows(self, rows: Rows, parent: Source | None) -> tuple[Source, Select[Any]]:
        """Return the table and the select of its rows, without columns yet.

        Args:
            parent: what the rows hang on; None at the root.
        """
        entry = OBJECTS[rows.object]
        source = self._source(entry, rows, parent)
        statement: Select[Any] = select().select_from(source.table).correlate(*source.outer)
        if rows.distinct_on:
            first = self._first_of_each(rows, entry, source, parent)
            statement = statement.where(*_row_filter(source, is_pinned=True), first)
        else:
            statement = statement.where(*self._filter(rows.where, source, is_nested=parent is not None))
            if parent is not None and rows.relationship is not None:
                statement = statement.where(_join(parent.entry.relationships[rows.relationship], parent, source))
            if name := _index_name(rows, parent):
                statement = statement.with_hint(source.table, f"INDEXED BY {name}", "sqlite")
        statement = statement.order_by(*(self._ordered(key, source) for key in rows.order_by))
        if rows.limit:
            statement = statement.limit(operand(rows.limit))
        if rows.offset:
            statement = statement.offset(operand(rows.offset))
        return source, statement

    def column(self, column: Column, source: Source) -> Expression:
        """Return the value of a column, wherever it lives."""
        if column.lookup is None:
            return source.table.c[column.source or column.name]
        lookup = column.lookup
        other = _alias(lookup.table, self.name("t"))
        return (
            select(other.c[lookup.value])
            .where(other.c[lookup.key] == source.table.c[lookup.local])
            .correlate(*source.visible)
            .scalar_subquery()
        )

    # ---- tables ----

    def _source(self, entry: Object, rows: Rows | None, parent: Source | None) -> Source:
        outer = parent.visible if parent else ()
        if entry.table is not None:
            return Source(entry, _alias(entry.table, self.name("t")), outer)
        array = operand(rows.traversal.rows) if rows and rows.traversal else literal_column("'[]'")
        each = each_row(array).table_valued("value", name=self.name("e"))
        made = select(
            element_at(each.c.value, 0, "uuid").label("task_id"),
            element_at(each.c.value, 1, "integer").label("depth"),
            tenant().label("tenant_id"),
        )
        return Source(entry, made.subquery(self.name("t")), outer)

    # ---- conditions ----

    def _filter(self, where: Condition, source: Source, *, is_nested: bool) -> list[Expression]:
        """Return the conditions that were asked for and the tenant's row filter.

        Conditions on related rows come first: less is open then while SQLite's parser reads them, which has room for
        little (`emit`). In which order they are tried is the databases' choice.
        """
        is_pinned = is_nested or _is_pinned(where, source.entry)
        items = list(where.items) if isinstance(where, Every) else [where]
        items.sort(key=lambda item: isinstance(item, Comparison))
        return [*(self._condition(item, source) for item in items), *_row_filter(source, is_pinned=is_pinned)]

    def _condition(self, condition: Condition, source: Source) -> Expression:
        match condition:
            case Comparison():
                column = source.entry.columns[condition.column]
                return comparison(condition, column, self.column(column, source))
            case Every():
                return and_(true(), *(self._condition(item, source) for item in condition.items))
            case Some():
                return or_(false(), *(self._condition(item, source) for item in condition.items))
            case Negation():
                return not_(self._condition(condition.item, source).self_group())
            case Exists():
                return self._exists(condition, source)

    def _exists(self, condition: Exists, source: Source) -> Expression:
        relationship = source.entry.relationships[condition.relationship]
        target = OBJECTS[relationship.target]
        if _is_pinned(condition, source.entry):
            # Few rows, found by an index: SQLite then looks those up once instead of looking at every outer row.
            inner = self._source(target, None, None)
            ids = select(inner.table.c[relationship.remote])
            return source.table.c[relationship.local].in_(
                ids.where(*self._filter(condition.condition, inner, is_nested=False))
            )
        inner = self._source(target, None, source)
        conditions = self._filter(condition.condition, inner, is_nested=True)
        related: Select[Any] = select(literal_column("1")).select_from(inner.table).correlate(*inner.outer)
        return present(related.where(*conditions, _join(relationship, source, inner)).scalar_subquery())

    def _first_of_each(self, rows: Rows, entry: Object, source: Source, parent: Source | None) -> Expression:
        """Return the condition for `distinct_on`: a row is the first of those that are alike."""
        bare = Rows(rows.object, rows.relationship, rows.traversal, rows.where)
        inner, statement = self.rows(bare, parent)
        alike = [self._sortable(entry.columns[name], inner) for name in rows.distinct_on]
        order = [self._ordered(key, inner) for key in rows.order_by]
        number = func.row_number().over(partition_by=alike, order_by=order).label("number")
        ranked = statement.add_columns(inner.table.c[entry.unique].label("unique_id"), number)
        first = ranked.subquery(self.name("d"))
        return source.table.c[entry.unique].in_(select(first.c.unique_id).where(first.c.number == literal_column("1")))

    # ---- orders ----

    def _ordered(self, key: OrderKey, source: Source) -> Expression:
        value, is_nullable = self._order_value(key, source)
        ordered = value.desc() if key.is_descending else value.asc()
        if not is_nullable:
            return ordered
        return ordered.nulls_first() if key.has_nulls_first else ordered.nulls_last()

    def _order_value(self, key: OrderKey, source: Source) -> tuple[Expression, bool]:
        """Return what a key orders by, and whether it can be NULL."""
        if not key.relationships:
            assert key.column is not None
            column = source.entry.columns[key.column]
            return self._sortable(column, source), column.is_nullable
        name, *rest = key.relationships
        relationship = source.entry.relationships[name]
        target = OBJECTS[relationship.target]
        inner = self._source(target, None, source)
        if rest or key.function is None:
            deeper = OrderKey(tuple(rest), key.function, key.column, key.is_descending, key.has_nulls_first)
            value, _ = self._order_value(deeper, inner)
        elif key.function == "count":
            value = func.count()
        else:
            assert key.column is not None
            column = target.columns[key.column]
            value = figure(key.function, column, self.column(column, inner))
            value = value if key.function in ("max", "min", "sum") else number(value)
        related = select(value).select_from(inner.table).correlate(*inner.outer)
        conditions = self._filter(Every(), inner, is_nested=True)
        return related.where(*conditions, _join(relationship, source, inner)).scalar_subquery(), True

    def _sortable(self, column: Column, source: Source) -> Expression:
        value = self.column(column, source)
        return sort_text(value) if column.scalar == "jsonb" else value


@lru_cache(2048)
def _alias(table: Table, name: str) -> FromClause:
    # Making an alias with all its columns takes longer than everything else that is done for a select.
    return table.alias(name)


def _index_name(rows: Rows, parent: Source | None) -> str | None:
    """Return the name of the index over some of the rows that SQLite is to take; None leaves it the choice."""
    columns = OBJECTS[rows.object].columns
    items = rows.where.items if isinstance(rows.where, Every) else (rows.where,)
    comparisons = [item for item in items if isinstance(item, Comparison)]
    given = {item.column for item in comparisons if item.operator == "_eq"}
    if parent is not None and rows.relationship is not None:
        given.add(parent.entry.relationships[rows.relationship].remote)
    for item in comparisons:
        index = confined_index(item, columns[item.column])
        if index is not None and index.leading in given:
            return index.name
    return None


def _join(relationship: Relationship, outer: Source, inner: Source) -> Expression:
    column: Expression = inner.table.c[relationship.remote]
    value: Expression = outer.table.c[relationship.local]
    return binary("has_key", column, value) if relationship.is_member else column == value


def _row_filter(source: Source, *, is_pinned: bool) -> Sequence[Expression]:
    """Return the condition that the rows belong to the principal's tenant; none for rows that a function makes.

    Args:
        is_pinned: other conditions leave few rows, so no index is to be chosen for the tenant's sake.
    """
    if source.entry.table is None:
        return []
    column: Expression = source.table.c[source.entry.tenant_column]
    return [(unindexed(column) if is_pinned else column) == tenant()]


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
