"""What a process of a `ProcessExecutor` does: `python -m eparch.sdk.executors.process_worker FD`.

In charge of running attempts one after the other and of telling what becomes of each; not in charge of time limits: who
started the process kills it.
"""

import logging
import os
import pickle
import sys
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue

from eparch.sdk import states
from eparch.sdk.engine.attempts import Attempt, Outcome, Shared, run_attempt
from eparch.sdk.executors.executor import Told
from eparch.sdk.executors.messages import Beginning, Logged, read, written
from eparch.sdk.logs import ROOT, record_document
from eparch.sdk.states import State


class _Sender(logging.Handler):
    """Sends log records and states; records may come from any thread of a task."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe
        self._sending = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        self.send(written(Logged(record_document(record))))

    def tell(self, step: int, map_index: int, state: State) -> None:
        self.send(written(Told(step, map_index, state)))

    def send(self, message: bytes) -> None:
        with self._sending:
            self._pipe.send_bytes(message)


def main(fd: int) -> None:
    """Serve the program at the other end of the pipe until it hangs up."""
    pipe = Connection(fd)
    beginning = read(pipe.recv_bytes())
    assert isinstance(beginning, Beginning)
    sys.path[:] = beginning.path
    shared: Shared = pickle.loads(beginning.shared)  # noqa: S301 - from the program that started this one
    sender = _Sender(pipe)
    root = logging.getLogger(ROOT)
    root.addHandler(sender)
    # The level is judged where the record ends up.
    root.setLevel(logging.DEBUG)
    root.propagate = False
    work: SimpleQueue[list[Attempt]] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, work), daemon=True).start()
    while True:
        for attempt in work.get():
            outcome = run_attempt(shared, attempt, sender.tell)
            sender.send(_sendable(outcome, shared))


def _listen(pipe: Connection, work: SimpleQueue[list[Attempt]]) -> None:
    try:
        while True:
            work.put(read(pipe.recv_bytes()))
    except (EOFError, OSError):
        # Nobody waits for what is being done, be it in the middle of a task.
        os._exit(0)


def _sendable(outcome: Outcome, shared: Shared) -> bytes:
    try:
        return written(outcome)
    except Exception as error:  # whatever a user's object raises
        name = shared.tasks[outcome.step].name
        failed = states.Failed(
            f"The result of task {name!r} cannot be sent out of its process: {error!r}",
            result=RuntimeError(repr(error)),
        )
        return written(Outcome(outcome.step, outcome.map_index, failed, outcome.passed))


if __name__ == "__main__":
    main(int(sys.argv[1]))
