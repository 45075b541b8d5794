"""Key-value pairs: JSON that flows keep between their runs, by name.

In charge of setting and deleting them; not in charge of reading them, which the query side does (`graphql.catalog`).

The version of a pair makes two writers safe from each other: who says which version they have read is refused where
somebody else has set the pair since.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, delete, select, update

from eparch.core.errors import BadInput, Conflict
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.tables import key_value
from eparch.database.transactions import Transaction
from eparch.database.types import encode_json
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation

VALUE_BYTES_MAX: Final = 10_240
KEY_CHARACTERS_MAX: Final = 255

_PAIR: Final = select(key_value.c.id, key_value.c.version).where(
    key_value.c.tenant_id == bindparam("tenant"), key_value.c.key == bindparam("key")
)
_VERSION: Final = select(key_value.c.key, key_value.c.version).where(
    key_value.c.id == bindparam("pair"), key_value.c.tenant_id == bindparam("tenant")
)


@operation("update:key-value")
def set_key_value(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Set a pair, over what it held before."""
    key, expected = given["key"], given.get("expected_version")
    if not 0 < len(key) <= KEY_CHARACTERS_MAX:
        raise BadInput(f"A key has 1 to {KEY_CHARACTERS_MAX} characters; this one has {len(key)}.")
    if "value" not in given:
        raise BadInput(f"There is no value for the key {key!r}.", hint="give a value; null is one too")
    value = given["value"]
    size = len(encode_json(value).encode())
    if size > VALUE_BYTES_MAX:
        raise BadInput(
            f"The value of the key {key!r} exceeds the limit: {size} bytes, at most {VALUE_BYTES_MAX} are taken.",
            hint="store it elsewhere and keep its address here",
        )
    bound = {"tenant": principal.tenant_id, "key": key}
    if expected in (None, 0) and (made := _insert(tx, bound, value, now)) is not None:
        return made
    # It exists, and under this lock it neither changes nor goes away.
    row = tx.row(_PAIR.with_for_update(), bound)
    if expected is not None and (row is None or row.version != expected):
        raise _moved_on(key, expected, None if row is None else row.version)
    if row is None:
        # Deleted since the insert found it.
        raise Conflict(f"The key {key!r} was deleted at the same moment.", hint="set it again")
    version = row.version + 1
    tx.execute(update(key_value).where(key_value.c.id == row.id).values(value=value, version=version, updated=now))
    return {"id": row.id, "version": version}


@operation("delete:key-value")
def delete_key_value(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a pair."""
    expected = given.get("expected_version")
    bound = {"pair": given["key_value_id"], "tenant": principal.tenant_id}
    row = tx.row(_VERSION.with_for_update(), bound)
    if row is None:
        return {"success": False}
    if expected is not None and row.version != expected:
        raise _moved_on(row.key, expected, row.version)
    tx.execute(delete(key_value).where(key_value.c.id == given["key_value_id"]))
    return {"success": True}


def _insert(tx: Transaction, bound: dict[str, str], value: Any, now: datetime) -> Payload | None:
    """Add a pair; return None where there is one already."""
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": bound["tenant"],
        "key": bound["key"],
        "value": msgspec.Raw(encode_json(value).encode()),
        "version": 1,
    }
    if not insert_rows(tx, key_value, [row], on_conflict="ON CONFLICT (tenant_id, key) DO NOTHING"):
        return None
    return {"id": row["id"], "version": 1}


def _moved_on(key: str, expected: int, version: int | None) -> Conflict:
    found = "there is no such pair" if version is None else f"its version is {version}"
    return Conflict(
        f"The key {key!r} was not changed: version {expected} was expected, and {found}.",
        hint="read it again and decide anew",
        detail={"key": key, "expected_version": expected, "version": version or 0},
    )
