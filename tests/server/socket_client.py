"""In charge of one WebSocket that speaks graphql-transport-ws; not in charge of what it should say."""

import json
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

PROTOCOL: Any = "graphql-transport-ws"
_WAIT_S = 20.0


class SocketClient:
    """A connection that has been acknowledged, unless `is_greeted` is false."""

    def __init__(
        self, port: int, *, path: str = "/", is_greeted: bool = True, headers: dict[str, str] | None = None
    ) -> None:
        self._opening = connect(
            f"ws://127.0.0.1:{port}{path}", subprotocols=[PROTOCOL], additional_headers=headers, max_size=None
        )
        self._is_greeted = is_greeted
        self.connection: ClientConnection

    def __enter__(self) -> Self:
        self.connection = self._opening.__enter__()
        if self._is_greeted:
            self.send("connection_init")
            assert self.receive() == {"type": "connection_ack"}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opening.__exit__(kind, error, trace)

    def send(self, kind: str, key: str | None = None, payload: Any = None) -> None:
        message = {"type": kind, "id": key, "payload": payload}
        self.connection.send(json.dumps({name: value for name, value in message.items() if value is not None}))

    def subscribe(self, key: str, query: str, variables: Any = None, **more: Any) -> None:
        self.send("subscribe", key, {"query": query, "variables": variables, **more})

    def receive(self, wait_s: float = _WAIT_S) -> Any:
        """Return the next message.

        Raises:
            TimeoutError: none came.
            websockets.ConnectionClosed: the server has closed the connection.
        """
        return json.loads(self.connection.recv(wait_s))

    def receive_next(self, key: str) -> Any:
        """Return the answer in the next message, which must be one for `key`."""
        message = self.receive()
        assert (message["type"], message["id"]) == ("next", key), message
        return message["payload"]

    def check_silence(self) -> None:
        """Assert that the server has sent nothing up to now: the answer to a ping is the next that it sends."""
        self.send("ping", payload={"silence": True})
        message = self.receive()
        assert message == {"type": "pong", "payload": {"silence": True}}, message
