"""Secrets: values that only who asks for one by name can read.

In charge of their rows; not in charge of sealing and opening them (`sealing`, `server.vault`): what comes here is
sealed already, so that no statement, queue, log line or copy of the database ever holds a value.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, func, select, update

from eparch.core.errors import BadInput, NotFound, SecretUnreadable
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.tables import secret
from eparch.database.transactions import Transaction
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation
from eparch.operations.sealing import Keyring, Sealed

NAME_CHARACTERS_MAX: Final = 255
VALUE_BYTES_MAX: Final = 65_536
NO_ID: Final = "00000000-0000-0000-0000-000000000000"

_KEPT: Final = (
    "ON CONFLICT (tenant_id, name) DO UPDATE SET key_id = excluded.key_id, ciphertext = excluded.ciphertext,"
    " updated = excluded.updated"
)
_NAMES: Final = select(secret.c.name).where(secret.c.tenant_id == bindparam("tenant")).order_by(secret.c.name)
_SEALED: Final = select(secret.c.key_id, secret.c.ciphertext).where(
    secret.c.tenant_id == bindparam("tenant"), secret.c.name == bindparam("name")
)
_BY_KEY: Final = select(secret.c.key_id, func.count().label("secrets")).group_by(secret.c.key_id)


def place_of(tenant_id: str, name: str) -> Sequence[str]:
    """Return what the value of a secret is bound to."""
    return ("secret", tenant_id, name)


def check_name(name: str) -> None:
    """Do nothing, or raise BadInput: the name is empty or too long."""
    if not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise BadInput(f"The name of a secret has 1 to {NAME_CHARACTERS_MAX} characters; this one has {len(name)}.")


@operation("update:secret")
def set_secret(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Keep a secret, over what it was before. The input has its name, and `sealed` in place of the value."""
    sealed: Sealed = given["sealed"]
    row = {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": principal.tenant_id,
        "name": given["name"],
        "key_id": sealed.key_id,
        "ciphertext": sealed.ciphertext,
    }
    insert_rows(tx, secret, [row], on_conflict=_KEPT)
    return {"success": True}


@operation("delete:secret")
def delete_secret(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a secret."""
    statement = delete(secret).where(secret.c.name == given["name"], secret.c.tenant_id == principal.tenant_id)
    return {"success": tx.execute(statement).rowcount > 0}


@operation("read:secret", is_read=True, tables=[secret])
def secret_names(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return the names of all secrets of the tenant, in order."""
    return [row.name for row in tx.rows(_NAMES, {"tenant": principal.tenant_id})]


@operation("read:secret-value", is_read=True, tables=[secret])
def secret_value(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return a secret as it is kept, sealed; clients match on the message where there is none."""
    row = tx.row(_SEALED, {"tenant": principal.tenant_id, "name": given["name"]})
    if row is None:
        raise NotFound(f"No value found for the requested key: there is no secret {given['name']!r}.")
    return Sealed(row.key_id, row.ciphertext)


def secrets_by_key(tx: Transaction) -> dict[str, int]:
    """Return how many secrets of all tenants each key has sealed, by its id."""
    return {row.key_id: row.secrets for row in tx.rows(_BY_KEY)}


def sealed_by_others(tx: Transaction, key_id: str, *, after: str, limit: int) -> Sequence[Row[Any]]:
    """Return secrets of all tenants that another key than `key_id` has sealed, by id.

    Args:
        after: the id after which to begin, empty to begin with the first.
    """
    return tx.rows(_OTHERS, {"key_id": key_id, "after": after or NO_ID, "most": limit})


_OTHERS: Final = (
    select(secret.c.id, secret.c.tenant_id, secret.c.name, secret.c.key_id, secret.c.ciphertext)
    .where(secret.c.key_id != bindparam("key_id"), secret.c.id > bindparam("after"))
    .order_by(secret.c.id)
    .limit(bindparam("most"))
)


def resealed(keyring: Keyring, row: Row[Any]) -> Sealed | None:
    """Return a secret sealed by the first key, None if it cannot be opened."""
    place = place_of(row.tenant_id, row.name)
    try:
        plain = keyring.open(Sealed(row.key_id, row.ciphertext), place, f"The secret {row.name!r}")
    except SecretUnreadable:
        return None
    return keyring.seal(plain, place)


def replace_sealed(tx: Transaction, secret_id: str, before: str, after: Sealed) -> bool:
    """Put one sealed form of a value in the place of another; return False if the secret was set meanwhile."""
    statement = (
        update(secret)
        .where(secret.c.id == secret_id, secret.c.ciphertext == before)
        .values(key_id=after.key_id, ciphertext=after.ciphertext)
    )
    return tx.execute(statement).rowcount > 0
