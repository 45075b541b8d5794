"""In charge of ids, instants and documents as text, made fast; not in charge of what they stand for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
"""Durations, like all instants here, are whole microseconds (instants: since 1970)."""


def microseconds(instant: datetime) -> int:
    """Return an aware instant as microseconds since 1970."""
    return int(instant.timestamp()) * SECOND + instant.microsecond


def instant_text(time_us: int) -> str:
    """Return an instant as both databases take it."""
    second, fraction = divmod(time_us, SECOND)
    return f"{_second_text(second)}.{fraction:06d}+00:00"


@lru_cache(100_000)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def ids(kind: int) -> Iterator[str]:
    """Yield UUIDs of version 7 that only grow, so that indexes grow at one end; each kind has its own.

    They carry no time: a counter is ten times as fast.
    """
    start = f"01940000-00{kind:02x}-7000-8000-"
    return (f"{start}{number:012x}" for number in count(1))


def json_text(value: object) -> str:
    """Return a document as text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(10_000)
def state_text(name: str, message: str, start_time: str | None = None) -> str:
    """Return the document of a state as a client of Prefect 1.x sends it."""
    result = {"type": "NoResultType", "__version__": "1.4.1"}
    document: dict[str, object] = {"type": name, "message": message, "_result": result, "context": {"tags": []}}
    if start_time is not None:
        document["start_time"] = start_time
    return json_text({**document, "cached_inputs": {}, "__version__": "1.4.1"})
