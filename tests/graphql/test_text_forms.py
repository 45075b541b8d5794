"""Texts in and out: escapes, paths, instants, intervals, patterns."""

import json
import sqlite3
from typing import Any

import pytest
from sqlalchemy import select

from eparch.database import sqlite_functions
from eparch.database.rows import first_row
from eparch.graphql.binding import codec, interval_s
from eparch.graphql.dialect import DIALECTS, operand, quoted_json
from eparch.graphql.faults import DataException
from eparch.graphql.paths import parse_path
from eparch.graphql.patterns import BadPattern, glob_of_like, regex_of_posix, regex_of_similar
from tests.graphql.world import World

# Every character below 0x300, and samples of the rest: separators, surrogates' neighbours, the end of each plane.
CHARACTERS = [chr(code) for code in range(1, 0x300)]
CHARACTERS += [
    chr(code) for code in (0x2028, 0x2029, 0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x10FFFF)
]


def test_both_databases_quote_every_character_alike_and_as_json(world: World) -> None:
    sql = str(select(quoted_json(operand("p0", "String"))).compile(dialect=DIALECTS[world.dialect]))
    with world.engine.begin() as connection:
        for sign in CHARACTERS:
            row = first_row(connection, sql, (f"a{sign}b",))
            assert row is not None
            made = row[0] if isinstance(row[0], str) else row[0].decode()
            # Python's own form: short escapes where JSON has them, \u00xx for other control characters, the rest plain.
            assert made == json.dumps(f"a{sign}b", ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("$", ()),
        ("", ()),
        ("$.a.b", ("a", "b")),
        ("a.b", ("a", "b")),
        ("a[0]", ("a", 0)),
        ("$['k']", ("k",)),
        ('$["a b"].c', ("a b", "c")),
        ("[0].x", (0, "x")),
        ("$[0][12]", (0, 12)),
        ("a['b.c'][ 3 ].d", ("a", "b.c", 3, "d")),
        ("__version__", ("__version__",)),
        ("naïve-key", ("naïve-key",)),
    ],
)
def test_paths_are_read(text: str, steps: tuple[str | int, ...]) -> None:
    assert parse_path(text) == steps


@pytest.mark.parametrize(
    "text", ["a..b", "a.", ".", "$a", "a[", "a[x]", "a[-1]", "['a]", "a]", "a b.c d[", 'a["b\\"c"]', "$."]
)
def test_what_is_no_path_is_none(text: str) -> None:
    assert parse_path(text) is None


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ("2019-01-01 12:00:00", "2019-01-01T12:00:00.000000+00:00"),
        ("2019-01-01", "2019-01-01T00:00:00.000000+00:00"),
        ("2019-01-01T12:00:00Z", "2019-01-01T12:00:00.000000+00:00"),
        ("2019-01-01T12:00:00+02:00", "2019-01-01T10:00:00.000000+00:00"),
        ("2019-01-01 12:00:00 +0200", "2019-01-01T10:00:00.000000+00:00"),
        ("2019-01-01 12:00:00+02", "2019-01-01T10:00:00.000000+00:00"),
        ("2019-01-01 12:00:00 UTC", "2019-01-01T12:00:00.000000+00:00"),
        ("2019-01-01T12:00:00.5", "2019-01-01T12:00:00.500000+00:00"),
        ("2019-01-01T12:00:00.123456789Z", "2019-01-01T12:00:00.123456+00:00"),
        ("2019-01-01T12:00", "2019-01-01T12:00:00.000000+00:00"),
        (None, None),
    ],
)
def test_instants_are_read_in_the_forms_that_clients_send(given: Any, bound: Any) -> None:
    assert codec("timestamptz", "sqlite")(given) == codec("timestamptz", "postgresql")(given) == bound


