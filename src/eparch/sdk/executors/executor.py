"""What every executor does.

In charge of the two interfaces: `Executor`, which a user makes and a flow keeps, and `Session`, one run's use of it;
not in charge of any kind of executor.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import ClassVar, TypeAlias

from msgspec import Struct

from eparch.sdk.engine.attempts import Attempt, Outcome, Shared
from eparch.sdk.states import State


class Told(Struct):
    """A state that an attempt has entered and that is not its last one."""

    step: int
    map_index: int
    state: State


class Stopped(Struct):
    """The run is to stop handing out tasks: it was cancelled, or the executor cannot go on.

    Attributes:
        state: what the flow run becomes.
    """

    state: State


Event: TypeAlias = Outcome | Told | Stopped
Events: TypeAlias = SimpleQueue[Event]
"""What sessions tell the engine, in the order in which it happened."""


class Executor(ABC):
    """Where tasks run. Give one to a flow.

    Example:
        >>> from eparch import Flow
        >>> from eparch.executors import ThreadExecutor
        >>> Flow("etl", executor=ThreadExecutor(max_workers=8)).executor
        <ThreadExecutor: 8 threads>
    """

    # Whether a session itself ends what takes longer than its timeout.
    ends_timeouts: ClassVar[bool] = False

    @abstractmethod
    def open(self, shared: Shared, events: Events) -> "Session":
        """Get ready for one flow run.

        Raises:
            FlowError: the tasks cannot be sent where they are to run; the message names the task.
        """


class Session(ABC):
    """One flow run's use of an executor. Called from one thread.

    Attributes:
        tell: takes a state at once, for attempts that run in the thread of the engine, which takes in no events then.
    """

    tell: Callable[[int, int, State], None] | None = None

    @abstractmethod
    def room(self) -> int:
        """Return how many more attempts it takes now."""

    @abstractmethod
    def submit(self, attempts: Sequence[Attempt]) -> None:
        """Take attempts; each ends with one `Outcome` among the events, at once or later."""

    @abstractmethod
    def close(self, *, cancel: bool = False) -> int:
        """Give everything back. With `cancel`, stop what still runs, and return how much of it could not be stopped."""
