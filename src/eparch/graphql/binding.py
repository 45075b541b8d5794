"""From the value of an operand to a parameter of the driver.

In charge of what texts are instants, intervals, ids and patterns, and of the form that each dialect wants; not in
charge of where values come from (`operands`).

PostgreSQL refuses NUL and lone halves of surrogate pairs in text; both become U+FFFD, on both databases. An id that is
no UUID becomes NULL, which equals nothing: clients look up ids of the wrong kind and expect an empty list.
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from eparch.core.errors import BadInput
from eparch.core.ids import parse_uuid
from eparch.core.instants import parse_instant, timestamp_text
from eparch.graphql.faults import DataException
from eparch.graphql.patterns import BadPattern, check_like, glob_of_like, regex_of_posix, regex_of_similar
from eparch.graphql.variables import shown

Codec: TypeAlias = Callable[[Any], Any]

_INT_MAX: Final = 2**31
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_OFFSET_AFTER_SPACE: Final = re.compile(r"(?<=[0-9])\s+(?=[+-][0-9:]+$|Z$)")
_INTERVAL_UNIT: Final = re.compile(
    r"\s*([+-]?\d+(?:\.\d+)?)\s*(weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)\b,?", re.IGNORECASE
)
_INTERVAL_CLOCK: Final = re.compile(r"\s*([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?\s*$")
_UNIT_S: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def codec(name: str, dialect: str) -> Codec:
    """Return the function that makes a parameter of a value; it raises DataException or BadInput."""
    return (_SQLITE if dialect == "sqlite" else _POSTGRESQL)[name]


def clean(text: str) -> str:
    """Return text without what PostgreSQL cannot store."""
    return _UNSTORABLE.sub("\ufffd", text)


def _text(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise DataException(f"{shown(value)} is no text.")
    return clean(value) if not value.isascii() or "\x00" in value else value


def _uuid(value: Any) -> Any:
    return parse_uuid(value) if isinstance(value, str) else None


def _integer(value: Any) -> Any:
    if value is None:
        return None
    if type(value) is not int or not -_INT_MAX <= value < _INT_MAX:
        raise DataException(f"{shown(value)} is out of range for an integer of 32 bits.")
    return value


def _boolean(value: Any) -> Any:
    return value


def _instant(value: Any) -> Any:
    if value is None:
        return None
    instant = parse_instant(_OFFSET_AFTER_SPACE.sub("", value.removesuffix(" UTC"))) if isinstance(value, str) else None
    if instant is None:
        raise DataException(
            f"{shown(value)} is no instant.",
            hint="Write it like 2019-01-31T12:00:00+00:00; without an offset it is UTC.",
        )
    return timestamp_text(instant)


def interval_s(value: Any) -> Any:
    """Return an interval in seconds: a number, `01:00:00`, `1 day 02:00:00`, `17 days`, `90 seconds`."""
    if value is None or type(value) in (int, float):
        return value
    text = value.strip() if isinstance(value, str) else ""
    total: float = 0
    at = 0
    while match := _INTERVAL_UNIT.match(text, at):
        total += float(match[1]) * _UNIT_S[match[2][0].lower()]
        at = match.end()
    if clock := _INTERVAL_CLOCK.match(text, at):
        seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + float(clock[4] or 0)
        total += -seconds if clock[1] == "-" else seconds
        at = len(text)
    if at < len(text) or not text:
        try:
            total = float(text)
        except ValueError:
            raise DataException(
                f"{shown(value)} is no interval.", hint="Write it like 01:00:00 or 1 day 02:00:00."
            ) from None
    return int(total) if total.is_integer() else total


def _json(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = msgspec.json.encode(_cleaned(value)).decode()
    return msgspec.json.encode(_cleaned(value)).decode() if "\\u0000" in text else text


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(one) for one in value]
        case dict():
            return {clean(name): _cleaned(member) for name, member in value.items()}
    return value


def _list(codec_of_item: Codec, *, is_id: bool = False) -> Codec:
    def bind(value: Any) -> Any:
        items = value if isinstance(value, list | tuple) else [value]
        bound = [codec_of_item(one) for one in items]
        return [one for one in bound if one is not None] if is_id else bound

    return bind


def _as_json(codec_of_list: Codec) -> Codec:
    return lambda value: msgspec.json.encode(codec_of_list(value)).decode()


def _as_text(codec_of_number: Codec) -> Codec:
    """Bind numbers as text, of no declared type: the driver would prepare a statement anew for each size of integer."""

    def bind(value: Any) -> Any:
        number = codec_of_number(value)
        return None if number is None else str(number)

    return bind


def _pattern(translate: Callable[[str], str]) -> Codec:
    def bind(value: Any) -> Any:
        text = _text(value)
        if text is None:
            return None
        try:
            return translate(text)
        except BadPattern as error:
            raise DataException(str(error)) from None

    return bind


def _count(name: str) -> Codec:
    def bind(value: Any) -> Any:
        if type(value) is not int or not -_INT_MAX <= value < _INT_MAX:
            raise BadInput(f"{shown(value)} is out of range for {name}.")
        if value < 0:
            raise BadInput(f"unexpected negative value for {name}: {value}")
        return value

    return bind


_SCALARS: Final[dict[str, Codec]] = {
    "uuid": _uuid,
    "String": _text,
    "Int": _integer,
    "Boolean": _boolean,
    "timestamptz": _instant,
    "interval": interval_s,
    "jsonb": _json,
    "text": _text,
}

_LISTS: Final[dict[str, Codec]] = {f"{name}[]": _list(bind, is_id=name == "uuid") for name, bind in _SCALARS.items()}

_POSTGRESQL: Final[dict[str, Codec]] = {
    **_SCALARS,
    **_LISTS,
    "Int": _as_text(_integer),
    "interval": _as_text(interval_s),
    "like": _pattern(check_like),
    "ilike": _pattern(check_like),
    "similar": _pattern(check_like),
    "regex": _text,
    "limit": _as_text(_count("limit")),
    "offset": _as_text(_count("offset")),
    "rows": _json,
}

_SQLITE: Final[dict[str, Codec]] = {
    **_SCALARS,
    **{name: _as_json(bind) for name, bind in _LISTS.items()},
    "like": _pattern(glob_of_like),
    "ilike": _pattern(check_like),
    "similar": _pattern(regex_of_similar),
    "regex": _pattern(regex_of_posix),
    "limit": _count("limit"),
    "offset": _count("offset"),
    "rows": _json,
}
