"""HTTP connections to a server, kept open.

In charge of sending a body and of trying again where that is safe and may help; not in charge of what the body says
(`client`). Python's own `http.client` is enough, and loads in a tenth of the time of other libraries.

Tried again, with growing delays: what did not arrive, and what the server answered with 429, 500, 502, 503 or 504. A
call may then be carried out twice; the operations that Eparch's own library uses bear that.
"""

import http.client
import random
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from eparch.client.errors import ClientError, Refused, Unreachable

_RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_DELAYS_S: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)


class Transport:
    """Posts bodies to one address. May be used from several threads: each call takes a connection that nobody uses.

    Args:
        timeout_s: how long to wait for an answer.
        sleep: waits so many seconds; tests put something else in its place.
    """

    def __init__(self, url: str, timeout_s: float = 15.0, sleep: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClientError(f"{url!r} is no address of a server.", hint="write one such as http://127.0.0.1:4200")
        self.url = url
        self.timeout_s = timeout_s
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path or "/"
        self._sleep = sleep
        self._idle: deque[http.client.HTTPConnection] = deque()

    def post(
        self, body: bytes, headers: dict[str, str], *, timeout_s: float | None = None, tries: int = len(_DELAYS_S) + 1
    ) -> tuple[int, bytes]:
        """Return status and body of the answer.

        Args:
            timeout_s: how long to wait for the answer to this call, where it is meant to take long.
            tries: how often to try at most.
        Raises:
            Unreachable: nobody answers.
        """
        for attempt in range(tries):
            is_last = attempt == tries - 1
            try:
                status, answer, retry_after = self._posted(body, headers, timeout_s or self.timeout_s)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_last:
                    raise self._unreachable(error) from None
                wait_s = None
            else:
                if status not in _RETRIED_STATUSES or is_last:
                    return status, answer
                wait_s = retry_after
            # With jitter: many clients of a server that comes back do not come all at once.
            delay_s = _DELAYS_S[min(attempt, len(_DELAYS_S) - 1)] * (0.5 + random.random())  # noqa: S311
            self._sleep(delay_s if wait_s is None else wait_s)
        raise AssertionError("a loop that returns or raises")

    def close(self) -> None:
        """Close the connections that nobody uses; the next call opens another."""
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        # Not when it was never whole: its address was refused.
        if hasattr(self, "_idle"):
            self.close()

    def _posted(self, body: bytes, headers: dict[str, str], timeout_s: float) -> tuple[int, bytes, float | None]:
        connection = self._connection(timeout_s)
        is_reused = connection.sock is not None
        try:
            try:
                connection.request("POST", self._path, body, headers)
                response = connection.getresponse()
            except (ConnectionError, http.client.BadStatusLine):
                # A server may close a connection that was idle; that says nothing about the next one.
                connection.close()
                if not is_reused:
                    raise
                connection.request("POST", self._path, body, headers)
                response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return response.status, answer, _seconds(response.headers.get("Retry-After"))

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._new()
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        return connection

    def _new(self) -> http.client.HTTPConnection:
        if not self._is_secure:
            return http.client.HTTPConnection(self._host, self._port)
        return http.client.HTTPSConnection(self._host, self._port, context=ssl.create_default_context())

    def _unreachable(self, error: Exception) -> ClientError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Refused(f"The certificate of {self.url} is not trusted: {error.verify_message}.", code="TLS")
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unreachable(
            f"No server answers at {self.url}: {reason}.",
            hint="start one: eparch server start; or say where it is: EPARCH_API_URL",
            code="UNREACHABLE",
        )


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else min(60.0, max(0.0, float(text)))
    except ValueError:
        return None
