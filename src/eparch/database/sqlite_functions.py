"""SQL functions that SQLite lacks and the API's operators need, written in Python.

In charge of regular expressions, of comparing JSON the way PostgreSQL's jsonb does, and of exact statistics; not in
charge of when they are called (`graphql.dialect`). PostgreSQL has all of them built in.
"""

import json
import sqlite3
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, Final

import regex

# Enough for exact sums of squares of 64-bit integers, and for nine right digits of a root of them.
_EXACT: Final = Context(prec=60)
_NINTH: Final = Decimal("0.000000001")

# One value of one row. The standard library's `re` has no limit, and a pattern such as `(a+)+$` would never end.
_MATCH_S_MAX: Final = 0.25

# The order of kinds in jsonb, lowest first.
_RANKS: Final[dict[type, int]] = {type(None): 0, str: 1, int: 2, Decimal: 2, bool: 3, list: 4, dict: 5}


def register(connection: sqlite3.Connection) -> None:
    """Make the functions known to a connection."""
    for name, arity, function in _FUNCTIONS:
        connection.create_function(name, arity, function, deterministic=True)


def is_match(text: str | None, pattern: str | None, ignore_case: int) -> bool | None:
    """Return whether a regular expression occurs in `text`; None where either is missing.

    `.` matches a newline too, and `\\w` and case are those of ASCII, as in PostgreSQL with the C collation.

    Raises:
        TimeoutError: the pattern backtracks without end. Other threads go on meanwhile: the search lets go of the GIL.
    """
    if text is None or pattern is None:
        return None
    found = _compiled(pattern, ignore_case).search(text, concurrent=True, timeout=_MATCH_S_MAX)
    return found is not None


def compare_json(left: str | None, right: str | None) -> int | None:
    """Return -1, 0 or 1 as jsonb orders two documents.

    Source: PostgreSQL manual, 8.14.4: object > array > boolean > number > string > null; more members > fewer.
    """
    if left is None or right is None:
        return None
    return 0 if left == right else _compare(_document(left), _document(right))


def is_one_of(document: str | None, others: str) -> bool | None:
    """Return whether a document equals one of several; `others` is a JSON list of documents as text.

    In nothing there is nothing, not even a NULL that might be it.
    """
    texts = _document(others)
    if not texts:
        return False
    return None if document is None else any(compare_json(document, text) == 0 for text in texts)


def contains_json(outer: str | None, inner: str | None) -> bool | None:
    """Return what jsonb's `outer @> inner` is."""
    if outer is None or inner is None:
        return None
    whole, part = _document(outer), _document(inner)
    # The one exception that the manual names: an array contains a bare scalar.
    if isinstance(whole, list) and not isinstance(part, list | dict):
        return any(_compare(item, part) == 0 for item in whole)
    return _contains(whole, part)


def has_key(document: str | None, key: str | None) -> bool | None:
    """Return what jsonb's `document ? key` is: a member's name, or a string in an array, or the string itself."""
    if document is None or key is None:
        return None
    return key in _keys(_document(document))


def has_any_key(document: str | None, keys: str | None) -> bool | None:
    """Return what jsonb's `document ?| keys` is; `keys` is a JSON list of strings."""
    if document is None or keys is None:
        return None
    present = _keys(_document(document))
    return any(key in present for key in _document(keys) if key is not None)


def has_all_keys(document: str | None, keys: str | None) -> bool | None:
    """Return what jsonb's `document ?& keys` is; `keys` is a JSON list of strings."""
    if document is None or keys is None:
        return None
    present = _keys(_document(document))
    return all(key in present for key in _document(keys) if key is not None)


def decimal_text(value: Decimal) -> str:
    """Return a number with at most nine decimals and no trailing zeros, as a JSON number.

    Rounds halves away from zero, as PostgreSQL's numeric does.
    """
    rounded = value.quantize(_NINTH, rounding=ROUND_HALF_UP, context=_EXACT)
    text = f"{rounded:f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def average(total: int | None, count: int) -> str | None:
    """Return the mean of `count` integers from their sum; None for no integers."""
    return None if total is None or not count else decimal_text(_EXACT.divide(Decimal(total), Decimal(count)))


def spread(count: int, total: int | None, squares: int | None, is_sample: int, is_root: int) -> str | None:
    """Return a variance or, with `is_root`, a standard deviation of integers.

    Args:
        count: how many integers there are.
        total: their sum.
        squares: the sum of their squares.
        is_sample: divide by `count - 1` instead of `count`.
    Returns:
        None where the figure is undefined: no integers, or one integer and `is_sample`.
    """
    divisor = count - 1 if is_sample else count
    if total is None or squares is None or divisor < 1:
        return None
    deviation = Decimal(count * squares - total * total)
    variance = _EXACT.divide(deviation, Decimal(count * divisor))
    return decimal_text(_EXACT.sqrt(variance) if is_root else variance)


@lru_cache(512)
def _compiled(pattern: str, ignore_case: int) -> regex.Pattern[str]:
    return regex.compile(pattern, regex.DOTALL | regex.ASCII | (regex.IGNORECASE if ignore_case else 0))


@lru_cache(1024)
def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _document(text: str) -> Any:
    # Operands are short and come back for every row; stored documents may be large and are seen once.
    return _parsed(text) if len(text) < 256 else json.loads(text, parse_float=Decimal)


def _keys(document: Any) -> Any:
    if isinstance(document, dict):
        return document
    if isinstance(document, list):
        return {item for item in document if isinstance(item, str)}
    return (document,) if isinstance(document, str) else ()


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        if not isinstance(whole, dict):
            return False
        return all(name in whole and _contains(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(_contains(item, value) for item in whole) for value in part)
    return not isinstance(whole, dict | list) and _compare(whole, part) == 0


def _compare(left: Any, right: Any) -> int:
    left_rank, right_rank = _RANKS[type(left)], _RANKS[type(right)]
    if left_rank != right_rank:
        return _sign(left_rank, right_rank)
    if isinstance(left, list):
        return _sign(len(left), len(right)) or _first_difference(left, right)
    if isinstance(left, dict):
        if len(left) != len(right):
            return _sign(len(left), len(right))
        return _first_difference(_members(left), _members(right))
    if isinstance(left, str):
        return _sign(left.encode(errors="surrogatepass"), right.encode(errors="surrogatepass"))
    return 0 if left is None else _sign(left, right)


def _members(document: dict[str, Any]) -> list[Any]:
    """Return names and values in turn, in jsonb's order of names: shorter ones first."""
    names = sorted(document, key=lambda name: (len(raw := name.encode(errors="surrogatepass")), raw))
    return [part for name in names for part in (name, document[name])]


def _first_difference(left: list[Any], right: list[Any]) -> int:
    for one, other in zip(left, right, strict=True):
        if difference := _compare(one, other):
            return difference
    return 0


def _sign(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


_FUNCTIONS: Final[tuple[tuple[str, int, Callable[..., Any]], ...]] = (
    ("eparch_is_match", 3, is_match),
    ("eparch_compare_json", 2, compare_json),
    ("eparch_is_one_of", 2, is_one_of),
    ("eparch_contains_json", 2, contains_json),
    ("eparch_has_key", 2, has_key),
    ("eparch_has_any_key", 2, has_any_key),
    ("eparch_has_all_keys", 2, has_all_keys),
    ("eparch_average", 2, average),
    ("eparch_spread", 5, spread),
)
