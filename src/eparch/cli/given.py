"""In charge of values that people type: parameters and instants; not in charge of what is done with them."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from eparch.cli.dispatch import UsageError
from eparch.cli.references import close_to
from eparch.core.instants import parse_instant, timestamp_text

_RESOLUTION: Final = timedelta(microseconds=1)


def parameters(pairs: Iterable[str]) -> dict[str, Any]:
    """Return parameters that were given as NAME=VALUE, each value JSON or else text.

    Raises:
        UsageError: one is no pair, or is given twice.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, is_pair, text = pair.partition("=")
        if not is_pair or not name:
            raise UsageError(f"--param is {pair!r}, but must be NAME=VALUE.", hint="such as --param day=2026-01-01")
        if name in found:
            raise UsageError(f"The parameter {name!r} is given twice.", hint="give each once; lists are JSON: x=[1,2]")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def check_parameters(flow: Mapping[str, Any], given: Iterable[str]) -> None:
    """Do nothing, or refuse parameters that a flow does not have.

    Raises:
        UsageError: it has none of this name.
    """
    known = [parameter["name"] for parameter in flow["parameters"] or ()]
    for name in given:
        if name not in known:
            shown = ", ".join(known) or "none"
            hint = close_to(name, known, f"its parameters: {shown}")
            raise UsageError(f"Flow {flow['name']!r} has no parameter {name!r}.", hint=hint)


def check_required(flow: Mapping[str, Any], given: Collection[str]) -> None:
    """Do nothing, or refuse a run of a flow whose required parameters are not given.

    Raises:
        UsageError: this one is missing.
    """
    missing = [one["name"] for one in flow["parameters"] or () if one.get("required") and one["name"] not in given]
    if missing:
        given_so = " ".join(f"--param {name}=..." for name in missing)
        raise UsageError(
            f"Flow {flow['name']!r} needs the parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            hint=f"give {'them' if len(missing) > 1 else 'it'}: {given_so}",
        )


def instant(option: str, text: str, *, is_end: bool = False) -> str:
    """Return an instant as the API takes it.

    What is written without an offset is what the clock on the wall shows.

    Args:
        option: by which it was given, such as "--at".
        is_end: a date alone stands for its last moment, not its first.
    Raises:
        UsageError: it is none.
    """
    found = parse_instant(text)
    if found is None:
        raise UsageError(f"{option} is {text!r}, but must be a date and time.", hint="such as 2026-01-01T06:00+01:00")
    try:
        has_zone = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        has_zone = True
    if not has_zone:
        local = found.replace(tzinfo=None)
        if is_end and _is_date(text):
            local += timedelta(days=1) - _RESOLUTION
        found = local.astimezone(UTC)
    return timestamp_text(found)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
