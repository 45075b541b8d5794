"""Short messages between all processes that are connected to one PostgreSQL, by LISTEN and NOTIFY.

In charge of sending them after commits and of receiving them; not in charge of what they say (`server.replicas`).

A message is sent by a connection of its own after the commit, not within the transaction: PostgreSQL lets transactions
that notify commit one after the other in the whole cluster, which would cost more than all else that a change does. So
a message can be lost where a process dies between its commit and its message; whoever relies on messages must notice
when a sender has died. What is to be sent while the connection is away is kept, and joined.

Source: PostgreSQL 15, src/backend/commands/async.c, "heavyweight lock" in PreCommit_Notify; manual, NOTIFY.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from eparch.database.faults import of_driver, translated

logger: Final = logging.getLogger("eparch.notices")

PAYLOAD_BYTES_MAX: Final = 7_900
"""PostgreSQL takes payloads below 8,000 bytes."""

_CHANNEL: Final = "eparch"
# Commits come up to hundreds of times a second; what they touched is told together.
_GAP_S: Final = 0.01
_RETRY_S: Final = 0.5
_LISTEN_S: Final = 2.0


class Notices:
    """Sends and receives messages until stopped.

    Args:
        engine: of PostgreSQL; two of its connections are kept.
        compose: returns the payloads to send for what was noted since the last call; on the sending thread.
        receive: takes the payload of each message of any process, this one included; on the receiving thread.
        missed: called on the receiving thread when messages may have been lost, as the connection was.
        beat_s: `compose` is called at least so often, also when nothing was noted.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        compose: Callable[[frozenset[str]], Iterable[str]],
        receive: Callable[[str], None],
        missed: Callable[[], None],
        beat_s: float,
    ) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._compose = compose
        self._receive = receive
        self._missed = missed
        self._beat_s = beat_s
        self._noted: set[str] = set()
        self._lock = threading.Lock()
        self._has_news = threading.Event()
        self._listening = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._listen, name="eparch-notices-in"),
            threading.Thread(target=self._send, name="eparch-notices-out"),
        ]

    def start(self, patience_s: float = 10.0) -> None:
        """Begin, and return once messages are received, or after `patience_s` while the database is away."""
        for thread in self._threads:
            thread.start()
        self._listening.wait(patience_s)

    def note(self, names: Iterable[str]) -> None:
        """Let the names be told to all processes in a moment. May be called on any thread; never waits."""
        with self._lock:
            self._noted.update(names)
        self._has_news.set()

    def stop(self) -> None:
        """Tell what was noted, if the database is there, and end."""
        self._stopping.set()
        self._has_news.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while True:
            self._has_news.wait(self._beat_s)
            is_last = self._stopping.is_set()
            self._has_news.clear()
            with self._lock:
                noted, self._noted = self._noted, set()
            is_sent = self._notify(self._compose(frozenset(noted)))
            if is_last or (self._stopping.is_set() and not is_sent):
                return
            if not is_sent:
                self.note(noted)
            self._stopping.wait(_GAP_S if is_sent else _RETRY_S)

    def _notify(self, payloads: Iterable[str]) -> bool:
        """Send payloads; return False where that failed and must be repeated."""
        try:
            with self._engine.connect() as connection:
                for payload in payloads:
                    connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (_CHANNEL, payload))
        except DBAPIError as error:
            logger.warning("Other servers learn of changes later: %s", translated(error).message)
            return False
        return True

    def _listen(self) -> None:
        is_first = True
        while not self._stopping.is_set():
            try:
                with self._engine.connect() as connection:
                    connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
                    self._listening.set()
                    if not is_first:
                        _call(self._missed)
                    is_first = False
                    try:
                        self._follow(connection.connection.dbapi_connection)
                    finally:
                        # The session must not go back to the pool with its LISTEN.
                        connection.invalidate()
            except DBAPIError as error:
                logger.warning("Nothing is heard of other servers: %s", translated(error).message)
            self._stopping.wait(_RETRY_S)

    def _follow(self, driver_connection: Any) -> None:
        """Receive messages until stopped or the connection is lost."""
        import psycopg

        try:
            while not self._stopping.is_set():
                # One at a time: the last one, sent by `stop`, ends the wait.
                for message in driver_connection.notifies(timeout=_LISTEN_S, stop_after=1):
                    _call(self._receive, message.payload)
        except psycopg.Error as error:
            logger.warning("Nothing is heard of other servers for a moment: %s", of_driver(error).message)


def _call(function: Callable[..., None], *arguments: object) -> None:
    try:
        function(*arguments)
    except Exception:
        # One message that cannot be used must not end the thread that all later ones need.
        logger.exception("A message of another server could not be used.")
