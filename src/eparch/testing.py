"""What tests of flows need.

In charge of a clock that tests can move; not in charge of running tests.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from eparch.sdk.engine.clock import clock
from eparch.sdk.executors.executor import Event, Events


class MovableClock:
    """A clock that stands still, but for the code that runs, and jumps to what is waited for.

    Example:
        >>> from datetime import timedelta
        >>> from eparch import Flow, context, task
        >>> @task(max_retries=2, retry_delay=timedelta(days=1))
        ... def patient() -> str:
        ...     if context.task_run_count < 3:
        ...         raise ConnectionError("not yet")
        ...     return "at last"
        >>> with Flow("patience") as f:
        ...     waited = patient()
        >>> with movable_clock() as moved:
        ...     before = moved.now()
        ...     f.run().result[waited].result, (moved.now() - before).days
        ('at last', 2)
    """

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the present instant of this clock."""
        return datetime.now(UTC) + self._ahead

    def move(self, time: timedelta) -> None:
        """Move the clock ahead."""
        self._ahead += time

    def move_to(self, instant: datetime) -> None:
        """Move the clock to an instant, unless that has passed."""
        self._ahead += max(timedelta(0), instant - self.now())

    def wait(self, events: Events, until: datetime | None, *, is_busy: bool) -> Event | None:
        """Return the next event; when nothing runs that could make one, jump to `until` instead."""
        if until is None or is_busy or not events.empty():
            return events.get()
        self.move_to(until)
        return None

    def ahead_s(self) -> float:
        """Return how many seconds this clock is ahead of the machine's."""
        return self._ahead.total_seconds()


@contextmanager
def movable_clock() -> Iterator[MovableClock]:
    """Let flows that are run inside the block go by a clock that jumps instead of waiting. See `MovableClock`.

    Example:
        >>> with movable_clock() as moved:
        ...     moved.move(timedelta(hours=1))
        ...     round(moved.ahead_s())
        3600
    """
    moved = MovableClock()
    token = clock.set(moved)
    try:
        yield moved
    finally:
        clock.reset(token)
