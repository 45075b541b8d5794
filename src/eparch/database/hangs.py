"""A PostgreSQL that does not answer any more, though its connections stay open.

In charge of noticing it and of letting go of whoever waits; not in charge of statements that only take long, which
PostgreSQL itself ends (`statement_timeout`), nor of what follows (`batches`, `readers`).

A process that is stopped, a machine that hangs, a network that swallows packets: the kernel at the other end goes on
acknowledging, so that neither a closed connection nor keepalives tell of it. Here a connection that has been in use for
some seconds without an end makes this thread ask PostgreSQL over a new one. If it answers, it is alive, and the
statement only long. If not, all connections that wait are cut, and their users find them lost.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Engine, event

logger: Final = logging.getLogger("eparch.database")

_PROBE_S: Final = 5


class HangWatch:
    """A thread that watches the connections of engines.

    Args:
        is_alive: asks PostgreSQL over a connection of its own, and takes `_PROBE_S` at the most.
        answer_s: how long a connection may be in use before it is asked.
    """

    def __init__(self, is_alive: Callable[[], bool], *, answer_s: float) -> None:
        self._is_alive = is_alive
        self._answer_s = answer_s
        self._in_use: dict[int, tuple[Any, float]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="eparch-hang-watch", daemon=True)

    def watch(self, engine: Engine) -> None:
        """Watch the connections of an engine from now on."""

        @event.listens_for(engine, "checkout")
        def _begin(connection: Any, _record: object, _proxy: object) -> None:
            with self._lock:
                self._in_use[id(connection)] = connection, time.monotonic()

        @event.listens_for(engine, "checkin")
        def _end(connection: Any, _record: object) -> None:
            with self._lock:
                self._in_use.pop(id(connection), None)

        @event.listens_for(engine, "invalidate")
        def _lose(connection: Any, _record: object, _error: object) -> None:
            with self._lock:
                self._in_use.pop(id(connection), None)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        # It wakes when the oldest use could be too long, so that an idle server sleeps.
        while not self._stopping.wait(self._answer_s):
            if self._overdue() and not self._is_alive():
                self._cut()

    def _overdue(self) -> list[Any]:
        since = time.monotonic() - self._answer_s
        with self._lock:
            return [connection for connection, begun in self._in_use.values() if begun <= since]

    def _cut(self) -> None:
        overdue = self._overdue()
        logger.error("PostgreSQL does not answer: %d connections that wait for it are given up.", len(overdue))
        for connection in overdue:
            _shut(connection)


def probe(engine: Engine) -> Callable[[], bool]:
    """Return a question to PostgreSQL over a connection of its own: whether it answers."""

    def is_alive() -> bool:
        import psycopg  # an extra: installed where PostgreSQL is used

        arguments, options = engine.dialect.create_connect_args(engine.url)
        try:
            psycopg.connect(*arguments, **{**options, "connect_timeout": _PROBE_S}).close()
        except psycopg.OperationalError as error:
            # Whoever refuses is alive: too many connections, a wrong password, a start that is not over.
            return getattr(error, "sqlstate", None) is not None or "FATAL" in str(error)
        return True

    return is_alive


def _shut(connection: Any) -> None:
    """End the connection of a driver under whoever waits on it, who then reads its end."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        logger.debug("A connection was gone already: %s", error)
