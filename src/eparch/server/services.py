"""The services that run beside the API in this process.

In charge of starting and stopping their loops and of waking them; not in charge of what they do (`eparch.services`).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from eparch.core.instants import timestamp_text
from eparch.database.readers import Readers
from eparch.server.bus import Bus
from eparch.server.changes import Changes
from eparch.server.settings import Settings
from eparch.services.loop import Loop
from eparch.services.scheduler import Scheduler

# A service that fails this many times in a row is shown as failing; one failure may be a lost connection.
_FAILURES_MAX: Final = 3


class Services:
    """The services of this process; none where the settings say so."""

    def __init__(
        self, settings: Settings, readers: Readers, changes: Changes, bus: Bus, *, clock: Callable[[], datetime]
    ) -> None:
        self._bus = bus
        self._tasks: list[asyncio.Task[None]] = []
        self._loops: Sequence[Loop] = ()
        if settings.services_enabled:
            scheduler = Scheduler(readers.run, changes.perform, runs_ahead=settings.runs_ahead)
            self._loops = [
                Loop("scheduler", scheduler.run_once, interval_s=settings.scheduler_interval_s, clock=clock),
            ]

    def start(self) -> None:
        """Begin: each service makes its first pass at once."""
        for loop in self._loops:
            self._tasks += [asyncio.create_task(loop.run()), asyncio.create_task(self._wake(loop))]

    async def stop(self) -> None:
        """Let passes that have begun come to their end."""
        running, waking = self._tasks[::2], self._tasks[1::2]
        for loop in self._loops:
            loop.stop()
        for task in waking:
            task.cancel()
        await asyncio.gather(*running)

    def report(self) -> dict[str, Any]:
        """Return how each service is: state, passes, failures in a row, last pass, what it came to."""
        return {loop.name: _report(loop) for loop in self._loops}

    async def _wake(self, loop: Loop) -> None:
        """Begin a pass when a flow or its schedule has changed, instead of after minutes."""
        with self._bus.listening(_WAKES[loop.name]) as listener:
            while True:
                await listener.wait()
                loop.wake()


_WAKES: Final = {"scheduler": ("flow", "flow_group")}


def _report(loop: Loop) -> dict[str, Any]:
    last = loop.status.ended
    return {
        "status": "failing" if loop.status.failures >= _FAILURES_MAX else "ok",
        "passes": loop.status.passes,
        "failures": loop.status.failures,
        "last_pass": None if last is None else timestamp_text(last),
        "counts": msgspec.to_builtins(loop.status.counts),
        "error": loop.status.error,
    }
