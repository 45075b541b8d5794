"""Values come back from both databases as they were given, however they were written and whatever they are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, insert, select
from sqlalchemy.engine import Connection

from eparch.core.errors import BadInput
from eparch.database.bulk import insert_rows, is_one_of, listed, records, update_rows
from eparch.database.faults import translated
from eparch.database.transactions import Transaction
from eparch.database.types import Json, Timestamp, Uuid, Words
from tests.database.connections import connected

SAMPLE = Table(
    "sample",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("instant", Timestamp),
    Column("document", Json),
    Column("words", Words),
    Column("number", Integer),
    Column("large", BigInteger),
    Column("flag", Boolean),
)
NAMES = tuple(SAMPLE.columns.keys())

# PostgreSQL stores no NUL character, and UTF-8 has no lone surrogates.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
# As the API takes them: with any offset, as long as the instant in UTC is one that Python knows.
instants = st.datetimes(
    datetime(1, 1, 2),  # noqa: DTZ001 - gets its zone beside
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
).map(lambda instant: instant.replace(fold=0))
values = st.fixed_dictionaries(
    {
        "instant": st.none() | instants,
        "document": documents,
        "words": st.none() | texts,
        "number": st.none() | st.integers(-(2**31), 2**31 - 1),
        "large": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
    }
)
rows_given = st.lists(values, min_size=1, max_size=5).map(
    lambda given_values: [{"id": id_of(index), **row} for index, row in enumerate(given_values)]
)
with_one_database = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def id_of(number: int) -> str:
    return f"01890a5d-ac96-774b-bcce-{number:012x}"


def row_of(index: int, **given_values: Any) -> dict[str, Any]:
    return {"id": id_of(index), **dict.fromkeys(NAMES[1:]), **given_values}


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connected(database_url) as connection:
        SAMPLE.create(connection)
        yield connection


def stored(connection: Connection) -> list[dict[str, Any]]:
    """Return all rows, and prove that each value has exactly its Python type."""
    rows = [dict(row._mapping) for row in connection.execute(select(SAMPLE).order_by(SAMPLE.c.id))]
    for row in rows:
        assert row["instant"] is None or row["instant"].tzinfo is UTC
        assert row["flag"] is None or type(row["flag"]) is bool
        assert type(row["id"]) is str
    return rows


def exactly(value: Any) -> str:
    """Return a text that tells 1 from 1.0 and from True, and 0.0 from -0.0."""
    return repr(value)


def all_exactly(rows: list[dict[str, Any]]) -> list[str]:
    """Return the same of rows, whose columns may be in any order."""
    return [exactly(sorted(row.items(), key=lambda item: item[0])) for row in rows]


def written(connection: Connection, rows: list[dict[str, Any]], way: str) -> list[dict[str, Any]]:
    """Write rows into the emptied table in one of the ways that there are, and return what is stored."""
    tx = Transaction(connection)
    tx.execute(SAMPLE.delete())
    match way:
        case "insert_rows":
            assert insert_rows(tx, SAMPLE, rows) == len(rows)
        case "raw":
            raw = [{**row, "document": msgspec.Raw(msgspec.json.encode(row["document"]))} for row in rows]
            insert_rows(tx, SAMPLE, raw)
        case "update_rows":
            insert_rows(tx, SAMPLE, [{**row_of(0, words="before"), "id": row["id"]} for row in rows])
            assert update_rows(tx, SAMPLE, rows) == len(rows)
        case "statement":
            for row in rows:
                tx.execute(insert(SAMPLE).values(row))
    return stored(connection)


@pytest.mark.parametrize("way", ["insert_rows", "raw", "update_rows", "statement"])
def test_what_is_written_is_read(connection: Connection, way: str) -> None:
    @with_one_database
    @given(rows_given)
    def property_of(rows: list[dict[str, Any]]) -> None:
        in_utc = [{**row, "instant": row["instant"] and row["instant"].astimezone(UTC)} for row in rows]
        assert all_exactly(written(connection, rows, way)) == all_exactly(in_utc)

    property_of()


@pytest.mark.parametrize("way", ["insert_rows", "statement"])
@pytest.mark.parametrize(
    "instant",
    [
        datetime.min.replace(tzinfo=UTC),
        datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(1900, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30, seconds=-12))),
        datetime.max.replace(tzinfo=UTC),
    ],
    ids=lambda instant: instant.isoformat(),
)
def test_instants_at_the_ends_keep_their_microseconds(connection: Connection, way: str, instant: datetime) -> None:
    assert written(connection, [row_of(1, instant=instant)], way)[0]["instant"] == instant


@pytest.mark.parametrize("way", ["insert_rows", "raw", "update_rows", "statement"])
@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        "",
        0,
        False,
        {"": None, "a": [None, {"b": None}]},
        {"'; DROP TABLE sample; --": '"quoted" \\ %s %(x)s :name ?'},
        {"big": 2**53 + 1, "bigger": 2**64, "biggest": -(10**40)},
        {"small": 5e-324, "large": 1.7976931348623157e308, "zero": -0.0, "float": 1.0},
        ["snow ☃", "family 👨‍👩‍👧", "right-to-left \u202e", "newline\n\ttab", "é", "e\u0301", "\x7f\x1f"],
        [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]],
    ],
    ids=lambda document: repr(document)[:20],
)
def test_a_document_comes_back_as_it_was(connection: Connection, way: str, document: Any) -> None:
    assert exactly(written(connection, [row_of(1, document=document)], way)[0]["document"]) == exactly(document)


def test_none_is_null_and_not_a_document(connection: Connection) -> None:
    # A raw `null` is one too: whatever wrote it, the same question finds it.
    for way in ("insert_rows", "update_rows", "statement", "raw"):
        written(connection, [row_of(1)], way)
        assert connection.scalar(select(SAMPLE.c.id).where(SAMPLE.c.document.is_(None))) == id_of(1), way


@pytest.mark.parametrize("way", ["insert_rows", "statement"])
def test_a_value_that_postgresql_cannot_hold_is_bad_input(postgresql_databases: Any, way: str) -> None:
    with postgresql_databases.fresh() as url, connected(url) as connection:
        SAMPLE.create(connection)
        for bad in ({"words": "NUL \x00"}, {"number": 2**31}, {"large": 2**63}):
            with pytest.raises(Exception) as caught, connection.begin_nested():  # noqa: PT011 - checked below
                written(connection, [row_of(1, **bad)], way)
            assert isinstance(translated(caught.value), BadInput), bad


# ---- Many rows ----


def test_rows_that_clash_are_left_out_and_not_counted(connection: Connection) -> None:
    tx = Transaction(connection)
    assert insert_rows(tx, SAMPLE, [row_of(1, words="first")]) == 1
    again = [row_of(number, words="second") for number in (1, 2, 3)]
    assert insert_rows(tx, SAMPLE, again, on_conflict="ON CONFLICT DO NOTHING") == 2
    assert [row["words"] for row in stored(connection)] == ["first", "second", "second"]


def test_only_the_columns_that_are_given_are_changed_and_only_the_rows_that_exist(connection: Connection) -> None:
    tx = Transaction(connection)
    insert_rows(tx, SAMPLE, [row_of(1, words="a", number=1), row_of(2, words="b", number=2)])
    changes = [{"number": 20, "id": id_of(2)}, {"number": 30, "id": id_of(3)}]
    assert update_rows(tx, SAMPLE, changes) == 1
    assert [(row["words"], row["number"]) for row in stored(connection)] == [("a", 1), ("b", 20)]


def test_rows_are_changed_by_another_key_than_the_id(connection: Connection) -> None:
    tx = Transaction(connection)
    insert_rows(tx, SAMPLE, [row_of(number, words=f"w{number % 2}") for number in range(4)])
    assert update_rows(tx, SAMPLE, [{"words": "w1", "flag": True}], key="words") == 2
    assert [row["flag"] for row in stored(connection)] == [None, True, None, True]


def test_no_rows_are_no_statement(connection: Connection) -> None:
    tx = Transaction(connection)
    assert (insert_rows(tx, SAMPLE, []), update_rows(tx, SAMPLE, [])) == (0, 0)
    assert tx.touched == set()


def test_writing_notes_the_table(connection: Connection) -> None:
    for way in ("insert_rows", "update_rows", "statement"):
        tx = Transaction(connection)
        tx.execute(SAMPLE.delete())
        assert tx.touched == {"sample"}
        written(connection, [row_of(1)], way)


@pytest.mark.parametrize(
    ("name", "held", "asked", "found"),
    [
        ("id", [id_of(1), id_of(2), id_of(3)], [id_of(1), id_of(3), id_of(9)], [id_of(1), id_of(3)]),
        ("words", ["a", "é'\"\\", "%s ☃", None], ["é'\"\\", "%s ☃", "", "A"], ["é'\"\\", "%s ☃"]),
        ("number", [-1, 0, 2**31 - 1], [0, 2**31 - 1, 5], [0, 2**31 - 1]),
        ("large", [-(2**63), 2**63 - 1, 1], [-(2**63), 2**63 - 1], [-(2**63), 2**63 - 1]),
        ("words", ["a", None], [], []),
    ],
)
def test_is_one_of_finds_what_is_in_the_list(
    connection: Connection, name: str, held: list[Any], asked: list[Any], found: list[Any]
) -> None:
    tx = Transaction(connection)
    rows = [
        row_of(10 + index, **{name: value}) if name != "id" else row_of(index + 1) for index, value in enumerate(held)
    ]
    insert_rows(tx, SAMPLE, rows)
    column = SAMPLE.c[name]
    statement = select(column).where(is_one_of(column, "asked")).order_by(SAMPLE.c.id)
    assert [row[0] for row in tx.rows(statement, {"asked": listed(asked)})] == found


def test_is_one_of_agrees_with_python(connection: Connection) -> None:
    tx = Transaction(connection)
    statement = select(SAMPLE.c.words).where(is_one_of(SAMPLE.c.words, "asked"))

    @with_one_database
    @given(st.sets(texts, max_size=6), st.sets(texts, max_size=6))
    def property_of(held: set[str], asked: set[str]) -> None:
        tx.execute(SAMPLE.delete())
        insert_rows(tx, SAMPLE, [row_of(index, words=value) for index, value in enumerate(held)])
        assert {row[0] for row in tx.rows(statement, {"asked": listed(asked)})} == held & asked

    property_of()


def test_records_join_with_a_table_and_nulls_match_nothing(connection: Connection) -> None:
    tx = Transaction(connection)
    held = [row_of(1, words="a", number=1), row_of(2, words="a", number=2), row_of(3, words="b", number=1)]
    insert_rows(tx, SAMPLE, [*held, row_of(4, number=1)])
    wanted = records("wanted", words=Words(), number=Integer(), note=Words())
    joined = select(SAMPLE.c.id, wanted.c.note).select_from(
        SAMPLE.join(wanted, (SAMPLE.c.words == wanted.c.words) & (SAMPLE.c.number == wanted.c.number))
    )
    asked = [
        {"words": "a", "number": 2, "note": "☃"},
        {"words": "b", "number": 1, "note": None},
        {"words": "b", "number": 2, "note": "none such"},
        {"words": None, "number": 1, "note": "null"},
    ]
    assert sorted(map(tuple, tx.rows(joined, {"wanted": listed(asked)}))) == [(id_of(2), "☃"), (id_of(3), None)]
    assert tx.rows(joined, {"wanted": listed([])}) == []


def test_records_keep_every_type(connection: Connection) -> None:
    tx = Transaction(connection)
    wanted = records("wanted", id=Uuid(), words=Words(), number=Integer(), large=BigInteger(), flag=Boolean())

    @with_one_database
    @given(rows_given)
    def property_of(rows: list[dict[str, Any]]) -> None:
        asked = [{name: row[name] for name in ("id", "words", "number", "large", "flag")} for row in rows]
        found = tx.rows(select(wanted).order_by(wanted.c.id), {"wanted": listed(asked)})
        assert all_exactly([dict(row._mapping) for row in found]) == all_exactly(asked)

    property_of()


def test_words_are_in_the_order_of_their_code_points(connection: Connection) -> None:
    tx = Transaction(connection)
    ordered = select(SAMPLE.c.words).order_by(SAMPLE.c.words)

    @with_one_database
    @given(st.lists(texts, max_size=8))
    def property_of(given_words: list[str]) -> None:
        tx.execute(SAMPLE.delete())
        insert_rows(tx, SAMPLE, [row_of(index, words=value) for index, value in enumerate(given_words)])
        assert [row[0] for row in tx.rows(ordered)] == sorted(given_words)

    property_of()


def test_instants_are_in_the_order_of_time(connection: Connection) -> None:
    tx = Transaction(connection)
    ordered = select(SAMPLE.c.instant).order_by(SAMPLE.c.instant)

    @with_one_database
    @given(st.lists(instants, max_size=8))
    def property_of(given_instants: list[datetime]) -> None:
        tx.execute(SAMPLE.delete())
        insert_rows(tx, SAMPLE, [row_of(index, instant=value) for index, value in enumerate(given_instants)])
        assert [row[0] for row in tx.rows(ordered)] == sorted(given_instants)

    property_of()
