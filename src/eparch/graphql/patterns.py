"""Patterns of PostgreSQL, told to SQLite.

In charge of translating `LIKE` to GLOB, and `SIMILAR TO` and POSIX expressions to Python's; not in charge of running
them (`database.sqlite_functions`). On PostgreSQL, patterns are passed on as they are.

Columns have the C collation, so ignoring case, `\\w` and `[[:alpha:]]` mean ASCII on both databases.
"""

import re
from typing import Final

import regex

_CLASSES: Final = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "cntrl": r"\x00-\x1f\x7f",
    "print": r"\x20-\x7e",
    "graph": r"\x21-\x7e",
    "word": r"\w",
}
# Escapes that Python lacks or reads otherwise.
_ESCAPES: Final = {"y": r"\b", "Y": r"\B", "m": r"\b(?=\w)", "M": r"\b(?<=\w)", "<": r"\b(?=\w)", ">": r"\b(?<=\w)"}
_CLASS: Final = re.compile(r"\[:(\w+):\]")


# What is wrong with one, each database says in words of its own.
BAD_REGEX: Final = "invalid regular expression"


class BadPattern(ValueError):
    """A text is no pattern."""


def check_like(pattern: str) -> str:
    """Return a LIKE pattern as it is.

    Raises:
        BadPattern: it ends with a lone escape character; PostgreSQL says so only if a row comes that far.
    """
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise BadPattern("LIKE pattern must not end with escape character")
    return pattern


def glob_of_like(pattern: str) -> str:
    """Return the GLOB pattern that matches what a LIKE pattern does: GLOB minds case, SQLite's LIKE does not."""
    made, signs = "", iter(check_like(pattern))
    for sign in signs:
        if sign == "%":
            made += "*"
        elif sign == "_":
            made += "?"
        else:
            plain = next(signs) if sign == "\\" else sign
            made += f"[{plain}]" if plain in "*?[" else plain
    return made


def regex_of_similar(pattern: str) -> str:
    """Return the expression for a SIMILAR TO pattern, which matches whole texts."""
    made, signs, brackets = "", iter(check_like(pattern)), False
    for sign in signs:
        if sign == "\\":
            made += sign + next(signs)
        elif brackets:
            made += sign
            brackets = sign != "]"
        elif sign in "%_.^$":
            made += {"%": ".*", "_": "."}.get(sign, "\\" + sign)
        else:
            made += sign
            brackets = sign == "["
    return regex_of_posix(rf"\A(?:{made})\Z")


def regex_of_posix(pattern: str) -> str:
    r"""Return Python's form of one of PostgreSQL's regular expressions; compile it with DOTALL and ASCII.

    Translates bracket expressions, `\m \M \y \Y` and `$`, which PostgreSQL does not let match before a last newline.

    Raises:
        BadPattern: it is no regular expression.
    """
    made, at = "", 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\" and at + 1 < len(pattern):
            made += _ESCAPES.get(pattern[at + 1], pattern[at : at + 2])
            at += 2
        elif sign == "[":
            end = _end_of_brackets(pattern, at)
            made += _brackets(pattern[at + 1 : end - 1])
            at = end
        else:
            made += r"\Z" if sign == "$" else sign
            at += 1
    try:
        regex.compile(made, regex.DOTALL | regex.ASCII)
    except (regex.error, OverflowError, RecursionError):
        raise BadPattern(BAD_REGEX) from None
    return made


def _end_of_brackets(pattern: str, start: int) -> int:
    """Return the offset behind the bracket expression at `start`."""
    at = start + 1
    at += pattern.startswith("^", at)
    at += pattern.startswith("]", at)  # a `]` that comes first stands for itself
    while at < len(pattern):
        if named := _CLASS.match(pattern, at):
            at = named.end()
        elif pattern[at] == "]":
            return at + 1
        else:
            at += 2 if pattern[at] == "\\" else 1
    raise BadPattern(BAD_REGEX)


def _brackets(inside: str) -> str:
    made, at = "[", 0
    if inside.startswith("^"):
        made, at = "[^", 1
    while at < len(inside):
        if named := _CLASS.match(inside, at):
            if named[1] not in _CLASSES:
                raise BadPattern(BAD_REGEX)
            made += _CLASSES[named[1]]
            at = named.end()
        elif inside[at] == "\\":
            made += inside[at : at + 2]
            at += 2
        else:
            # Python warns of `[`, `&&`, `||` and `~~` within brackets; they stand for themselves in PostgreSQL.
            made += f"\\{inside[at]}" if inside[at] in "[&|~" else inside[at]
            at += 1
    return made + "]"
