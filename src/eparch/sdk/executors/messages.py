"""What an engine and its worker processes say to each other.

In charge of the messages and of their bytes; not in charge of sending them.
"""

from typing import Any, TypeAlias

from msgspec import Struct

from eparch.sdk.engine.attempts import Attempt, Outcome
from eparch.sdk.executors.executor import Told


class Beginning(Struct):
    """The first message to a process.

    Attributes:
        path: where modules are imported from.
        shared: a pickle of what all attempts have in common; it is unpickled when the path is set.
    """

    path: list[str]
    shared: bytes


class Logged(Struct):
    """A log record of a process, as `logging.makeLogRecord` takes it."""

    record: dict[str, Any]


Heard: TypeAlias = Told | Logged
"""What a process says besides outcomes."""


def written(message: Beginning | list[Attempt] | Outcome | Heard | Struct) -> bytes:
    """Return a message as bytes.

    Raises:
        Exception: of any kind, where an object in it cannot be pickled.
    """
    import cloudpickle

    return bytes(cloudpickle.dumps(message))


def read(data: bytes) -> Any:
    """Return a message that this program's other half has written."""
    import pickle

    return pickle.loads(data)  # noqa: S301 - from our own process, through a pipe that nobody else has
