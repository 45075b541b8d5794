"""Lifting literals out of a document never changes what the document says."""

import json
from typing import Any

from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind, parse, validate, value_from_ast_untyped
from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from eparch.graphql.documents import Documents
from eparch.graphql.faults import RequestRefused
from eparch.graphql.literals import lift
from eparch.graphql.prepared import FunctionRoot, TableRoot
from eparch.graphql.schema import schema
from eparch.graphql.statements import bind

DOCUMENTS = Documents()

# NUL and halves of surrogate pairs are left out: they become U+FFFD, and have a test of their own.
# Pieces of documents, chosen to run into each other: quotes, escapes, signs, digits next to names.
_SIGNS = [
    '"',
    '""',
    '"""',
    '\\"',
    "\\",
    "#",
    "\n",
    "\r",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ":",
    "$",
    "...",
    "@",
    "!",
    "=",
    "|",
]
_WORDS = [
    "\\n",
    "\\u0041",
    "\\ud83d\\ude80",
    "a",
    "_",
    "b1",
    "é",
    "0",
    "1",
    "23",
    "-",
    ".",
    ".5",
    "e",
    "E+2",
    "null",
    "true",
]
_WHOLES = [
    '"text"',
    '"a b"',
    '"x",',
    "-7",
    "1.5",
    "[1 2]",
    '["a" "b"]',
    '""" b """',
    ",",
    " ",
    "\t",
    "\ufeff",
    '"',
    "&",
]
_PIECES = st.sampled_from([*_SIGNS, *_WORDS, *_WHOLES])


def lexed(text: str) -> tuple[list[str], list[Any]] | None:
    """Return kinds and literal values as graphql-core reads a text, or None if it cannot.

    In lists of literals of one kind, the kind stands once.
    """
    lexer = Lexer(Source(text))
    kinds, values = [], []
    names = {TokenKind.STRING: "S", TokenKind.BLOCK_STRING: "S", TokenKind.INT: "I", TokenKind.FLOAT: "F"}
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            kind = names.get(token.kind)
            kinds.append(kind or (token.value if token.kind is TokenKind.NAME else token.kind.value))
            if kind == "S":
                values.append(token.value)
            elif kind:
                values.append(int(token.value or "") if kind == "I" else float(token.value or ""))
    except GraphQLSyntaxError:
        return None
    return _drawn_together(kinds), values


def _drawn_together(kinds: list[str]) -> list[str]:
    made: list[str] = []
    for kind in kinds:
        # `[ S S` becomes `[ S`; whether a `]` follows does not matter for comparing two texts.
        if kind in ("S", "I") and len(made) > 1 and made[-1] == kind and made[-2] == "[":
            continue
        made.append(kind)
    return made


def flat(values: Any) -> list[Any]:
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


@given(st.lists(_PIECES, max_size=14).map("".join))
def test_the_shape_of_any_text_has_its_tokens_and_its_literals(text: str) -> None:
    assume("..." not in text)  # before a number it is never right; such a number is not lifted
    lifted = lift(text)
    before, after = lexed(text), lexed(lifted.shape)
    event("tokens" if before else "no tokens")
    assume(before is not None)
    assert before is not None
    assert after is not None, lifted.shape
    assert after[0] == before[0]
    assert flat(lifted.values) == before[1]


@example('"""-7"')  # no end of a string: what follows was taken for another
@given(st.lists(_PIECES, max_size=10).map("".join))
def test_a_text_is_refused_if_and_only_if_it_is_no_valid_document(inside: str) -> None:
    text = f"mutation {{ update_tenant_settings(input: {{settings: [{inside}]}}) {{ id }} }}"
    try:
        is_valid = not validate(schema(), parse(text))
    except GraphQLSyntaxError:
        is_valid = False
    event("valid" if is_valid else "refused")
    try:
        DOCUMENTS.load(text)
    except RequestRefused:
        assert not is_valid
    else:
        assert is_valid


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


def _escaped(text: str) -> str:
    return json.dumps(text)


def _plain(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _braced(text: str) -> str:
    return '"' + "".join(f"\\u{{{ord(sign):x}}}" for sign in text) + '"'


@st.composite
def literals(draw: st.DrawFn, depth: int = 0) -> str:
    """Draw a literal for the JSON scalar, in any of the ways to write it."""
    kind = draw(st.integers(0, 7 if depth < 3 else 3))
    if kind == 0:
        return draw(st.sampled_from([_escaped, _plain, _braced]))(draw(_texts))
    if kind == 1:
        return str(draw(st.integers(-(2**70), 2**70)))
    if kind == 2:
        return repr(draw(st.floats(allow_nan=False, allow_infinity=False)))
    if kind == 3:
        return draw(st.sampled_from(["true", "false", "null", "word", "[]", "{}"]))
    space = draw(st.sampled_from([", ", " ", ' # "comment"\n', ","]))
    if kind == 4:
        return f"[{space.join(draw(st.lists(_texts, max_size=3).map(lambda ones: [_escaped(one) for one in ones])))}]"
    if kind == 5:
        return f"[{space.join(draw(st.lists(literals(depth + 1), max_size=3)))}]"
    return (
        "{" + space.join(f"k{n}: {one}" for n, one in enumerate(draw(st.lists(literals(depth + 1), max_size=3)))) + "}"
    )


@given(literals(), literals())
def test_arguments_are_what_the_text_says(one: str, other: str) -> None:
    text = f"mutation {{ update_tenant_settings(input: {{settings: {{a: {one}, b: [{other}]}}}}) {{ id }} }}"
    loaded = DOCUMENTS.load(text)
    root = loaded.prepare({}).roots[0]
    assert isinstance(root, FunctionRoot)
    node: Any = parse(text).definitions[0]
    expected = value_from_ast_untyped(node.selection_set.selections[0].arguments[0].value)
    assert root.arguments(loaded.literals, {}) == {"input": expected}


@given(st.lists(_texts, max_size=3), _texts, st.integers(0, 2**31 - 1), st.sampled_from([_escaped, _plain, _braced]))
def test_documents_that_differ_in_literals_alone_share_a_plan_and_bind_their_own(
    ids: list[str], name: str, limit: int, write: Any
) -> None:
    listed = ", ".join(_escaped(one) for one in ["x", *ids])
    text = f"{{ project(where: {{name: {{_in: [{listed}], _eq: {write(name)}}}}}, limit: {limit}) {{ id }} }}"
    loaded = DOCUMENTS.load(text)
    assert loaded.operation is DOCUMENTS.load(_SAME_SHAPE).operation
    root = loaded.prepare({}).roots[0]
    assert isinstance(root, TableRoot)
    bound = bind(root.plan, root.statement("sqlite", 10), loaded.literals, {}, "tenant")
    assert set(bound) == {"tenant", json.dumps(["x", *ids], ensure_ascii=False, separators=(",", ":")), name, limit}


_SAME_SHAPE = '{ project(where: {name: {_in: ["a"], _eq: "b"}}, limit: 1) { id } }'
