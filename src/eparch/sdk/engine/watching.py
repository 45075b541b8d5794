"""Watching over a flow run from beside it: heartbeats out, a wish to cancel in.

In charge of one thread that asks the server every other second and beats every ten; not in charge of what a
cancellation does to tasks (`driver`, `executors`).
"""

import logging
import signal
import threading
from collections.abc import Callable
from typing import Final

from eparch.client.client import Client
from eparch.client.errors import ClientError
from eparch.client.flow_runs import beat, flow_run_state
from eparch.core.states import FINISHED

_ASK_S: Final = 2.0
_BEAT_S: Final = 10.0
# A main thread that is in the middle of a task does not look at its events; it is interrupted then.
_NOTICE_S: Final = 1.0

_logger: Final = logging.getLogger("eparch_watch")


class Watch:
    """Watches over one flow run until it is closed.

    Args:
        on_end: called once with the name of the state, when the run is to be cancelled or was ended from outside.
    """

    def __init__(self, client: Client, flow_run_id: str, on_end: Callable[[str], None]) -> None:
        self._client = client
        self._flow_run_id = flow_run_id
        self._on_end = on_end
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="eparch-watch")
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._closed.set()

    def _work(self) -> None:
        rounds = 0
        while not self._closed.is_set():
            try:
                if rounds % round(_BEAT_S / _ASK_S) == 0:
                    states = beat(self._client, {self._flow_run_id: True}, _BEAT_S)
                    state = states.get(self._flow_run_id, "Running")
                else:
                    state = flow_run_state(self._client, self._flow_run_id)
            except ClientError as error:
                # A server that is away will be back, or somebody else will end the run.
                _logger.debug("The server cannot be asked: %s", error)
            else:
                # An end that is seen after this was closed is the run's own.
                if ends_run(state) and not self._closed.is_set():
                    self._on_end(state or "gone")
                    return
            rounds += 1
            self._closed.wait(_ASK_S)


def ends_run(state: str | None) -> bool:
    """Return whether a flow run in this state, as the server has it, must not go on."""
    return state is None or state == "Cancelling" or state in FINISHED


class Interrupter:
    """Interrupts the main thread in the middle of a task, and never after the run.

    Args:
        noticed: set when the run has noticed by itself that it is to stop.
    """

    def __init__(self, noticed: threading.Event) -> None:
        self._noticed = noticed
        self._acting = threading.Lock()
        self._is_over = False

    def interrupt(self) -> None:
        """Interrupt the main thread as a key press would, unless the run notices in time, or is over."""
        main = threading.main_thread()
        if self._noticed.wait(_NOTICE_S) or main.ident is None or not hasattr(signal, "pthread_kill"):
            return
        with self._acting:
            if not self._is_over:
                signal.pthread_kill(main.ident, signal.SIGINT)

    def end(self) -> None:
        """Take note that the run is over: from now on nothing is interrupted."""
        self._noticed.set()
        with self._acting:
            self._is_over = True
