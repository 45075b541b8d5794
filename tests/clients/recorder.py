"""In charge of standing between clients and a server, and of keeping what they say; not in charge of what it means."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer: headers and bodies as text, uncompressed."""

    request: str
    answer: str


class Recorder:
    """Passes requests on to the server at `target`: `with Recorder(server.url) as recorder`."""

    def __init__(self, target: str) -> None:
        self.exchanges: list[Exchange] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                answer = httpx.post(target + self.path, content=body, headers=headers, timeout=_TIMEOUT_S)
                recorder.exchanges.append(
                    Exchange(f"{headers}\n{body.decode()}", f"{dict(answer.headers)}\n{answer.text}")
                )
                self.send_response(answer.status_code)
                self.send_header("content-type", answer.headers["content-type"])
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                """Say nothing: what goes through is in `exchanges`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
