"""In charge of a single value of a setting: reading it from text or TOML, checking it, describing it, showing it.

Not in charge of which settings there are or where their values come from (`settings`).
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from eparch.core.errors import ConfigurationError

Bounds = tuple[float | None, float | None]
"""Least and most value of a number, both included; None where there is no bound."""


class SettingError(ConfigurationError):
    """A setting has an unknown name or a value that cannot be used."""


def convert(kind: Any, value: object, *, label: str, bounds: Bounds, purpose: str) -> Any:
    """Return `value`, which is text or what TOML has made of it, as `kind`.

    Args:
        kind: a type of `_WORDS`, a Literal of strings, or tuple[str, ...].
        label: where the value stands, for the message: "--port", "EPARCH_PORT", ...
        purpose: what the setting is for, for the hint.
    Raises:
        SettingError: it is not of that kind, or out of its bounds.
    """
    try:
        converted = _parse(kind, value)
        least, most = bounds
        if (least is not None and converted < least) or (most is not None and converted > most):
            raise ValueError
    except ValueError:
        shown = masked(value) if isinstance(value, str) else value
        close = get_close_matches(str(value).lower(), _choices(kind), n=1)
        hint = f"did you mean {close[0]}?" if close else f"{label} sets: {purpose}"
        raise SettingError(f"{label} is {shown!r}, but must be {describe(kind, bounds)}.", hint=hint) from None
    return converted


def describe(kind: Any, bounds: Bounds) -> str:
    """Say in words what values a setting takes."""
    least, most = bounds
    if _choices(kind):
        return "one of " + ", ".join(_choices(kind))
    if get_origin(kind) is tuple:
        return "a list, with commas between"
    if most is not None:
        return f"{_WORDS[kind]} from {least} to {most}"
    return f"{_WORDS[kind]} of at least {least}" if least is not None else _WORDS[kind]


def as_text(value: object) -> str:
    """Write a value as it would stand in the environment, with the password of a database address masked."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(value)
        case str():
            return masked(value)
    return str(value)


def masked(text: str) -> str:
    """Return `text` with the password replaced by *** if it is the address of a database; other text as it is."""
    text = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", text)
    return re.sub(r"([?&]\w*password=)[^&]*", r"\1***", text)


_WORDS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Path: "a path",
    str: "text that is not empty",
    str | None: "text, or nothing",
}
_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")


def _choices(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _parse(kind: Any, value: object) -> Any:
    """Return `value` as `kind`; ValueError when it is not one."""
    if _choices(kind):
        if value in _choices(kind):
            return value
    elif get_origin(kind) is tuple:
        items = value if isinstance(value, list) else _text(value).split(",")
        if all(isinstance(item, str) for item in items):
            return tuple(item.strip() for item in items if item.strip())
    elif kind is bool:
        if isinstance(value, bool):
            return value
        if _text(value).lower() in _TRUE + _FALSE:
            return _text(value).lower() in _TRUE
    elif kind in (int, float):
        # TOML's true is a bool, which Python counts among the whole numbers.
        if isinstance(value, str) or (isinstance(value, int | kind) and not isinstance(value, bool)):
            number = kind(value)
            if number - number == 0:  # neither infinite nor "not a number"
                return number
    elif kind == str | None:
        return _text(value).strip() or None
    elif _text(value).strip():
        return _path(_text(value)) if kind is Path else _text(value)
    raise ValueError


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # ~somebody, who has no home here
        raise ValueError from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value
