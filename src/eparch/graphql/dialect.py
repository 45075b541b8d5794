"""The few expressions that SQLite and PostgreSQL write differently.

In charge of dialect differences of reads, all of them; not in charge of what is read (`emit`) nor of the values of
operands (`binding`). JSON is put together as text, and both databases give the same bytes for the same rows: see
docs/decisions/0002-json-text-in-sql.md.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

Expression: TypeAlias = ColumnElement[Any]


class _SQLiteCompiler(SQLiteCompiler):
    """SQLAlchemy's own, but without the bound `OFFSET 0` that it adds to every LIMIT, and with names of indexes."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text

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
DIALECTS["sqlite"].statement_compiler = _SQLiteCompiler


class Form(FunctionElement[Any]):
    """An expression that has a template of its own for each dialect; `{0}`, `{1}` are its parts."""

    inherit_cache = False
    name = "form"

    def __init__(self, sqlite: str, postgresql: str, *parts: Expression) -> None:
        self.templates = {"sqlite": sqlite, "postgresql": postgresql}
        super().__init__(*parts)


@compiles(Form)
def _compile_form(element: Form, compiler: SQLCompiler, **options: Any) -> str:
    parts = [compiler.process(part, **options) for part in element.clauses]
    return element.templates[compiler.dialect.name].format(*parts)


def _form(sqlite: str, postgresql: str) -> Callable[..., Expression]:
    return lambda *parts: Form(sqlite, postgresql, *parts)


# ---- operands ----

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


def operand(parameter: str, codec: str) -> Expression:
    """Return a bind parameter that a codec of `binding` makes the value of."""
    bare = codec.removesuffix("[]")
    type_ = _POSTGRESQL_TYPES[bare] + codec.removeprefix(bare)
    return Form("{0}", f"CAST({{0}} AS {type_})", bindparam(parameter))


# ---- comparison ----

# On SQLite `_like` is GLOB, because its LIKE ignores case; the pattern is translated when it is bound.
_SIGNS: Final = ("=", "<>", ">", ">=", "<", "<=")
_COMPARISONS: Final[dict[str, tuple[str, str]]] = {
    "in": ("{0} IN (SELECT value FROM json_each({1}))", "{0} = ANY ({1})"),
    "like": ("{0} GLOB {1}", "{0} LIKE {1}"),
    "ilike": ("{0} LIKE {1} ESCAPE '\\'", "{0} ILIKE {1}"),
    "similar": ("eparch_is_match({0}, {1}, 0)", "{0} SIMILAR TO {1}"),
    "regex": ("eparch_is_match({0}, {1}, 0)", "{0} ~ {1}"),
    "iregex": ("eparch_is_match({0}, {1}, 1)", "{0} ~* {1}"),
    "contains": ("eparch_contains_json({0}, {1})", "{0}::jsonb @> {1}"),
    "contained_in": ("eparch_contains_json({1}, {0})", "{0}::jsonb <@ {1}"),
    "has_key": ("eparch_has_key({0}, {1})", "jsonb_exists({0}::jsonb, {1})"),
    "has_keys_any": ("eparch_has_any_key({0}, {1})", "jsonb_exists_any({0}::jsonb, {1})"),
    "has_keys_all": ("eparch_has_all_keys({0}, {1})", "jsonb_exists_all({0}::jsonb, {1})"),
    "json in": ("eparch_is_one_of({0}, {1})", "{0}::jsonb = ANY ({1})"),
    **{
        f"json {sign}": (f"eparch_compare_json({{0}}, {{1}}) {sign} 0", f"{{0}}::jsonb {sign} {{1}}") for sign in _SIGNS
    },
}


def binary(operator: str, column: Expression, value: Expression) -> Expression:
    """Return a comparison that the dialects write differently."""
    return Form(*_COMPARISONS[operator], column, value)


# `EXISTS` of a sub-select, without the parentheses that SQLAlchemy puts around its own.
present: Final = _form("EXISTS {0}", "EXISTS {0}")

# A column that is not to lead SQLite to an index: without statistics it takes every index for equally good.
unindexed: Final = _form("+{0}", "{0}")

# A condition and what follows from it, which is the condition of an index. PostgreSQL draws the conclusion itself, and
# would take them for two conditions that each leave few rows.
with_words_of_index: Final = _form("({0} AND {1})", "{0}")

least: Final = _form("min({0}, {1})", "least({0}, {1})")

# ---- JSON as text; of NULL comes NULL, except from `quoted_json` ----

