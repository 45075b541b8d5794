"""In charge of `eparch kv`: JSON that flows keep between their runs."""

import json
import sys
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from eparch.cli.connection import Api, with_api
from eparch.cli.delete import Yes, confirm
from eparch.cli.output import Column, Output, moment, print_json, print_rows, say
from eparch.cli.references import close_to
from eparch.core.errors import NotFound

_KEYS_MAX: Final = 10_000
_FIELDS: Final = "id key value version created updated"
_COLUMNS: Final = (
    Column("KEY", lambda row: row["key"]),
    Column("VALUE", lambda row: json.dumps(row["value"], ensure_ascii=False)),
    Column("VERSION", lambda row: str(row["version"])),
    Column("SET", lambda row: moment(row["updated"]), is_whole=True),
)

Key = Annotated[str, Parameter(help="The key.")]
Version = Annotated[int | None, Parameter(help="Only if the pair has this version; 0: only if there is no such pair.")]


@with_api
def list_(
    api: Api,
    *,
    prefix: Annotated[str, Parameter(help="Only keys that begin like this.")] = "",
    output: Output = "table",
) -> None:
    """List keys and their values."""
    like = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    where = {"key": {"_like": f"{like}%"}} if prefix else {}
    rows = api.rows("key_value", _FIELDS, where, order="{key: asc}", limit=_KEYS_MAX)
    print_rows(rows, _COLUMNS, output, nothing="There are no such keys; set one: eparch kv set KEY VALUE")


@with_api
def get(
    api: Api,
    key: Key,
    /,
    *,
    output: Annotated[
        Literal["text", "json"],
        Parameter(name=("--output", "-o"), help="text: the value, a string without quotes; json: the value as JSON."),
    ] = "text",
) -> None:
    """Print a value."""
    value = _pair(api, key)["value"]
    if output == "text" and isinstance(value, str):
        print(value)
    else:
        print_json(value)


@with_api
def set_(
    api: Api,
    key: Key,
    value: Annotated[str, Parameter(help="JSON, or else text; - reads it from stdin.", allow_leading_hyphen=True)],
    /,
    *,
    if_version: Version = None,
) -> None:
    """Set a value; one that exists is overwritten."""
    text = sys.stdin.read().removesuffix("\n") if value == "-" else value
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        parsed = text
    given = {} if if_version is None else {"expected_version": if_version}
    version = api.change("set_key_value", "version", key=key, value=parsed, **given)["version"]
    say(f"{key} is set; its version is {version}.")


@with_api
def delete(api: Api, key: Key, /, *, yes: Yes = False) -> None:
    """Delete a key and its value."""
    pair = _pair(api, key)
    confirm(f"Delete {key!r}?", yes=yes)
    api.change("delete_key_value", key_value_id=pair["id"])
    say(f"{key} is deleted.")


def _pair(api: Api, key: str) -> dict[str, Any]:
    rows = api.rows("key_value", _FIELDS, {"key": {"_eq": key}})
    if not rows:
        known = [row["key"] for row in api.rows("key_value", "key", limit=_KEYS_MAX)]
        raise NotFound(f"There is no key {key!r}.", hint=close_to(key, known, "see eparch kv list"))
    return rows[0]
