"""A run that an agent has started, whatever it runs in.

In charge of what every kind must be able to do; not in charge of any kind, nor of deciding anything (`supervision`).
"""

import contextlib
import signal
from abc import ABC, abstractmethod
from typing import ClassVar


class Handle(ABC):
    """What an agent holds of a run that it has started. All methods are called from one thread.

    Attributes:
        is_own: whether Eparch's own library carries the run out. Prefect's looks for cancellations by itself.
        beats_itself: whether the run sends its heartbeats; otherwise the agent does.
    """

    is_own: bool = True
    beats_itself: ClassVar[bool] = False

    @abstractmethod
    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""

    @abstractmethod
    def terminate(self) -> None:
        """Ask it to end, as an init system would."""

    @abstractmethod
    def kill(self) -> None:
        """End it."""

    @abstractmethod
    def last_lines(self) -> list[str]:
        """Return the last lines of what it has printed."""

    def tell(self, state: str) -> bool:
        """Tell the run that it is to end because of a state, such as Cancelling; return whether it could be told."""
        return False

    def ending(self, code: int) -> str:
        """Return how it ended, in words that follow `The process of the flow run`."""
        return described(code)

    def close(self) -> None:  # noqa: B027 - not every kind holds something
        """Give back what is held for it; called once, after its end was reported."""


def described(code: int) -> str:
    """Return how a process ended, in words.

    Example:
        >>> described(-9), described(1)
        ('was killed by signal SIGKILL', 'ended with exit code 1')
    """
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by signal {signal.Signals(-code).name}"
        return f"was killed by signal {-code}"
    return f"ended with exit code {code}"
