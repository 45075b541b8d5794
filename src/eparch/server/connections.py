"""One connection of HTTP, and how long it may hold the server up.

In charge of clients that send slowly, never, or without end; not in charge of what requests say (`http`).

Uvicorn reads requests; it gives a client as long and as much memory as it likes until the head of a request is
complete. Here a request that is not complete when its first bytes have been read is given a deadline, and its head a
size. A client that does not read its answer is given up by the kernel (`run`).
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES_MAX: Final = 65_536
IDLE_S: Final = 75.0
"""How long a connection is kept between two requests."""
REQUEST_S: Final = 30.0
"""How long a request may take to arrive, and a second more for each so many bytes of it."""
BYTES_PER_S_MIN: Final = 1_024
# How long what a refused client goes on sending is thrown away: to close at once would make its system drop the answer.
_LINGER_S: Final = 1.0


class Connection(HttpToolsProtocol):
    """A connection that is closed when a request does not arrive.

    Args:
        is_stopping: whether the server has been told to stop.
        parts: what uvicorn gives a connection.
    """

    request_s = REQUEST_S

    _is_arriving = False
    _has_head = False
    _is_refused = False
    _arrived_bytes = 0
    _started = 0.0
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, *, is_stopping: Callable[[], bool] = lambda: False, **parts: Any) -> None:
        super().__init__(**parts)
        self._is_stopping = is_stopping

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin: the first request is awaited."""
        super().connection_made(transport)
        if self._is_stopping():
            # The system had accepted it before the listener was closed. Uvicorn has told the connections of that moment
            # to end, and would wait for this one as long as for a request.
            self.shutdown()
            return
        self._is_arriving = True
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read. Nearly always a whole request comes at once, and nothing is left to wait for."""
        if self._is_refused:
            return
        super().data_received(data)
        if self._is_arriving:
            # What began with these bytes counts from the next ones on: others may have come before it.
            self._arrived_bytes = 0 if self._arrived_bytes < 0 else self._arrived_bytes + len(data)
            if not self._has_head and self._arrived_bytes > HEAD_BYTES_MAX:
                self._refuse(b"431 Request Header Fields Too Large")
            else:
                self._wait()
        elif self._timer is not None:
            self._end_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._end_wait()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Note the beginning of a request."""
        super().on_message_begin()
        self._is_arriving, self._has_head, self._arrived_bytes = True, False, -1

    def on_headers_complete(self) -> None:
        """Note the end of its head, and start to answer it."""
        self._has_head = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note its end."""
        self._is_arriving = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand over: another protocol has the connection from now on."""
        self._is_arriving = False
        super().handle_websocket_upgrade()

    def _wait(self) -> None:
        if self._timer is None:
            self._started = self.loop.time()
            self._timer = self.loop.call_later(self.request_s, self._expire)

    def _end_wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        allowed_s = self.request_s + self._arrived_bytes / BYTES_PER_S_MIN
        left_s = self._started + allowed_s - self.loop.time()
        if self.flow.read_paused or self._is_answering():
            # It is the server's turn: an earlier request is not answered yet.
            left_s = max(left_s, self.request_s)
        if left_s > 0:
            self._timer = self.loop.call_later(left_s, self._expire)
        else:
            self._timer = None
            self._refuse(b"408 Request Timeout")

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _refuse(self, status: bytes) -> None:
        if self.transport.is_closing():
            return
        self._is_refused = True
        self._end_wait()
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started:
                # In the middle of an answer nothing else can be said.
                self.transport.close()
                return
            # Whoever waits for the rest of the request learns that it will not come.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.close)
