"""Single expressions of SQL: conditions on a column, values as JSON text, figures.

In charge of what does not depend on where it stands in a statement; not in charge of tables (`row_selects`) nor of
statements (`emit`).
"""

import operator as operators
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import FromClause, and_, case, false, func, literal_column, not_, null, true

from eparch.graphql import dialect
from eparch.graphql.catalog import Column, ConfinedIndex, Object
from eparch.graphql.dialect import Expression
from eparch.graphql.plan import AggregatePart, Comparison, FunctionField, Inline, NameField, Slot

TENANT: Final = "tenant"

Piece: TypeAlias = tuple[str, Expression | None]

# PostgreSQL's format() takes 100 arguments, SQLite's printf() 127.
_ARGUMENTS_MAX: Final = 90

_SIGNS: Final = {"_eq": "=", "_neq": "<>", "_gt": ">", "_gte": ">=", "_lt": "<", "_lte": "<="}
_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "_eq": operators.eq,
    "_neq": operators.ne,
    "_gt": operators.gt,
    "_gte": operators.ge,
    "_lt": operators.lt,
    "_lte": operators.le,
}
_TEXT_OPERATORS: Final = {
    "_like": "like",
    "_ilike": "ilike",
    "_similar": "similar",
    "_regex": "regex",
    "_iregex": "iregex",
}


def tenant() -> Expression:
    """Return the principal's tenant, a bind parameter."""
    return dialect.operand(TENANT, "uuid")


def operand(slot: Slot) -> Expression:
    """Return the value of a slot, a bind parameter."""
    return dialect.operand(f"p{slot.index}", slot.codec)


def comparison(condition: Comparison, column: Column, value: Expression) -> Expression:
    """Return an operator on the value of a column."""
    operator, given = condition.operator, condition.operand
    if operator == "_is_null":
        assert isinstance(given, Inline)
        return value.is_(null()) if given.value else value.is_not(null())
    if isinstance(given, Inline):
        return _inline(operator, given.value, column, value)
    if operator in ("_in", "_nin"):
        inside = dialect.binary("json in" if column.scalar == "jsonb" else "in", value, operand(given))
        return inside if operator == "_in" else not_(inside)
    if operator in _SIGNS:
        if column.scalar == "jsonb":
            return dialect.binary(f"json {_SIGNS[operator]}", value, operand(given))
        return _compared(operator, value, operand(given))
    positive = "_" + operator.removeprefix("_n") if operator.startswith("_n") else operator
    found = dialect.binary(_TEXT_OPERATORS.get(positive, positive.removeprefix("_")), value, operand(given))
    return found if positive == operator else not_(found)


def confined_index(condition: Comparison, column: Column) -> ConfinedIndex | None:
    """Return the index over some of the rows that has all rows which meet a condition."""
    given = condition.operand.value if isinstance(condition.operand, Inline) else None
    if given is None or isinstance(given, bool):
        return None
    return _confined(condition.operator, given, column)


def shown(column: Column, value: Expression, *, is_nullable: bool) -> Expression:
    """Return a value as JSON text, `null` for NULL."""
    match column.scalar:
        case "String":
            return dialect.quoted_json(value)
        case "uuid":
            text: Expression = dialect.id_json(value)
        case "timestamptz":
            text = dialect.instant_json(value)
        case "Boolean":
            text = dialect.boolean_json(value)
        case "interval":
            text = dialect.interval_json(value)
        case _:
            text = dialect.plain_json(value)
    return or_null(text) if is_nullable else text


def or_null(text: Expression) -> Expression:
    """Return `null` where there is no text."""
    return func.coalesce(text, literal_column("'null'"))


def filled(pieces: Sequence[Piece]) -> Expression:
    """Return `{...}` with the pieces filled in, in as many calls as their number needs.

    Args:
        pieces: text with at most one `%s` and what is filled in for it.
    """
    chunks: list[Expression] = []
    template = "{"
    arguments: list[Expression] = []
    for index, (text, argument) in enumerate(pieces):
        template += ("," if index else "") + text
        if argument is not None:
            arguments.append(argument)
        if len(arguments) == _ARGUMENTS_MAX:
            chunks.append(dialect.filled(template, *arguments))
            template, arguments = "", []
    chunks.append(dialect.filled(template + "}", *arguments))
    joined = chunks[0]
    for chunk in chunks[1:]:
        joined = joined.op("||")(chunk)
    return joined


