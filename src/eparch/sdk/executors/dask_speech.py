"""What tasks on a Dask cluster say while they run: states and log lines, over Dask's own events.

In charge of both ends of that channel; not in charge of outcomes, which are Dask's results (`dask`). Events and results
travel by different ways, so an outcome comes with the number of what was said before it, and the end of a run waits
until that much has been heard.
"""

import logging
import os
import socket
import threading
import time
from contextvars import ContextVar
from typing import Any, Final
from uuid import uuid4

from msgspec import Struct

from eparch.sdk.engine.attempts import Outcome
from eparch.sdk.executors.executor import Events, Told
from eparch.sdk.executors.messages import Logged, read, written
from eparch.sdk.logs import ROOT, handle_elsewhere, record_document
from eparch.sdk.states import State

# What was said last is on its way for milliseconds; a lost connection must not hold up the end of a run.
_HEARING_S_MAX: Final = 10.0


class Channel(Struct):
    """Where a worker says what.

    Attributes:
        topic: Dask's name for it.
        process: who listens; a task in the same process logs there by itself.
        level: the least level of log lines that are wanted.
        tells_all: whether states are wanted too.
    """

    topic: str
    process: str
    level: int
    tells_all: bool


class Done(Struct):
    """An outcome, with what was said before it.

    Attributes:
        speech: which run of the attempt it was: Dask may run one again.
        said_count: how much it has said.
    """

    outcome: Outcome
    speech: str
    said_count: int


def this_process() -> str:
    """Return a name for this process that no other one has."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Speech:
    """One run of an attempt on a worker."""

    def __init__(self, channel: Channel) -> None:
        from distributed import get_worker

        self.id = uuid4().hex
        self.said_count = 0
        self._channel = channel
        self._worker: Any = get_worker()
        self._saying = threading.Lock()

    def tell(self, step: int, map_index: int, state: State) -> None:
        """Say that a state was entered."""
        self._say(written(Told(step, map_index, state)))

    def log(self, record: logging.LogRecord) -> None:
        """Say a log line."""
        if record.levelno >= self._channel.level:
            self._say(written(Logged(record_document(record))))

    def __enter__(self) -> "Speech":
        if self._channel.process != this_process():
            _install(self._channel.level)
            self._token = _speech.set(self)
        else:
            self._token = _speech.set(None)
        return self

    def __exit__(self, *_: object) -> None:
        _speech.reset(self._token)

    def _say(self, message: bytes) -> None:
        with self._saying:
            self.said_count += 1
            self._worker.log_event(self._channel.topic, (self.id, message))


class Hearing:
    """The end of the channel in the process that runs the flow.

    Args:
        events: what is told goes there.
    """

    def __init__(self, client: Any, events: Events) -> None:
        self.topic = f"eparch-{uuid4()}"
        self._events = events
        self._counts: dict[str, int] = {}
        self._expected: dict[str, int] = {}
        self._change = threading.Condition()
        client.subscribe_topic(self.topic, self._heard)

    def expect(self, speech: str, count: int) -> None:
        """Take note of how much a run has said."""
        with self._change:
            if count > self._counts.get(speech, 0):
                self._expected[speech] = count
            else:
                self._counts.pop(speech, None)

    def wait(self) -> None:
        """Wait until all that was said before the outcomes has been heard."""
        until = time.monotonic() + _HEARING_S_MAX
        with self._change:
            self._change.wait_for(lambda: not self._expected, max(0.0, until - time.monotonic()))

    def _heard(self, event: tuple[Any, tuple[str, bytes]]) -> None:
        speech, data = event[1]
        message = read(data)
        if isinstance(message, Told):
            self._events.put(message)
        else:
            handle_elsewhere(message.record)
        with self._change:
            self._counts[speech] = self._counts.get(speech, 0) + 1
            if self._counts[speech] >= self._expected.get(speech, self._counts[speech] + 1):
                del self._expected[speech], self._counts[speech]
                self._change.notify_all()


class _Handler(logging.Handler):
    """Takes the log lines of a worker's process to whichever run they belong."""

    def emit(self, record: logging.LogRecord) -> None:
        speech = _speech.get()
        if speech is not None:
            try:
                speech.log(record)
            except Exception:
                self.handleError(record)


_speech: ContextVar[Speech | None] = ContextVar("eparch_dask_speech", default=None)
_handler: Final = _Handler()


def _install(level: int) -> None:
    root = logging.getLogger(ROOT)
    if _handler not in root.handlers:
        root.addHandler(_handler)
    if root.getEffectiveLevel() > level:
        root.setLevel(level)
