"""Identifiers: UUIDs of version 7, so that indexes grow at one end.

In charge of making and reading ids; not in charge of clocks or randomness, which callers pass in.
"""

import re
from typing import Final

_UUID: Final = re.compile(
    r"\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?"
)


def uuid7(time_ms: int, entropy: int) -> str:
    """Return a UUID version 7 in its lower-case hyphenated form.

    Args:
        time_ms: milliseconds since 1970; 48 bits are kept.
        entropy: uniform random integer; its lowest 74 bits are used.
    Source: RFC 9562, section 5.7.
    """
    rand_a, rand_b = (entropy >> 62) & 0xFFF, entropy & 0x3FFF_FFFF_FFFF_FFFF
    value = (time_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | rand_a << 64 | 0x2 << 62 | rand_b
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def parse_uuid(text: str) -> str | None:
    """Return `text` as a lower-case hyphenated UUID, or None where it is not one.

    Accepts what PostgreSQL accepts: upper case, no hyphens, braces.
    """
    match = _UUID.fullmatch(text.strip())
    return "-".join(match.groups()).lower() if match else None
