"""In charge of HTTP as bytes on a socket, for what no client library would send; not in charge of what it means."""

import json
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Response:
    """An answer as it came; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The codes of its errors."""
        return [error["extensions"]["code"] for error in self.json()["errors"]]


class Wire:
    """One connection to a port of this machine."""

    def __init__(self, port: int, timeout_s: float = _TIMEOUT_S) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._left = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> Response:
        """Return the next answer.

        Raises:
            ConnectionError: the server closed the connection before its end.
            TimeoutError: it took too long.
        """
        head, _, self._left = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        length = 0 if status == 204 else int(headers["content-length"])
        while len(self._left) < length:
            self._left += self._more()
        body, self._left = self._left[:length], self._left[length:]
        return Response(status, headers, body)

    def is_closed(self) -> bool:
        """Wait until the server closes the connection; False if it says something instead.

        Raises:
            TimeoutError: it does neither.
        """
        try:
            return self._left == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self.socket.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._left:
            self._left += self._more()
        return self._left

    def _more(self) -> bytes:
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError(f"the server closed the connection after {self._left!r}")
        return data


def request(method: str, path: str = "/", body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; `_` in the name of a header stands for `-`."""
    told = {"host": "127.0.0.1", **({"content-length": str(len(body))} if body else {})}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def operation(query: str, variables: Any = None, **headers: str) -> bytes:
    """Return the bytes of a POST of one operation."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    return request("POST", "/", body, content_type="application/json", **headers)


def exchange(port: int, data: bytes) -> Response:
    """Send bytes on a connection of their own and return the answer."""
    with Wire(port) as wire:
        wire.send(data)
        return wire.receive()


def ask(port: int, query: str, variables: Any = None, **headers: str) -> Response:
    """Send one operation on a connection of its own and return the answer."""
    return exchange(port, operation(query, variables, **headers))
