"""The tenants there are, so that no request has to ask the database for whom it is.

In charge of keeping the list current; not in charge of who may act in which tenant (`authentication`).
"""

import asyncio
import logging
from typing import Final

from sqlalchemy import select
from sqlalchemy.engine import Connection

from eparch.core.errors import EparchError
from eparch.database.readers import Readers
from eparch.database.tables import tenant

logger: Final = logging.getLogger("eparch.tenants")

_RETRY_S: Final = 1.0


class Tenants:
    """The ids of all tenants.

    Attributes:
        ids: oldest first.
    """

    def __init__(self, readers: Readers, loop: asyncio.AbstractEventLoop) -> None:
        self.ids: tuple[str, ...] = ()
        self._readers = readers
        self._loop = loop
        self._retrying: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Read the list.

        Raises:
            EparchError: the database did not answer.
        """
        self.ids = await self._readers.run(_ids)

    def reload(self) -> None:
        """Read the list on the calling thread, which has changed it; whoever learns of the change finds it current."""
        try:
            self.ids = self._readers.run_here(_ids)
        except EparchError as error:
            logger.warning("The list of tenants is read again in a moment: %s", error.message)
            self._loop.call_soon_threadsafe(self._retry)

    def stop(self) -> None:
        """Give up what is still to be read."""
        if self._retrying is not None:
            self._retrying.cancel()

    def _retry(self) -> None:
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.create_task(self._load_in_the_end())

    async def _load_in_the_end(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_S)
            try:
                return await self.load()
            except EparchError:
                continue


def _ids(connection: Connection) -> tuple[str, ...]:
    return tuple(connection.scalars(select(tenant.c.id).order_by(tenant.c.created, tenant.c.id)))
