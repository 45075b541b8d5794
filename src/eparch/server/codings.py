"""Which forms of a body a client takes.

In charge of reading the Accept-Encoding header; not in charge of compressing.
"""

from functools import lru_cache


@lru_cache(256)
def takes(accept_encoding: bytes, coding: bytes) -> bool:
    """Return whether a client that sent `accept_encoding` takes a body in `coding`, such as `gzip`.

    Source: RFC 9110, section 12.5.3. What is named counts before `*`.
    """
    any_other = False
    for part in accept_encoding.lower().split(b","):
        name, _, weight = part.partition(b";")
        is_taken = weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
        if name.strip() == coding:
            return is_taken
        if name.strip() == b"*":
            any_other = is_taken
    return any_other
