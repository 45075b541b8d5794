"""JSON as it comes from outside.

In charge of how deep it may nest, and of two kinds of characters that JSON can write but no database can hold; not in
charge of what it means.
"""

import re
from itertools import accumulate
from typing import Any, Final

import msgspec

DEPTH_MAX: Final = 200
"""Deepest nesting of lists and objects. SQLite's JSON functions end at 1,000, Python's recursion does so earlier."""

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# As signed bytes: one level down, one level up.
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_OTHERS: Final = bytes(set(range(256)) - set(b"[{]}"))
# Escapes one by one, so that `\\u0000`, a backslash before plain letters, is not taken for a NUL.
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000))|.)",
    re.DOTALL,
)


_ANYTHING: Final = msgspec.json.Decoder()


def decoded(text: bytes, decoder: msgspec.json.Decoder[Any] = _ANYTHING) -> Any:
    """Return what JSON holds, with U+FFFD for what is no character.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: it is not JSON, not what the decoder wants, or nests too deeply.
    """
    if is_too_deep(text):
        raise msgspec.DecodeError(f"JSON is nested more than {DEPTH_MAX} deep")
    if rb"\u0000" in text:
        text = mended(text)
    try:
        return decoder.decode(text)
    except msgspec.DecodeError:
        repaired = mended(text)
        if repaired == text:
            raise
        return decoder.decode(repaired)


def is_too_deep(text: bytes) -> bool:
    """Return whether JSON nests deeper than `DEPTH_MAX`. For what is no JSON either answer may come."""
    if text.count(b"[") + text.count(b"{") <= DEPTH_MAX:
        return False
    # All in C: this is asked of every large request.
    steps = memoryview(_STRING.sub(b"", text).translate(_STEPS, _OTHERS)).cast("b")
    return max(accumulate(steps), default=0) > DEPTH_MAX


def mended(text: bytes) -> bytes:
    """Return JSON with U+FFFD in place of escapes that stand for no text: NUL, and halves of surrogate pairs.

    Python's encoder writes both where a program logs what it has read from elsewhere. PostgreSQL stores neither, and a
    refusal would make a client send the same lines for ever.
    """
    return _ESCAPE.sub(lambda match: match[0] if match[1] is None else rb"\ufffd", text)
