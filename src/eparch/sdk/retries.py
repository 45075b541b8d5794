"""How long a task waits before its next attempt.

In charge of delays; not in charge of deciding whether there is a next attempt (`engine.decisions`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from eparch.sdk.errors import FlowError

RetryDelay: TypeAlias = timedelta | float | Sequence[timedelta | float] | Callable[[int], timedelta | float]


@dataclass(frozen=True, slots=True)
class ExponentialBackoff:
    """A delay that doubles with each attempt, up to a limit. Made by `exponential_backoff`."""

    first_s: float
    longest_s: float
    factor: float = 2.0

    def __call__(self, attempt: int) -> float:
        """Return the seconds to wait after attempt number `attempt`, from 1."""
        try:
            return min(self.longest_s, self.first_s * self.factor ** (attempt - 1))
        except OverflowError:
            return self.longest_s


def exponential_backoff(
    first: timedelta | float = 1.0, longest: timedelta | float = 600.0, factor: float = 2.0
) -> ExponentialBackoff:
    """Return a retry delay that grows by `factor` with each attempt, never beyond `longest`.

    Args:
        first: the first delay; a timedelta or seconds.

    Example:
        >>> delay = exponential_backoff(first=2, longest=10)
        >>> [delay(attempt) for attempt in (1, 2, 3, 4)]
        [2.0, 4.0, 8.0, 10.0]
    """
    return ExponentialBackoff(seconds(first), seconds(longest), factor)


def delay_s(delay: RetryDelay | None, attempt: int) -> float:
    """Return how many seconds to wait after attempt number `attempt` (from 1) has failed.

    The last member of a sequence counts for all further attempts.

    Example:
        >>> delay_s([1, 5], 1), delay_s([1, 5], 7), delay_s(None, 1)
        (1.0, 5.0, 0.0)
    """
    if delay is None:
        return 0.0
    if callable(delay):
        return seconds(delay(attempt))
    if isinstance(delay, timedelta | float | int):
        return seconds(delay)
    return seconds(delay[min(attempt, len(delay)) - 1])


def check(task_name: str, delay: RetryDelay | None) -> None:
    """Do nothing, or say what is wrong with a task's retry delay.

    Raises:
        FlowError: it is neither a time, nor a list of times, nor a function; or it is negative or empty.
    """
    if delay is None or callable(delay):
        return
    members: object = [delay] if isinstance(delay, timedelta | float | int) else delay
    if not isinstance(members, list | tuple) or not members:
        raise FlowError(
            f"The retry delay of task {task_name!r} is {delay!r}.",
            hint="give a timedelta, seconds, a list of them, or a function of the number of the attempt",
        )
    for member in members:
        if not isinstance(member, timedelta | float | int) or seconds(member) < 0:
            raise FlowError(f"The retry delay of task {task_name!r} contains {member!r}, which is no time to wait.")


def seconds(time: timedelta | float) -> float:
    """Return a timedelta, or a number of seconds, as seconds."""
    return time.total_seconds() if isinstance(time, timedelta) else float(time)
