"""The few expressions that SQLite and PostgreSQL write differently.

In charge of dialect differences of reads, all of them; not in charge of what is read (`emit`) nor of the values of
operands (`binding`). JSON is put together as text, and both databases give the same bytes for the same rows: see
docs/decisions/0002-json-text-in-sql.md.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _SQLiteCompiler(SQLiteCompiler):
    """SQLAlchemy's own, but without the bound `OFFSET 0` that it adds to every LIMIT."""

    def limit_clause(self, select: Any, **options: Any) -> str:
        text = ""
        if select._limit_clause is not None or select._offset_clause is not None:
            limit = "-1" if select._limit_clause is None else self.process(select._limit_clause, **options)
            text += f" LIMIT {limit}"
        if select._offset_clause is not None:
            text += f" OFFSET {self.process(select._offset_clause, **options)}"
        return text


# Positional parameters that the drivers pass on without rewriting the text.
DIALECTS: Final[dict[str, Dialect]] = {
    "sqlite": sqlite.dialect(),
    "postgresql": postgresql.dialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]
}

# What PostgreSQL must take an operand for; SQLite has no types to tell.
_POSTGRESQL_TYPES: Final = {
    "uuid": "uuid",
    "String": "text",
    "Int": "integer",
    "Boolean": "boolean",
    "timestamptz": "timestamptz",
    "interval": "numeric",
    "jsonb": "jsonb",
    "text": "text",
    "like": "text",
    "ilike": "text",
    "similar": "text",
    "regex": "text",
    "limit": "bigint",
    "offset": "bigint",
    "rows": "json",
}


DIALECTS["sqlite"].statement_compiler = _SQLiteCompiler


class _Construct(FunctionElement[Any]):
    """An expression over other expressions; each dialect says how it is written."""

    inherit_cache = False

    def parts(self, compiler: SQLCompiler, **options: Any) -> list[str]:
        return [compiler.process(clause, **options) for clause in self.clauses]


class Operand(_Construct):
    """The value of a slot."""

    name = "operand"

    def __init__(self, parameter: str, codec: str) -> None:
        self.codec = codec
        super().__init__(bindparam(parameter))


@compiles(Operand, "sqlite")
def _(element: Operand, compiler: SQLCompiler, **options: Any) -> str:
    return element.parts(compiler, **options)[0]


@compiles(Operand, "postgresql")
def _(element: Operand, compiler: SQLCompiler, **options: Any) -> str:
    (value,) = element.parts(compiler, **options)
    bare = element.codec.removesuffix("[]")
    return f"CAST({value} AS {_POSTGRESQL_TYPES[bare]}{'[]' if element.codec != bare else ''})"


class Filled(_Construct):
    """A template whose `%s` are filled in with the expressions. At most 90: PostgreSQL takes 100 arguments."""

    name = "filled"

    def __init__(self, template: str, *expressions: ColumnElement[Any]) -> None:
        self.template = "'" + template.replace("'", "''") + "'"
        super().__init__(*expressions)


@compiles(Filled, "sqlite")
def _(element: Filled, compiler: SQLCompiler, **options: Any) -> str:
    return f"printf({', '.join([element.template, *element.parts(compiler, **options)])})"


@compiles(Filled, "postgresql")
def _(element: Filled, compiler: SQLCompiler, **options: Any) -> str:
    return f"format({', '.join([element.template, *element.parts(compiler, **options)])})"


class QuotedJson(_Construct):
    """Text as a JSON string; `null` for NULL."""

    name = "quoted_json"


