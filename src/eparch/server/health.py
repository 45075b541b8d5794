"""Whether the server works.

In charge of what `/health` says; not in charge of mending anything.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import literal, select

from eparch.core.errors import EparchError
from eparch.core.instants import timestamp_text
from eparch.database.readers import Readers
from eparch.server.services import Services
from eparch.version import __version__

_TIMEOUT_S: Final = 5.0


class Health:
    """Asks the parts how they are."""

    def __init__(self, readers: Readers, services: Services) -> None:
        self._readers = readers
        self._services = services

    async def report(self) -> tuple[dict[str, Any], bool]:
        """Return what to show, and whether the server can answer queries.

        A service that fails is shown, but does not make the server unready: the API works without it.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._readers.run(lambda connection: connection.scalar(select(literal(1))))
            database = {"status": "ok"}
        except EparchError as error:
            database = {"status": "failing", "message": error.message, "hint": error.hint}
        except TimeoutError:
            database = {"status": "failing", "message": f"The database did not answer within {_TIMEOUT_S:.0f} s."}
        is_ready = database["status"] == "ok"
        status = "ok" if is_ready else "failing"
        report = {
            "status": status,
            "version": __version__,
            "time": timestamp_text(datetime.now(UTC)),
            "database": database,
            "services": self._services.report(),
        }
        return report, is_ready
