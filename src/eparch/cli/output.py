"""In charge of how results look: tables for people, JSON for programs; not in charge of what is in them.

Data goes to stdout and everything else to stderr. Colour, and tables cut to the width of the screen, are for terminals
alone. Written here rather than by rich, which takes as long to load as everything else together.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TextIO

from cyclopts import Parameter

from eparch.core.instants import parse_instant
from eparch.core.states import STATES

Output = Annotated[
    Literal["table", "json"], Parameter(name=("--output", "-o"), help="table for people, json for programs.")
]

_CELL_MIN: Final = 8
_COLUMNS_MIN: Final = 2
_RESET: Final = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        show: makes the cell's text of a row.
        is_state: whether it holds states, which have colours.
        is_whole: whether it is never cut: what is to be copied.
    """

    heading: str
    show: Callable[[Mapping[str, Any]], str]
    is_state: bool = False
    is_whole: bool = False


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], output: str, *, nothing: str) -> None:
    """Print rows as a table or as a JSON list.

    Args:
        nothing: what to say, to stderr, where a table would be empty.
    """
    if output == "json":
        print_json(list(rows))
    elif rows:
        print("\n".join(table_lines(rows, columns, width=_width(sys.stdout))))
    else:
        say(nothing)


def print_pairs(*pairs: tuple[str, object]) -> None:
    """Print what one thing is, a line for each name that has a value."""
    width = max(len(name) for name, _ in pairs)
    print("\n".join(f"{name:<{width}}  {value}" for name, value in pairs if value not in (None, "")))


def print_json(value: object) -> None:
    """Print a value as JSON, indented."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Tell a person something that is not the result; what was printed before comes before it, in a file too."""
    sys.stdout.flush()
    print(text, file=sys.stderr)


def table_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, width: int | None) -> list[str]:
    """Return a table's lines.

    Args:
        width: the screen's; None where nothing is cut and nothing has a colour.
    """
    found = list(rows)
    cells = [[_one_line(column.show(row)) for column in columns] for row in found]
    headings = [column.heading for column in columns]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    if width is not None:
        widths = _fitted(widths, columns, width)
        if sum(widths) + 2 * (len(widths) - 1) > width and len(columns) > _COLUMNS_MIN:
            # A column less is easier to read than lines that wrap; an id is what the next command wants.
            dropped = max(index for index, column in enumerate(columns) if column.heading != "ID")
            return table_lines(found, [*columns[:dropped], *columns[dropped + 1 :]], width=width)
    lines = ["  ".join(f"{heading:<{size}}" for heading, size in zip(headings, widths, strict=True)).rstrip()]
    for line in cells:
        shown = [_cut(cell, size) for cell, size in zip(line, widths, strict=True)]
        padded = [f"{cell:<{size}}" for cell, size in zip(shown, widths, strict=True)]
        if width is not None and _has_colour():
            padded = [
                _coloured(cell, text) if column.is_state else cell
                for cell, text, column in zip(padded, line, columns, strict=True)
            ]
        lines.append("  ".join(padded).rstrip())
    return lines


def state_text(state: str | None, stream: TextIO | None = None) -> str:
    """Return a state's name, in its colour where the stream is a terminal."""
    name = state or "none"
    return _coloured(name, name) if _width(stream or sys.stdout) is not None and _has_colour() else name


def moment(text: str | None) -> str:
    """Return an instant of the API as people read it: local time, whole seconds; empty where there is none."""
    instant = parse_instant(text or "")
    return "" if instant is None else f"{instant.astimezone():%Y-%m-%d %H:%M:%S}"


def lasted(row: Mapping[str, Any], now: datetime | None = None) -> str:
    """Return how long a run has taken or takes so far; empty where it has not begun."""
    begun, ended = parse_instant(row.get("start_time") or ""), parse_instant(row.get("end_time") or "")
    if begun is None:
        return ""
    return duration(((ended or now or datetime.now(UTC)) - begun).total_seconds())


def duration(seconds: float) -> str:
    """Return a duration in the two units that matter.

    Example:
        >>> duration(0.25), duration(65), duration(90_000)
        ('0.2 s', '1 min 5 s', '1 d 1 h')
    """
    if seconds < 60:
        return f"{max(seconds, 0):.1f} s"
    for size, unit, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            rest = int(seconds % size // smaller)
            return f"{int(seconds // size)} {unit}" + (f" {rest} {part}" if rest else "")
    raise AssertionError("60 s are a minute")


def _width(stream: TextIO) -> int | None:
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _has_colour() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _coloured(text: str, state: str) -> str:
    known = STATES.get(state)
    if known is None:
        return text
    red, green, blue = (int(known.color[start : start + 2], 16) for start in (1, 3, 5))
    return f"\x1b[38;2;{red};{green};{blue}m{text}{_RESET}"


def _fitted(widths: list[int], columns: Sequence[Column], width: int) -> list[int]:
    """Return widths that fit the screen: the widest columns that may be cut give way."""
    found = list(widths)
    room = width - 2 * (len(found) - 1)
    while sum(found) > room:
        able = [index for index, column in enumerate(columns) if not column.is_whole and found[index] > _CELL_MIN]
        if not able:
            break
        found[max(able, key=lambda index: found[index])] -= 1
    return found


def _cut(cell: str, size: int) -> str:
    return cell if len(cell) <= size else cell[: size - 1] + "…"


def _one_line(text: str) -> str:
    return " ".join(text.split())
