"""Characters in literals of documents that no database holds."""

import pytest

from eparch.graphql.literals import decode_string, lift


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (r'"a\u0000b"', "a\ufffdb"),
        (r'"a\u{0}b"', "a\ufffdb"),
        (r'"\ud83d"', "\ufffd"),
        (r'"\u{d83d}"', "\ufffd"),
        (r'"\ud83d\ude80"', "🚀"),
        (r'"\\u0000"', r"\u0000"),
        ('"\t\\u0000"', "\t\ufffd"),
    ],
)
def test_what_is_no_text_becomes_a_replacement_character(token: str, expected: str) -> None:
    assert decode_string(token) == expected


def test_so_it_does_within_a_lifted_list() -> None:
    assert lift(r'{ a(in: ["\u0000", "\ud83d", "\u{0}", "x"]) }').values == (["\ufffd", "\ufffd", "\ufffd", "x"],)
