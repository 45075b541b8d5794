"""What a container engine and a cluster do with a container, done with a process of this machine.

In charge of processes with an environment, output and an end, and of serving JSON over HTTP; not in charge of the API
of Docker (`simulated_docker`) or of Kubernetes (`simulated_kubernetes`). No engine can run where these tests run, so
the real client libraries speak to these, and the flows are carried out for real.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit


class Process:
    """A container's process."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        # Nothing of ours but the way to the interpreter that an image would have.
        own = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(log.parent)}
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env={**own, **environment}, stdout=output, stderr=output, start_new_session=True
            )

    def code(self) -> int | None:
        """Return the exit code as an engine tells it: 128 and the number of a signal."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def end(self) -> None:
        self.send(signal.SIGKILL)
        self._process.wait()


class Simulation:
    """An HTTP server of JSON.

    Attributes:
        raw_kind: the content type of answers that are bytes.
        is_away: answers every request with 503 while true.
        asked: the method and path of every request.
    """

    raw_kind: ClassVar[str] = "application/octet-stream"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.is_away = False
        self.asked: list[str] = []
        self.lock = threading.RLock()
        simulation = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version: ClassVar[str] = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                parts = urlsplit(self.path)
                with simulation.lock:
                    simulation.asked.append(f"{self.command} {parts.path}")
                    if simulation.is_away:
                        code, answer = 503, {"message": "away for a moment"}
                    else:
                        code, answer = simulation.answer(self.command, parts.path, dict(parse_qsl(parts.query)), body)
                raw = answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
                self.send_response(code)
                kind = simulation.raw_kind if isinstance(answer, bytes) else "application/json"
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the names that the base class looks for

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Return the code and the answer of a request; bytes are sent as they are."""
        raise NotImplementedError

    def processes(self) -> list[Process]:
        """Return all processes that were started."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes():
            process.end()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
