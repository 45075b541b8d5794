"""What time it is, and waiting.

In charge of the one place where the engine asks for the time; tests put another clock in its place
(`eparch.testing.MovableClock`).
"""

from contextvars import ContextVar
from datetime import UTC, datetime
from queue import Empty
from typing import Final, Protocol

from eparch.sdk.executors.executor import Event, Events


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def wait(self, events: Events, until: datetime | None, *, is_busy: bool) -> Event | None:
        """Return the next event; None when `until` has come before it.

        Args:
            is_busy: whether something runs that will make an event by itself.
        """
        ...

    def ahead_s(self) -> float:
        """Return how many seconds this clock is ahead of the machine's."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)

    def wait(self, events: Events, until: datetime | None, *, is_busy: bool) -> Event | None:
        """Return the next event; None when `until` has come before it."""
        if until is None:
            return events.get()
        try:
            return events.get(timeout=max(0.0, (until - self.now()).total_seconds()))
        except Empty:
            return None

    def ahead_s(self) -> float:
        """Return 0."""
        return 0.0


_SYSTEM_CLOCK: Final = SystemClock()
clock: ContextVar[Clock] = ContextVar("eparch_clock", default=_SYSTEM_CLOCK)
"""The clock of runs in this process."""
