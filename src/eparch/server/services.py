"""The services that run beside the API in this process.

In charge of starting and stopping them; not in charge of what they do (`eparch.services`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from eparch.server.bus import Bus
from eparch.server.changes import Changes
from eparch.server.settings import Settings


class Services:
    """The services of this process."""

    def __init__(self, settings: Settings, changes: Changes, bus: Bus, *, clock: Callable[[], datetime]) -> None:
        self._settings, self._changes, self._bus, self._clock = settings, changes, bus, clock

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""

    def report(self) -> dict[str, Any]:
        """Return how each service is."""
        return {}