quoted_json: Final = _form("json_quote({0})", "coalesce(to_json({0})::text, 'null')")
id_json: Final = _form("""'"' || {0} || '"'""", """'"' || {0}::text || '"'""")
boolean_json: Final = _form("CASE {0} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END", "{0}::text")
plain_json: Final = _form("{0}", "{0}::text")

# One form for all instants: clients compare them as strings.
instant_json: Final = _form(
    """'"' || {0} || '"'""",
    r"""to_char({0} AT TIME ZONE 'UTC', '\"YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\"')""",
)

# Whole seconds as PostgreSQL writes an interval.
interval_json: Final = _form(
    """CASE WHEN {0} IS NOT NULL THEN printf('"%s%02d:%02d:%02d"', iif({0} < 0, '-', ''), """
    "abs({0}) / 3600, abs({0}) / 60 % 60, abs({0}) % 60) END",
    """('"' || make_interval(secs => {0}) || '"')""",
)

# All rows of a select as an array, in the order of the select.
json_list: Final = _form(
    "coalesce('[' || group_concat({0}, ',') || ']', '[]')",
    "coalesce('[' || string_agg({0}, ',') || ']', '[]')",
)

# Text that the driver is to hand out as bytes, without decoding it.
cell: Final = _form("CAST({0} AS BLOB)", "{0}")

# The elements of an array as the rows of a table with one column, `value`.
each_row: Final = _form("json_each({0})", "json_array_elements({0})")


def filled(template: str, *values: Expression) -> Expression:
    """Return a template whose `%s` are filled in; at most 90, because PostgreSQL takes 100 arguments."""
    places = "".join(f", {{{index}}}" for index in range(len(values)))
    quoted = _braced(_quoted(template))
    return Form(f"printf({quoted}{places})", f"format({quoted}{places})", *values)


def subdocument(document: Expression, path: tuple[str | int, ...]) -> Expression:
    """Return what is at a path in a document, as text; NULL where there is nothing."""
    place = "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in path)
    steps = "".join(f" -> {step if isinstance(step, int) else _quoted(step)}" for step in path)
    return Form(f"({{0}} -> {_braced(_quoted(place))})", f"({{0}}{_braced(steps)})::text", document)


def element_at(array: Expression, index: int, type_: str) -> Expression:
    """Return what is at an index of a JSON array, as a value of a type of PostgreSQL's."""
    return Form(f"json_extract({{0}}, '$[{index}]')", f"CAST({{0}} ->> {index} AS {type_})", array)


# ---- figures ----


def extreme(function: str, column: Expression, *, is_id: bool) -> Expression:
    """Return `max` or `min`; PostgreSQL has none for ids."""
    return Form(f"{function}({{0}})", f"{function}({{0}}{'::text' if is_id else ''})", column)


# Averages, variances and deviations of integers, exact and rounded to nine decimals. Both dialects compute them from
# exact sums: what their own functions give differs in the last digits. The decimals of _ONE are those that PostgreSQL's
# division keeps.
_ONE: Final = "1.000000000000000000000000"
_SUMS: Final = "count({0}), sum({0}), sum({0} * {0})"
_SPREADS: Final = {
    "stddev": (1, 1),
    "stddev_samp": (1, 1),
    "stddev_pop": (0, 1),
    "variance": (1, 0),
    "var_samp": (1, 0),
    "var_pop": (0, 0),
}


def statistic(function: str, column: Expression) -> Expression:
    """Return `avg`, a variance or a standard deviation; text on SQLite."""
    if function == "avg":
        mean = f"sum({{0}}) * {_ONE} / nullif(count({{0}}), 0)"
        return Form("eparch_average(sum({0}), count({0}))", f"trim_scale(round({mean}, 9))", column)
    is_sample, is_root = _SPREADS[function]
    divisor = f"nullif(count({{0}}) * (count({{0}}) - {is_sample}), 0)"
    squares = "count({0}) * sum({0}::numeric * {0}) - sum({0}) * sum({0}::numeric)"
    figure = f"({squares}) * {_ONE} / {divisor}"
    figure = f"sqrt({figure})" if is_root else figure
    return Form(f"eparch_spread({_SUMS}, {is_sample}, {is_root})", f"trim_scale(round({figure}, 9))", column)


# A statistic to order by: a number, not text.
number: Final = _form("CAST({0} AS REAL)", "{0}")

# A document to order or group by. PostgreSQL does not order `json`.
sort_text: Final = _form("{0}", '({0}::text COLLATE "C")')


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _braced(text: str) -> str:
    """Return text that a template is to contain as it is."""
    return text.replace("{", "{{").replace("}", "}}")