@pytest.mark.parametrize("given", ["soon", "", "2019-13-01", "12:00", 5, "2019-01-01T12:00:00+99:99"])
def test_what_is_no_instant_is_an_error(given: Any) -> None:
    with pytest.raises(DataException):
        codec("timestamptz", "sqlite")(given)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("00:00:05", 5),
        ("01:00:00", 3600),
        ("26:00:00", 93_600),
        ("1 day 02:00:00", 93_600),
        ("17 days 01:00:03", 17 * 86_400 + 3603),
        ("2 hours 30 minutes", 9000),
        ("1 week", 604_800),
        ("-00:00:05", -5),
        ("90", 90),
        ("1.5", 1.5),
        ("00:00:01.5", 1.5),
        (7, 7),
        (None, None),
    ],
)
def test_intervals_are_read_as_postgresql_writes_them(given: Any, seconds: Any) -> None:
    assert interval_s(given) == seconds


@pytest.mark.parametrize("given", ["", "soon", "1 day x", "1:2:3:4", "5 parsecs"])
def test_what_is_no_interval_is_an_error(given: str) -> None:
    with pytest.raises(DataException):
        interval_s(given)


def test_unstorable_characters_are_replaced_in_operands_of_every_kind() -> None:
    for dialect in DIALECTS:
        assert codec("String", dialect)("a\x00b\ud800") == "a\ufffdb\ufffd"
        assert json.loads(codec("jsonb", dialect)({"k\x00": ["\ud800", "\\u0000"]})) == {
            "k\ufffd": ["\ufffd", "\\u0000"]
        }
    assert codec("String[]", "postgresql")(["\x00"]) == ["\ufffd"]
    assert codec("String[]", "sqlite")(["\x00"]) == '["\ufffd"]'


def test_ids_that_are_none_equal_nothing_and_drop_out_of_lists() -> None:
    good = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    assert codec("uuid", "sqlite")("x") is None
    assert codec("uuid[]", "postgresql")(["x", good.upper(), None]) == [good]


LIKE = [("a%", "abc", True), ("a_c", "abc", True), ("A%", "abc", False), ("a\\%", "a%", True), ("a\\%", "ab", False)]
LIKE += [("*[?]", "*[?]", True), ("*", "abc", False), ("\\\\", "\\", True), ("", "", True), ("%é_", "xéy", True)]


@pytest.mark.parametrize(("pattern", "text", "matches"), LIKE)
def test_like_is_told_to_sqlite_as_glob(pattern: str, text: str, matches: bool) -> None:
    ((found,),) = sqlite3.connect(":memory:").execute("SELECT ? GLOB ?", (text, glob_of_like(pattern)))
    assert bool(found) is matches


@pytest.mark.parametrize("pattern", ["a\\", "\\", "a\\\\\\"])
def test_a_pattern_that_ends_with_an_escape_is_an_error(pattern: str) -> None:
    with pytest.raises(BadPattern):
        glob_of_like(pattern)


PATTERNS = [
    ("regex", "^a$", "a\n"),
    ("regex", "a.b", "a\nb"),
    ("regex", "[[:alpha:]]+[[:digit:]]", "é1"),
    ("regex", "[]a]", "]"),
    ("regex", "[^]a]", "b"),
    ("regex", "[a[]", "["),
    ("regex", "[a&&b]", "&"),
    ("regex", "[\\]x]", "]"),
    ("regex", "\\mfoo\\M", "a foo b"),
    ("regex", "\\mfoo\\M", "afoo"),
    ("regex", "\\yfoo", "foobar"),
    ("regex", "\\d{2,3}", "a12"),
    ("regex", "(a|b)\\1", "aa"),
    ("regex", "\\w", "é"),
    ("regex", "a$b", "a$b"),
    ("regex", "\\$", "$"),
    ("iregex", "É", "é"),
    ("iregex", "ABC", "xabcx"),
    ("similar", "a%", "abc\n"),
    ("similar", "(a|b)+", "abba"),
    ("similar", "a.c", "abc"),
    ("similar", "a^c$", "a^c$"),
    ("similar", "[a-c]_", "bz"),
    ("similar", "[[:digit:]]{2}", "42"),
    ("similar", "a\\%", "a%"),
    ("similar", "%", ""),
]


