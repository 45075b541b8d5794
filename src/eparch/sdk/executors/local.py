"""Tasks one after the other, in the thread that runs the flow."""

from collections.abc import Sequence

from eparch.sdk.engine.attempts import Attempt, Shared, run_attempt
from eparch.sdk.executors.executor import Events, Executor, Session


class LocalExecutor(Executor):
    """Run tasks one after the other, in the thread that runs the flow. What a flow uses that names no executor.

    Example:
        >>> from eparch import Flow, Parameter
        >>> from eparch.executors import LocalExecutor
        >>> with Flow("double", executor=LocalExecutor()) as f:
        ...     doubled = Parameter("x") * 2
        >>> f.run(x=21).result[doubled].result
        42
    """

    def open(self, shared: Shared, events: Events) -> Session:
        """Get ready for one flow run."""
        return _LocalSession(shared, events)

    def __repr__(self) -> str:
        return "<LocalExecutor>"


class _LocalSession(Session):
    def __init__(self, shared: Shared, events: Events) -> None:
        self._shared = shared
        self._events = events

    def room(self) -> int:
        # One at a time: what it leads to comes before what else is ready.
        return 1

    def submit(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            self._events.put(run_attempt(self._shared, attempt, self.tell))

    def close(self, *, cancel: bool = False) -> int:
        # Nothing was opened, and nothing runs when this is called.
        return 0
