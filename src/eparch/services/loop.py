"""The loop that every service runs in.

In charge of when a pass begins, of what happens when it fails, and of ending; not in charge of what a pass does, nor of
which server's turn it is: a lease goes around `run_once`, which returns at once where somebody else holds it.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from eparch.core.errors import EparchError

logger: Final = logging.getLogger("eparch.services")

_JITTER: Final = 0.1
_RETRY_S: Final = 1.0
_RETRY_S_MAX: Final = 60.0
# A service that says again and again that it is due shall not keep a processor busy.
_PAUSE_S: Final = 0.01

Wait = Callable[[asyncio.Event, float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LoopStatus:
    """How a loop is doing, for health checks and metrics.

    Attributes:
        passes: how many passes have ended, well or not.
        failures: how many of the last ones have failed in a row.
        counts: what the last good pass returned.
        error: what the last pass failed with; None if it went well.
    """

    passes: int = 0
    failures: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    counts: object = None
    error: str | None = None


async def wait_for(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until `event` is set, `timeout_s` seconds at the most."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return


class Loop:
    """Carries out passes of a service until told to stop, the first at once.

    A pass that fails is logged and repeated, sooner at first and then less and less often. Several servers that start
    together drift apart, as each interval is up to 10 % longer or shorter.

    Args:
        name: of the service, for people.
        run_once: carries out one pass and returns what it came to.
        interval_s: seconds between the starts of two passes.
        clock: returns the present, aware.
        wait: how to wait for an event; a test waits without letting time pass.
        jitter: returns a uniform sample in [0, 1).
        next_due: returns when the next pass is needed at the latest, however long the interval; None is no matter.
    Raises:
        ValueError: the interval is not positive.
    """

    def __init__(
        self,
        name: str,
        run_once: Callable[[datetime], Awaitable[object]],
        *,
        interval_s: float,
        clock: Callable[[], datetime],
        wait: Wait = wait_for,
        jitter: Callable[[], float] = random.random,
        next_due: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        if interval_s <= 0:
            raise ValueError(f"interval_s={interval_s} of {name} must be more than 0")
        self.name = name
        self.status = LoopStatus()
        self._run_once = run_once
        self._interval_s = interval_s
        self._clock = clock
        self._wait = wait
        self._jitter = jitter
        self._next_due = next_due
        self._woken = asyncio.Event()
        self._is_stopping = False

    def wake(self) -> None:
        """Begin the next pass now, or as soon as the present one ends. Call it on the event loop's thread."""
        self._woken.set()

    def stop(self) -> None:
        """Let `run` return; a pass that has begun comes to its end first. Call it on the event loop's thread."""
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Carry out passes until `stop` is called."""
        while not self._is_stopping:
            self._woken.clear()
            await self._pass()
            if not self._woken.is_set():
                await self._wait(self._woken, self._delay_s())

    async def _pass(self) -> None:
        started = self._clock()
        self.status = replace(self.status, started=started)
        try:
            counts = await self._run_once(started)
        except Exception as error:
            failures = self.status.failures + 1
            # Nobody needs a traceback of what was foreseen, such as a database that is away.
            trace = None if isinstance(error, EparchError) else error
            logger.error("%s has failed %d times in a row: %s", self.name, failures, error, exc_info=trace)
            self.status = replace(self.status, failures=failures, error=f"{type(error).__name__}: {error}")
        else:
            logger.debug("%s: %s", self.name, counts)
            self.status = replace(self.status, failures=0, error=None, counts=counts)
        self.status = replace(self.status, passes=self.status.passes + 1, ended=self._clock())

    def _delay_s(self) -> float:
        status = self.status
        assert status.started is not None
        assert status.ended is not None
        interval_s = self._interval_s * (1 - _JITTER + 2 * _JITTER * self._jitter())
        if status.failures:
            # Exponential backoff with jitter, but never rarer than without a failure.
            retry_s = min(_RETRY_S * 2.0 ** min(status.failures - 1, 30), _RETRY_S_MAX)
            return min(retry_s * (0.5 + self._jitter() / 2), interval_s)
        # The clock may have been set back meanwhile.
        took_s = max((status.ended - status.started).total_seconds(), 0.0)
        if took_s > self._interval_s:
            logger.warning(
                "%s took %.1f s, which is longer than its interval of %g s.", self.name, took_s, self._interval_s
            )
        delay_s = interval_s - took_s
        due = self._next_due()
        if due is not None:
            delay_s = min(delay_s, max((due - status.ended).total_seconds(), _PAUSE_S))
        return max(delay_s, 0.0)
