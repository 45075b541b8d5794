"""The SecretKeeper: brings all secrets under the first key.

In charge of going through those that another key has sealed; not in charge of keys (`server.vault`) nor of what a
sealed secret is (`operations.secrets`). This is what makes a change of keys need nothing but a new first key.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.engine import Connection

from eparch.database.transactions import Transaction
from eparch.operations.sealing import Keyring, Sealed
from eparch.operations.secrets import replace_sealed, resealed, sealed_by_others
from eparch.services.access import Change, Read

logger: Final = logging.getLogger("eparch.services.secret_keeper")

_READ_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class SecretKeeperCounts:
    """What a pass has come to.

    Attributes:
        found: how many secrets were sealed by another key than the first.
        resealed: how many of them the first key has sealed now.
        unreadable: how many cannot be opened, for want of their key.
    """

    found: int = 0
    resealed: int = 0
    unreadable: int = 0


class SecretKeeper:
    """Seals secrets anew after a change of keys.

    Args:
        keys: reads the keys anew and returns them; called in a thread.
    """

    def __init__(self, read: Read, change: Change, keys: Callable[[], Keyring], *, read_max: int = _READ_MAX) -> None:
        self._read = read
        self._change = change
        self._keys = keys
        self._read_max = read_max
        self._told: frozenset[str] = frozenset()

    async def run_once(self, now: datetime) -> SecretKeeperCounts:
        """Go through the secrets of other keys once."""
        keyring = await asyncio.to_thread(self._keys)
        if not keyring.ids:
            return SecretKeeperCounts()
        found = done = 0
        lost: list[str] = []
        after = ""
        while rows := await self._page(keyring, after):
            found, after = found + len(rows), rows[-1].id
            opened = {row.id: (row.ciphertext, sealed) for row in rows if (sealed := resealed(keyring, row))}
            lost += [row.key_id for row in rows if row.id not in opened]
            done += await self._put(opened)
        if done:
            logger.info("%d secrets were encrypted anew, with the key %s.", done, keyring.ids[0])
        self._tell(lost)
        return SecretKeeperCounts(found=found, resealed=done, unreadable=len(lost))

    async def _page(self, keyring: Keyring, after: str) -> Sequence[Row[Any]]:
        def read(connection: Connection) -> Sequence[Row[Any]]:
            return sealed_by_others(Transaction(connection), keyring.ids[0], after=after, limit=self._read_max)

        return await self._read(read)

    async def _put(self, opened: Mapping[str, tuple[str, Sealed]]) -> int:
        def put(tx: Transaction, _now: datetime) -> int:
            return sum(replace_sealed(tx, secret_id, *pair) for secret_id, pair in opened.items())

        return await self._change(put) if opened else 0

    def _tell(self, lost: Sequence[str]) -> None:
        """Say which keys are missing, once."""
        keys = frozenset(lost)
        if keys and keys != self._told:
            logger.error("%d secrets need keys that this server does not have: %s", len(lost), ", ".join(sorted(keys)))
        self._told = keys
