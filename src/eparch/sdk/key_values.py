"""The key-value store: JSON that flows keep on the server between their runs.

In charge of asking the server; not in charge of storing. Pairs are for small things, such as where the last run has
stopped: 10 KB at most.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from eparch.sdk.errors import FlowError
from eparch.sdk.run_server import run_client

_PAIR: Final = "query($key: String!) { key_value(where: {key: {_eq: $key}}) { id key value version } }"
_KEYS: Final = "query { key_value(order_by: [{key: asc}]) { key } }"
_MISSING: Final = object()


class KeyNotFound(FlowError, KeyError):
    """There is no pair of this key.

    Example:
        >>> str(KeyNotFound("There is no value for the key 'day'."))
        "There is no value for the key 'day'."
    """

    def __str__(self) -> str:
        # KeyError shows its argument quoted; this is a sentence.
        return self.message


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A pair as it was read.

    Attributes:
        version: grows by one whenever the pair is set.

    Example:
        >>> KeyValue("last day", "2026-01-01", 3).version
        3
    """

    key: str
    value: Any
    version: int


def set_key_value(key: str, value: Any, *, expected_version: int | None = None) -> str:
    """Keep a value under a key, over what it held before; return the pair's id.

    Args:
        value: anything that JSON can hold, 10 KB at most.
        expected_version: set only if the pair has this version still, 0 for no pair at all: so that of two writers
            who have read the same, one is refused. See `read_key_value`.
    Raises:
        Refused: the value is too large, or the version is another one (code CONFLICT).

    Example:
        >>> from eparch.testing import temporary_server
        >>> with temporary_server() as server, server.in_effect():
        ...     made = set_key_value("last day", "2026-01-01")
        ...     get_key_value("last day")
        '2026-01-01'
    """
    given: dict[str, Any] = {"key": key, "value": value}
    if expected_version is not None:
        given["expected_version"] = expected_version
    made: str = run_client().change("set_key_value", given, "id")["id"]
    return made


def get_key_value(key: str, default: Any = _MISSING) -> Any:
    """Return the value of a key.

    Args:
        default: what to return where there is none; without it that is an error.
    Raises:
        KeyNotFound: there is none.

    Example:
        >>> from eparch.testing import temporary_server
        >>> with temporary_server() as server, server.in_effect():
        ...     get_key_value("last day", default="never")
        'never'
    """
    try:
        return read_key_value(key).value
    except KeyNotFound:
        if default is _MISSING:
            raise
        return default


def read_key_value(key: str) -> KeyValue:
    """Return the pair of a key, with its version.

    Raises:
        KeyNotFound: there is none.

    Example:
        >>> from eparch.testing import temporary_server
        >>> with temporary_server() as server, server.in_effect():
        ...     for _ in range(2):
        ...         made = set_key_value("count", 1)
        ...     read_key_value("count")
        KeyValue(key='count', value=1, version=2)
    """
    row = _row(key)
    return KeyValue(row["key"], row["value"], row["version"])


def delete_key_value(key: str) -> bool:
    """Delete the pair of a key; return whether it was still there when it came to it.

    Raises:
        KeyNotFound: there is none.

    Example:
        >>> from eparch.testing import temporary_server
        >>> with temporary_server() as server, server.in_effect():
        ...     made = set_key_value("last day", "2026-01-01")
        ...     delete_key_value("last day")
        True
    """
    deleted: bool = run_client().change("delete_key_value", {"key_value_id": _row(key)["id"]}, "success")["success"]
    return deleted


def list_keys() -> list[str]:
    """Return all keys, in order.

    Example:
        >>> from eparch.testing import temporary_server
        >>> with temporary_server() as server, server.in_effect():
        ...     made = [set_key_value(key, 0) for key in ("b", "a")]
        ...     list_keys()
        ['a', 'b']
    """
    return [row["key"] for row in run_client().ask(_KEYS)["key_value"]]


def _row(key: str) -> dict[str, Any]:
    rows = run_client().ask(_PAIR, {"key": key})["key_value"]
    if rows:
        row: dict[str, Any] = rows[0]
        return row
    close = get_close_matches(key, list_keys(), 1)
    raise KeyNotFound(
        f"There is no value for the key {key!r}.",
        hint=f"did you mean {close[0]!r}?" if close else f"set it: eparch kv set {key!r} VALUE; or give a default",
    )
