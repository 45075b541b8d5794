"""JSON from outside: how deep it nests, and characters that no database holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eparch.core.json_text import DEPTH_MAX, is_too_deep, mended

SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def nested(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"]": ', "}]")])
def test_the_limit_is_the_depth_not_the_size(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    assert not is_too_deep(nested(DEPTH_MAX // levels, opening, closing))
    assert is_too_deep(nested(DEPTH_MAX // levels + 1, opening, closing))


def test_wide_documents_are_not_deep() -> None:
    assert not is_too_deep(json.dumps([{"a": [1, {"b": []}]}] * 10_000).encode())


@pytest.mark.parametrize("text", ["[" * 300, "\\" * 300 + "[" * 300, '"', '\\"[[['])
def test_brackets_within_strings_do_not_count(text: str) -> None:
    assert not is_too_deep(json.dumps({text: [text] * 300}).encode())


@given(VALUES)
def test_what_is_shallow_is_never_refused(value: Any) -> None:
    assert not is_too_deep(json.dumps([value] * 201).encode())


def test_nothing_but_openings_is_too_deep() -> None:
    assert is_too_deep(b"[" * 10_000_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"a\u0000b"', "a\ufffdb"),
        (r'"\ud800"', "\ufffd"),
        (r'"\uDFFFx"', "\ufffdx"),
        (r'"\ud83d\ude80"', "🚀"),
        (r'"\ud83d\ud83d\ude80\ude80"', "\ufffd🚀\ufffd"),
        (r'"\\u0000 \\ud800"', r"\u0000 \ud800"),
        (r'"\\\u0000"', "\\\ufffd"),
        (r'"\n\t\"\u00e9"', '\n\t"é'),
    ],
)
def test_what_stands_for_no_text_becomes_a_replacement_character(text: str, expected: str) -> None:
    assert json.loads(mended(text.encode())) == expected


@given(st.text(st.characters(categories=None) | st.sampled_from("\0\\u\ud800\udc00"), max_size=20))
def test_a_mended_string_differs_only_in_what_no_database_holds(text: str) -> None:
    read = json.loads(mended(json.dumps(text).encode()))
    # Halves that come to stand side by side are a pair, to a reader of JSON.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
    assert read == joined
