"""In charge of what may stand between a client and its server: a gateway that wants a key, or an older server."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen


@contextmanager
def gateway(target: str, *, renamed: tuple[bytes, bytes] = (b"", b""), key: str | None = None) -> Iterator[str]:
    """Yield the address of a gateway before a real server.

    Args:
        renamed: a word of requests, and what the server gets in its place: it does not know that word.
        key: what it wants; without it, it answers as gateways with authentication do.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if key is not None and self.headers.get("Authorization") != f"Bearer {key}":
                return self._answer(401, b"no")
            request = Request(target, body.replace(*renamed), {"Content-Type": "application/json"})
            try:
                with urlopen(request) as response:
                    return self._answer(200, response.read())
            except HTTPError as error:
                return self._answer(error.code, error.read())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