def columns_of(part: AggregatePart) -> list[str]:
    """Return the names of the columns that figures are made of, each once."""
    fields = [field for field in part.fields if isinstance(field, FunctionField)]
    names = {name for field in fields for name in [*field.columns, *(column for _, column in field.fields)] if name}
    return sorted(names)


def figures(part: AggregatePart, entry: Object, taken: FromClause) -> Expression:
    """Return the figures about all rows of a select as JSON text."""
    pieces: list[Piece] = []
    for field in part.fields:
        if isinstance(field, NameField):
            pieces.append((f'"{field.key}":"{field.name}"', None))
        elif field.function == "count":
            pieces.append((f'"{field.key}":%s', dialect.plain_json(_count(field, entry, taken))))
        else:
            pieces.append((f'"{field.key}":%s', _function(field, entry, taken)))
    return filled(pieces)


def figure(function: str, column: Column, value: Expression) -> Expression:
    """Return an aggregate function of a column."""
    if function in ("max", "min"):
        return dialect.extreme(function, value, is_id=column.scalar == "uuid")
    return func.sum(value) if function == "sum" else dialect.statistic(function, value)


def _inline(operator: str, given: bool | str | tuple[str, ...], column: Column, value: Expression) -> Expression:
    if isinstance(given, bool):
        # Booleans have an order too, which SQLAlchemy does not know of.
        return value.op(_SIGNS[operator], is_comparison=True)(true() if given else false())
    if isinstance(given, tuple):
        inside = _is_among(given, value)
        made = inside if operator == "_in" else not_(inside)
    else:
        made = _compared(operator, value, literal_column(f"'{given}'"))
    confined = _confined(operator, given, column)
    return made if confined is None else dialect.with_words_of_index(made, _is_among(sorted(confined.values), value))


def _confined(operator: str, given: str | tuple[str, ...], column: Column) -> ConfinedIndex | None:
    names = {given} if isinstance(given, str) else set(given)
    is_among = operator in ("_eq", "_in") and column.confined is not None and names and names <= column.confined.values
    return column.confined if is_among else None


def _is_among(names: Sequence[str], value: Expression) -> Expression:
    """Return the condition that a value is one of some out of the catalog: nothing here comes from a request."""
    return value.in_([literal_column(f"'{name}'") for name in names]) if names else false()


def _compared(operator: str, value: Expression, other: Expression) -> Expression:
    made: Expression = _COMPARE[operator](value, other)
    return made


def _function(field: FunctionField, entry: Object, taken: FromClause) -> Expression:
    pieces: list[Piece] = []
    for key, name in field.fields:
        if name is None:
            pieces.append((f'"{key}":"{entry.name}_{field.function}_fields"', None))
            continue
        column = entry.columns[name]
        value = figure(field.function, column, taken.c[name])
        is_plain = field.function not in ("max", "min")
        text = or_null(dialect.plain_json(value)) if is_plain else shown(column, value, is_nullable=True)
        pieces.append((f'"{key}":%s', text))
    return filled(pieces)


def _count(field: FunctionField, entry: Object, taken: FromClause) -> Expression:
    if not field.columns:
        return func.count()
    values: list[Expression] = [
        dialect.sort_text(taken.c[name]) if entry.columns[name].scalar == "jsonb" else taken.c[name]
        for name in field.columns
    ]
    if len(values) == 1:
        return func.count(values[0].distinct() if field.is_distinct else values[0])
    together = filled(
        [(f"{index}:%s", dialect.quoted_json(dialect.plain_json(value))) for index, value in enumerate(values)]
    )
    counted = case((and_(*(value.is_not(null()) for value in values)), together))
    return func.count(counted.distinct() if field.is_distinct else counted)