@pytest.mark.parametrize(("operator", "pattern", "text"), PATTERNS)
def test_both_databases_match_alike(world: World, operator: str, pattern: str, text: str) -> None:
    # Asked of PostgreSQL itself, so that the expectation is its own.
    sql = {"regex": "%s ~ %s", "iregex": "%s ~* %s", "similar": "%s SIMILAR TO %s"}[operator]
    translated = regex_of_similar(pattern) if operator == "similar" else regex_of_posix(pattern)
    ours = sqlite_functions.is_match(text, translated, int(operator == "iregex"))
    if world.dialect == "postgresql":
        driver: Any = world.engine.raw_connection()
        try:
            with driver.cursor() as cursor:
                cursor.execute(f"SELECT {sql}".replace("%s", '%s::text COLLATE "C"', 1), (text, pattern))
                assert cursor.fetchone()[0] is ours
        finally:
            driver.close()
    else:
        assert ours is not None


@pytest.mark.parametrize("pattern", ["(", "[a", "*a", "[[:nope:]]", "\\", "a)", "[b-a]"])
def test_what_is_no_regular_expression_is_an_error(pattern: str) -> None:
    with pytest.raises(BadPattern):
        regex_of_posix(pattern)


def test_documents_are_compared_as_jsonb_compares_them() -> None:
    ascending = [
        "null",
        '""',
        '"a"',
        '"b"',
        "-1",
        "0",
        "1.5",
        "false",
        "true",
        "[]",
        '["z"]',
        "[0, 0]",
        "{}",
        '{"b": 0}',
    ]
    ascending += ['{"a": 1, "b": 0}', '{"aa": 0, "b": 0}']
    for index, one in enumerate(ascending):
        for other_index, other in enumerate(ascending):
            assert sqlite_functions.compare_json(one, other) == (index > other_index) - (index < other_index), (
                one,
                other,
            )
    assert sqlite_functions.compare_json('{"a":1,"b":[1.0]}', '{"b": [1], "a": 1e0}') == 0
    assert sqlite_functions.compare_json("1", "true") != 0
    assert sqlite_functions.compare_json(None, "1") is None


def test_a_document_is_one_of_several_or_not_and_a_null_is_neither() -> None:
    assert sqlite_functions.is_one_of('{"a":1}', '["1", "{\\"a\\": 1.0}"]') is True
    assert sqlite_functions.is_one_of("2", '["1"]') is False
    assert sqlite_functions.is_one_of(None, '["1"]') is None
    assert sqlite_functions.is_one_of(None, "[]") is False


@pytest.mark.parametrize(
    ("outer", "inner", "contains"),
    [
        ('{"a":1,"b":2}', '{"b":2.0}', True),
        ('{"a":{"b":[1,2]}}', '{"a":{"b":[2]}}', True),
        ('{"a":1}', '{"a":1,"b":2}', False),
        ("[1,[2,3]]", "[[3]]", True),
        ("[1,2]", "[2,2,1]", True),
        ("[1,2]", "2", True),
        ("[[1]]", "1", False),
        ('"a"', '"a"', True),
        ('{"a":1}', '["a"]', False),
        ("[]", "[]", True),
        ("1", "true", False),
    ],
)
def test_containment_is_that_of_jsonb(world: World, outer: str, inner: str, contains: bool) -> None:
    assert sqlite_functions.contains_json(outer, inner) is contains
    if world.dialect == "postgresql":
        with world.engine.connect() as connection:
            theirs = connection.exec_driver_sql("SELECT %s::jsonb @> %s::jsonb", (outer, inner)).scalar()
        assert theirs is contains


def test_exact_figures() -> None:
    assert sqlite_functions.average(1, 3) == "0.333333333"
    assert sqlite_functions.average(1, 1024) == "0.000976563"
    assert sqlite_functions.average(-1, 1024) == "-0.000976563"
    assert sqlite_functions.average(6, 3) == "2"
    assert sqlite_functions.average(0, 3) == "0"
    assert sqlite_functions.average(None, 0) is None
    assert sqlite_functions.average(123_456_789_012_345_678, 7) == "17636684144620811.142857143"
    assert sqlite_functions.spread(1, 5, 25, 1, 1) is None
    assert sqlite_functions.spread(1, 5, 25, 0, 1) == "0"
    assert sqlite_functions.spread(2, 3, 5, 1, 1) == "0.707106781"
