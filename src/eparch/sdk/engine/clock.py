"""What time it is, and waiting.

In charge of the one place where the engine asks for the time; tests put another clock in its place
(`eparch.testing.MovableClock`).
"""

from datetime import UTC, datetime
from queue import Empty
from typing import Protocol, TypeVar

from eparch.sdk.engine.attempts import Outcome
from eparch.sdk.executors.executor import Events, Stopped, Told

_Event = TypeVar("_Event", bound=Outcome | Told | Stopped)


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def wait(self, events: Events, until: datetime | None) -> Outcome | Told | Stopped | None:
        """Return the next event; None when `until` has come before it."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)

    def wait(self, events: Events, until: datetime | None) -> Outcome | Told | Stopped | None:
        """Return the next event; None when `until` has come before it."""
        if until is None:
            return events.get()
        try:
            return events.get(timeout=max(0.0, (until - self.now()).total_seconds()))
        except Empty:
            return None
