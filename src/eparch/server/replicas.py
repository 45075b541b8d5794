"""Several servers over one PostgreSQL: each learns at once what the others have changed.

In charge of what servers tell each other and of what follows here; not in charge of how it travels
(`database.notices`) nor of which server runs which service (`services.lease`).

Each message names its sender and the tables and events that its commits touched, as the writer noted them; a server
also says every few seconds that it is alive, and that it ends. What a server committed and could not tell any more, as
it was killed, is not known to the others: when one falls silent, everybody who waits looks once.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec
from sqlalchemy import Engine

from eparch.core.peers import Peers
from eparch.database.notices import PAYLOAD_BYTES_MAX, Notices
from eparch.operations.identity import new_id

logger: Final = logging.getLogger("eparch.replicas")

BEAT_S: Final = 2.0
SILENCE_S: Final = 7.0
_NAMES_BYTES_MAX: Final = PAYLOAD_BYTES_MAX - 500


class Message(msgspec.Struct, omit_defaults=True):
    """What a server tells the others.

    Attributes:
        sender: the name of its process.
        touched: names of tables and events; none in a sign of life.
        is_last: whether it ends.
    """

    sender: str
    touched: list[str] = []
    is_last: bool = False


class Replicas:
    """Tells the other servers what this one has changed, and this one what the others have.

    Args:
        engine: of PostgreSQL.
        name: of this process; no other has it.
        changed: called with what another server has touched, on a thread of its own.
        missed: called on the same thread when changes may have been missed.
        monotonic_s: a clock that only goes forward.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        changed: Callable[[frozenset[str]], None],
        missed: Callable[[], None],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._changed = changed
        self._missed = missed
        self._monotonic_s = monotonic_s
        self._peers = Peers(SILENCE_S)
        self._is_leaving = False
        self._notices = Notices(
            engine, compose=self._compose, receive=self._receive, missed=self._after_gap, beat_s=BEAT_S
        )

    def start(self) -> None:
        """Begin to listen. Call it before anything is read that others may change."""
        self._notices.start()

    def tell(self, touched: frozenset[str]) -> None:
        """Let the others know what a commit of this server has touched. May be called on any thread; never waits."""
        self._notices.note(touched)

    def stop(self) -> None:
        """Tell what is left, say goodbye, and end."""
        self._is_leaving = True
        self._notices.stop()

    def _compose(self, touched: frozenset[str]) -> Iterator[str]:
        # A table's name is a text of SQLAlchemy's own kind, which the encoder does not know.
        for part in _parts(sorted(map(str, touched))):
            yield _encode(Message(self._name, part))
        if self._is_leaving or not touched:
            yield _encode(Message(self._name, is_last=self._is_leaving))

    def _receive(self, payload: str) -> None:
        message = msgspec.json.decode(payload, type=Message)
        if message.sender != self._name:
            if message.is_last:
                self._peers.leave(message.sender)
            else:
                self._peers.hear(message.sender, self._monotonic_s())
            if message.touched:
                self._changed(frozenset(message.touched))
        # This server's own signs of life come back to it: every `BEAT_S` seconds somebody looks.
        for silent in self._peers.silent(self._monotonic_s()):
            logger.warning("The server %s has fallen silent; whoever waits looks once.", silent)
            self._missed()

    def _after_gap(self) -> None:
        # While nothing was heard nobody can be called silent.
        self._peers.heard.clear()
        self._missed()


def process_name() -> str:
    """Return a name of this process that no other has, nor a later one of the same number."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_id()[-8:]}"


def _encode(message: Message) -> str:
    return msgspec.json.encode(message).decode()


def _parts(names: Iterable[str]) -> Iterator[list[str]]:
    """Return the names in lists that fit into a message each."""
    part: list[str] = []
    size = 0
    for name in names:
        length = len(msgspec.json.encode(name)) + 1
        if part and size + length > _NAMES_BYTES_MAX:
            yield part
            part, size = [], 0
        part.append(name)
        size += length
    if part:
        yield part
