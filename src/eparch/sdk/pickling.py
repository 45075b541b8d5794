"""Tasks and flows as bytes, for other processes.

In charge of saying which task it is that cannot be sent; not in charge of sending.
"""

from collections.abc import Iterable
from typing import Any

from eparch.sdk.errors import FlowError


def pickled(thing: Any, what: str, tasks: Iterable[Any]) -> bytes:
    """Return a thing as a pickle, with what is defined in scripts and notebooks included.

    Args:
        what: what it is, for the message.
        tasks: the tasks in it, to find out which one cannot be pickled.
    Raises:
        FlowError: it cannot be pickled; the message names the task.

    Example:
        >>> import threading
        >>> from eparch import task
        >>> lock = threading.Lock()
        >>> @task
        ... def guarded() -> None:
        ...     with lock:
        ...         pass
        >>> pickled([guarded], "Flow 'etl'", [guarded])
        Traceback (most recent call last):
        ...
        eparch.sdk.errors.FlowError: Task 'guarded' cannot be pickled: cannot pickle '_thread.lock' object
        Hint: it holds something of this process: a lock, a connection, an open file; make that inside the task
    """
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(thing))
    except Exception as error:
        culprit = _culprit(tasks)
        if culprit is None:
            raise FlowError(f"{what} cannot be pickled: {error}") from None
        name, reason = culprit
        raise FlowError(
            f"Task {name!r} cannot be pickled: {reason}",
            hint="it holds something of this process: a lock, a connection, an open file; make that inside the task",
        ) from None


def _culprit(tasks: Iterable[Any]) -> tuple[str, Exception] | None:
    import cloudpickle

    for task in tasks:
        try:
            cloudpickle.dumps(task)
        except Exception as error:
            return task.name, error
    return None
