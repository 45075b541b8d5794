"""Lifting literals out of the text of a document.

In charge of telling apart what a document says (its shape) and with which values; not in charge of what it means. Two
documents that differ in strings and numbers only have one shape, and are parsed, validated and planned once.

The shape keeps the kind of each literal, because validation judges by it: a string becomes ` "" `, a number ` 0 ` or
` 0.0 `. A list of strings or of integers becomes `[ "" ]` or `[ 0 ]` whatever its length. Comments are dropped.
"""

import json
import re
from typing import Any, Final, NamedTuple

import msgspec

from eparch.core.json_text import mended

# `(?!"")`: three quotes open a block string, never an empty string. Possessive, so that no input backtracks for long.
_STRING: Final = (
    r'"(?!"")[^"\\\n\r]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\})[^"\\\n\r]*+)*+"'
)  # fmt: skip
_BLOCK: Final = r'"""(?:[^"\\]++|\\"""|\\|"(?!""))*+"""'
_INTEGER: Final = r"-?(?:0|[1-9][0-9]*+)(?![\w.])"
_NUMBER: Final = r"(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![\w.])"
_LITERAL: Final = re.compile(
    rf"(\[[\s,]*+(?:(?:{_STRING}[\s,]*+)++|(?:{_INTEGER}[\s,]*+)++)\]"
    rf"|{_BLOCK}|{_STRING}|\"|(?:-|(?<![\w.\-])){_NUMBER}|\#[^\n\r]*+)",
    re.ASCII,
)
_ITEM: Final = re.compile(rf"{_STRING}|{_INTEGER}", re.ASCII)
_LONG_ESCAPE: Final = re.compile(r"\\(?:u\{([0-9A-Fa-f]+)\}|.)", re.DOTALL)

STRINGS: Final = '[ "" ]'
INTEGERS: Final = "[ 0 ]"


class Lifted(NamedTuple):
    """A document taken apart.

    Attributes:
        shape: the text with a placeholder for each literal.
        values: the literals in the order of the text: str, int, float, or a list for a lifted list.
    """

    shape: str
    values: tuple[Any, ...]


def lift(text: str) -> Lifted:
    """Return the shape of a document and its literals.

    Works on any text; what is no GraphQL comes out as a shape that is none either.
    """
    parts = _LITERAL.split(text)
    values: list[Any] = []
    for index in range(1, len(parts), 2):
        token = parts[index]
        match token[0]:
            case '"' if len(token) == 1:
                # A string that does not end: what follows could be taken for anything.
                return Lifted(text, ())
            case '"':
                values.append(decode_string(token))
                parts[index] = ' "" '
            case "[":
                values.append(_decode_list(token))
                parts[index] = STRINGS if '"' in token else INTEGERS
            case "#":
                parts[index] = ""
            case _:
                number = decode_number(token)
                values.append(number)
                parts[index] = " 0 " if isinstance(number, int) else " 0.0 "
    return Lifted("".join(parts), tuple(values))


def decode_string(token: str) -> str:
    """Return what a string literal stands for, quotes and escapes removed. Halves of surrogate pairs are joined.

    What no database holds, NUL and lone halves, becomes U+FFFD.
    """
    if token.startswith('"""'):
        return _dedent(token[3:-3].replace('\\"""', '"""'))
    if "\\" not in token:
        return token[1:-1]
    if r"\u{" in token:
        token = _LONG_ESCAPE.sub(_shorten, token)
    if r"\u" in token:
        token = mended(token.encode()).decode()
    try:
        return msgspec.json.decode(token, type=str)
    except msgspec.DecodeError:
        # Tabs may stand in a GraphQL string; strict JSON forbids them.
        decoded: str = json.loads(token, strict=False)
        return decoded


def _decode_list(token: str) -> list[Any]:
    if r"\u" in token:
        token = mended(token.encode()).decode()
    try:
        decoded: list[Any] = msgspec.json.decode(token)
    except msgspec.DecodeError:
        return [decode_string(item) if item[0] == '"' else decode_number(item) for item in _ITEM.findall(token)]
    return decoded


def decode_number(token: str) -> int | float:
    """Return what a number stands for."""
    try:
        return int(token)
    except ValueError:
        # A fraction or an exponent; or more digits than Python converts, which is no Int anyhow.
        return float(token)


def _shorten(match: re.Match[str]) -> str:
    if match[1] is None:
        return match[0]
    point = int(match[1], 16)
    if point > 0x10FFFF:
        return "\\ufffd"
    return json.dumps(chr(point))[1:-1]


def _dedent(raw: str) -> str:
    """Return the value of a block string. Source: GraphQL specification, BlockStringValue()."""
    lines = re.split(r"\r\n|[\n\r]", raw)
    indents = [len(line) - len(line.lstrip(" \t")) for line in lines[1:] if line.strip(" \t")]
    common = min(indents, default=0)
    lines = [lines[0], *(line[common:] for line in lines[1:])]
    while lines and not lines[0].strip(" \t"):
        lines.pop(0)
    while lines and not lines[-1].strip(" \t"):
        lines.pop()
    return "\n".join(lines)