@compiles(QuotedJson, "sqlite")
def _(element: QuotedJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_quote({element.parts(compiler, **options)[0]})"


@compiles(QuotedJson, "postgresql")
def _(element: QuotedJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"coalesce(to_json({element.parts(compiler, **options)[0]})::text, 'null')"


class InstantJson(_Construct):
    """An instant as a JSON string of one fixed form; NULL for NULL. Clients compare instants as strings."""

    name = "instant_json"


@compiles(InstantJson, "sqlite")
def _(element: InstantJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"""'"' || {element.parts(compiler, **options)[0]} || '"'"""


@compiles(InstantJson, "postgresql")
def _(element: InstantJson, compiler: SQLCompiler, **options: Any) -> str:
    (instant,) = element.parts(compiler, **options)
    pattern = r"""'\"YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\"'"""
    return f"to_char({instant} AT TIME ZONE 'UTC', {pattern})"


class IdJson(_Construct):
    """An id as a JSON string; NULL for NULL."""

    name = "id_json"


@compiles(IdJson, "sqlite")
def _(element: IdJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"""'"' || {element.parts(compiler, **options)[0]} || '"'"""


@compiles(IdJson, "postgresql")
def _(element: IdJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"""'"' || {element.parts(compiler, **options)[0]}::text || '"'"""


class BooleanJson(_Construct):
    """`true` or `false`; NULL for NULL."""

    name = "boolean_json"


@compiles(BooleanJson, "sqlite")
def _(element: BooleanJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"CASE {element.parts(compiler, **options)[0]} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"


@compiles(BooleanJson, "postgresql")
def _(element: BooleanJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"{element.parts(compiler, **options)[0]}::text"


class IntervalJson(_Construct):
    """Whole seconds as PostgreSQL writes an interval, as a JSON string; NULL for NULL."""

    name = "interval_json"


@compiles(IntervalJson, "sqlite")
def _(element: IntervalJson, compiler: SQLCompiler, **options: Any) -> str:
    (seconds,) = element.parts(compiler, **options)
    digits = f"""printf('"%s%02d:%02d:%02d"', iif({seconds} < 0, '-', ''), """
    digits += f"abs({seconds}) / 3600, abs({seconds}) / 60 % 60, abs({seconds}) % 60)"
    return f"CASE WHEN {seconds} IS NOT NULL THEN {digits} END"


@compiles(IntervalJson, "postgresql")
def _(element: IntervalJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"""('"' || make_interval(secs => {element.parts(compiler, **options)[0]}) || '"')"""


class PlainJson(_Construct):
    """A number, an id or a document as text; NULL for NULL."""

    name = "plain_json"


@compiles(PlainJson, "sqlite")
def _(element: PlainJson, compiler: SQLCompiler, **options: Any) -> str:
    return element.parts(compiler, **options)[0]


@compiles(PlainJson, "postgresql")
def _(element: PlainJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"{element.parts(compiler, **options)[0]}::text"


class Subdocument(_Construct):
    """What is at a path in a document, as text; NULL where there is nothing."""

    name = "subdocument"

    def __init__(self, document: ColumnElement[Any], path: tuple[str | int, ...]) -> None:
        self.path = path
        super().__init__(document)


@compiles(Subdocument, "sqlite")
def _(element: Subdocument, compiler: SQLCompiler, **options: Any) -> str:
    steps = "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in element.path)
    return f"({element.parts(compiler, **options)[0]} -> {_quoted('$' + steps)})"


@compiles(Subdocument, "postgresql")
def _(element: Subdocument, compiler: SQLCompiler, **options: Any) -> str:
    steps = "".join(f" -> {step if isinstance(step, int) else _quoted(step)}" for step in element.path)
    return f"({element.parts(compiler, **options)[0]}{steps})::text"


class JsonList(_Construct):
    """All rows of one text column, in the order of the sub-select, as a JSON array."""

    name = "json_list"


@compiles(JsonList, "sqlite")
def _(element: JsonList, compiler: SQLCompiler, **options: Any) -> str:
    return f"coalesce('[' || group_concat({element.parts(compiler, **options)[0]}, ',') || ']', '[]')"


@compiles(JsonList, "postgresql")
def _(element: JsonList, compiler: SQLCompiler, **options: Any) -> str:
    return f"coalesce('[' || string_agg({element.parts(compiler, **options)[0]}, ',') || ']', '[]')"


class Cell(_Construct):
    """Text that the driver is to hand out as bytes, without decoding it."""

    name = "cell"


@compiles(Cell, "sqlite")
def _(element: Cell, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({element.parts(compiler, **options)[0]} AS BLOB)"


@compiles(Cell, "postgresql")
def _(element: Cell, compiler: SQLCompiler, **options: Any) -> str:
    return element.parts(compiler, **options)[0]


class Least(_Construct):
    """The smaller of two numbers."""

    name = "smaller"


@compiles(Least, "sqlite")
def _(element: Least, compiler: SQLCompiler, **options: Any) -> str:
    return f"min({', '.join(element.parts(compiler, **options))})"


@compiles(Least, "postgresql")
def _(element: Least, compiler: SQLCompiler, **options: Any) -> str:
    return f"least({', '.join(element.parts(compiler, **options))})"


class Unindexed(_Construct):
    """A column that is not to lead SQLite to an index: without statistics it takes every index for equally good."""

    name = "unindexed"


@compiles(Unindexed, "sqlite")
def _(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{element.parts(compiler, **options)[0]}"


@compiles(Unindexed, "postgresql")
def _(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return element.parts(compiler, **options)[0]


class Binary(_Construct):
    """A comparison that the dialects write differently: `column operator operand`."""

    name = "binary"

    def __init__(self, operator: str, column: ColumnElement[Any], operand: ColumnElement[Any]) -> None:
        self.operator = operator
        super().__init__(column, operand)


# On SQLite `_like` is GLOB, because its LIKE ignores case; the pattern is translated when it is bound.
_SQLITE_BINARIES: Final = {
    "in": "{0} IN (SELECT value FROM json_each({1}))",
    "like": "{0} GLOB {1}",
    "ilike": "{0} LIKE {1} ESCAPE '\\'",
    "similar": "eparch_is_match({0}, {1}, 0)",
    "regex": "eparch_is_match({0}, {1}, 0)",
    "iregex": "eparch_is_match({0}, {1}, 1)",
    "contains": "eparch_contains_json({0}, {1})",
    "contained_in": "eparch_contains_json({1}, {0})",
    "has_key": "eparch_has_key({0}, {1})",
    "has_keys_any": "eparch_has_any_key({0}, {1})",
    "has_keys_all": "eparch_has_all_keys({0}, {1})",
    "json =": "eparch_compare_json({0}, {1}) = 0",
    "json <>": "eparch_compare_json({0}, {1}) <> 0",
    "json >": "eparch_compare_json({0}, {1}) > 0",
    "json >=": "eparch_compare_json({0}, {1}) >= 0",
    "json <": "eparch_compare_json({0}, {1}) < 0",
    "json <=": "eparch_compare_json({0}, {1}) <= 0",
    "json in": "eparch_is_one_of({0}, {1})",
}
_POSTGRESQL_BINARIES: Final = {
    "in": "{0} = ANY ({1})",
    "like": "{0} LIKE {1}",
    "ilike": "{0} ILIKE {1}",
    "similar": "{0} SIMILAR TO {1}",
    "regex": "{0} ~ {1}",
    "iregex": "{0} ~* {1}",
    "contains": "{0}::jsonb @> {1}",
    "contained_in": "{0}::jsonb <@ {1}",
    "has_key": "jsonb_exists({0}::jsonb, {1})",
    "has_keys_any": "jsonb_exists_any({0}::jsonb, {1})",
    "has_keys_all": "jsonb_exists_all({0}::jsonb, {1})",
    **{f"json {sign}": f"{{0}}::jsonb {sign} {{1}}" for sign in ("=", "<>", ">", ">=", "<", "<=")},
    "json in": "{0}::jsonb = ANY ({1})",
}


@compiles(Binary, "sqlite")
def _(element: Binary, compiler: SQLCompiler, **options: Any) -> str:
    return _SQLITE_BINARIES[element.operator].format(*element.parts(compiler, **options))


@compiles(Binary, "postgresql")
def _(element: Binary, compiler: SQLCompiler, **options: Any) -> str:
    return _POSTGRESQL_BINARIES[element.operator].format(*element.parts(compiler, **options))


class Present(_Construct):
    """`EXISTS` of a sub-select, without the parentheses that SQLAlchemy puts around its own."""

    name = "present"


@compiles(Present)
def _(element: Present, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXISTS {element.parts(compiler, **options)[0]}"


class EachRow(_Construct):
    """The elements of a JSON array as the rows of a table with one column, `value`."""

    name = "each_row"


@compiles(EachRow, "sqlite")
def _(element: EachRow, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({element.parts(compiler, **options)[0]})"


@compiles(EachRow, "postgresql")
def _(element: EachRow, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements({element.parts(compiler, **options)[0]})"


class ElementAt(_Construct):
    """What is at an index of a JSON array, as text or as a number."""

    name = "element_at"

    def __init__(self, array: ColumnElement[Any], index: int, kind: str) -> None:
        self.index, self.kind = index, kind
        super().__init__(array)


@compiles(ElementAt, "sqlite")
def _(element: ElementAt, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_extract({element.parts(compiler, **options)[0]}, '$[{element.index}]')"


@compiles(ElementAt, "postgresql")
def _(element: ElementAt, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({element.parts(compiler, **options)[0]} ->> {element.index} AS {element.kind})"


class Extreme(_Construct):
    """`max` or `min`; NULL for no rows. PostgreSQL has none for ids."""

    name = "extreme"

    def __init__(self, function: str, column: ColumnElement[Any], *, is_id: bool) -> None:
        self.function, self.is_id = function, is_id
        super().__init__(column)


@compiles(Extreme, "sqlite")
def _(element: Extreme, compiler: SQLCompiler, **options: Any) -> str:
    return f"{element.function}({element.parts(compiler, **options)[0]})"


@compiles(Extreme, "postgresql")
def _(element: Extreme, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.parts(compiler, **options)
    return f"{element.function}({column}{'::text' if element.is_id else ''})"


class Statistic(_Construct):
    """An average, a variance or a standard deviation of integers, exact and rounded to nine decimals; NULL for none.

    Both dialects compute it from exact sums. What their own functions give differs in the last digits.
    """

    name = "statistic"

    def __init__(self, function: str, column: ColumnElement[Any]) -> None:
        self.function = function
        super().__init__(column)


_SPREADS: Final = {
    "stddev": (1, 1),
    "stddev_samp": (1, 1),
    "stddev_pop": (0, 1),
    "variance": (1, 0),
    "var_samp": (1, 0),
    "var_pop": (0, 0),
}


@compiles(Statistic, "sqlite")
def _(element: Statistic, compiler: SQLCompiler, **options: Any) -> str:
    (x,) = element.parts(compiler, **options)
    if element.function == "avg":
        return f"eparch_average(sum({x}), count({x}))"
    is_sample, is_root = _SPREADS[element.function]
    return f"eparch_spread(count({x}), sum({x}), sum({x} * {x}), {is_sample}, {is_root})"


@compiles(Statistic, "postgresql")
def _(element: Statistic, compiler: SQLCompiler, **options: Any) -> str:
    (x,) = element.parts(compiler, **options)
    one = "1.000000000000000000000000"  # its decimals are those that the division keeps
    if element.function == "avg":
        figure = f"sum({x}) * {one} / nullif(count({x}), 0)"
    else:
        is_sample, is_root = _SPREADS[element.function]
        divisor = f"nullif(count({x}) * (count({x}) - {is_sample}), 0)"
        figure = f"(count({x}) * sum({x}::numeric * {x}) - sum({x}) * sum({x}::numeric)) * {one} / {divisor}"
        figure = f"sqrt({figure})" if is_root else figure
    return f"trim_scale(round({figure}, 9))"


class Number(_Construct):
    """A Statistic to order by: a number, not text."""

    name = "number"


@compiles(Number, "sqlite")
def _(element: Number, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({element.parts(compiler, **options)[0]} AS REAL)"


@compiles(Number, "postgresql")
def _(element: Number, compiler: SQLCompiler, **options: Any) -> str:
    return element.parts(compiler, **options)[0]


class SortText(_Construct):
    """A document to order or group by. PostgreSQL does not order `json`."""

    name = "sort_text"


@compiles(SortText, "sqlite")
def _(element: SortText, compiler: SQLCompiler, **options: Any) -> str:
    return element.parts(compiler, **options)[0]


@compiles(SortText, "postgresql")
def _(element: SortText, compiler: SQLCompiler, **options: Any) -> str:
    return f'({element.parts(compiler, **options)[0]}::text COLLATE "C")'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
