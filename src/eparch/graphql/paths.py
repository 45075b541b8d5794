"""The `path` argument of JSON columns.

In charge of its syntax: `$.a.b`, `a.b`, `a[0]`, `$['k']`, `[0].x`.
"""

import re
from typing import Final

_STEP: Final = re.compile(
    r"""
    \.? (?P<name> [^.\[\]'"\s$] [^.\[\]'"]* )
    | \[ \s* (?P<index> \d{1,9} ) \s* \]
    | \.? \[ \s* (?: '(?P<single> [^']* )' | "(?P<double> [^"]* )" ) \s* \]
    """,
    re.VERBOSE,
)


def parse_path(text: str) -> tuple[str | int, ...] | None:
    """Return the steps into a document, names and 0-based indexes; None where `text` is no path."""
    text = text.strip()
    at = 1 if text.startswith("$") else 0
    steps: list[str | int] = []
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (at == 1 and text[0] == "$" and text[1] not in ".["):
            return None
        index = match["index"]
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(next(name for name in (match["name"], match["single"], match["double"]) if name is not None))
        at = match.end()
        if match["name"] is not None and at < len(text) and text[at] not in ".[":
            return None
        if at < len(text) and text[at] == "." and at == len(text) - 1:
            return None
    return tuple(steps)
