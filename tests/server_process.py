"""In charge of a real server process on a loopback port: start, wait for health, stop, check that it ended well.

Not in charge of its database (tests/databases.py) nor of its clients.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import httpx

from tests.waiting import wait_until

# Another installation of the server can be put to the same tests, such as the wheel in a virtual environment.
EXECUTABLE = os.environ.get("EPARCH_TEST_EXECUTABLE", str(Path(sys.executable).parent / "eparch"))

_READY_S_MAX = 60.0
_STOP_S_MAX = 30.0


class ServerProcess:
    """A server that listens on `url` and keeps its data in `database_url`; its output goes to `log`."""

    def __init__(
        self,
        database_url: str,
        folder: Path,
        *options: str,
        port: int | None = None,
        command: Sequence[str] = ("server", "start"),
    ) -> None:
        """Start the server; `folder` becomes its home and holds its log, `options` are further flags.

        `port` is that of a server that has ended and is to be had again; `command` runs something else that answers.
        """
        self.database_url = database_url
        self.log = folder / "server.log"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._options = options
        self._command = command
        self._begin()

    def again(self) -> Self:
        """Start the server anew after its end, on the same port; its output follows that of its former life."""
        assert not self.is_running
        self._begin()
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self) -> Self:
        """Return once the server says that it is healthy.

        Raises:
            AssertionError: it ended instead; the message has its log.
            TimeoutError: it did not become healthy.
        """
        wait_until(self._is_ready, f"{self.url}/health", _READY_S_MAX)
        return self

    def stop(self) -> None:
        """Ask the server to end, as an init system would, and check that it ended well.

        Raises:
            AssertionError: it did not end in time, its exit code is not 0, or its log has a traceback.
        """
        self.send_signal(signal.SIGTERM)
        code = self.wait_end()
        assert code == 0, f"the server ended with code {code}{self._log_end()}"
        self.check_log()

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_end(self) -> int:
        """Return the exit code once the server has ended.

        Raises:
            AssertionError: it did not end in time; it is killed.
        """
        try:
            return self._process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not end within {_STOP_S_MAX:g} s{self._log_end()}") from None

    def check_log(self) -> None:
        """Assert that nothing failed in a way that nobody foresaw: such failures are logged with a traceback."""
        log = self.log.read_text()
        assert "Traceback (most recent call last)" not in log, f"the server failed{self._log_end()}"

    def kill(self) -> None:
        """End the server without any check, for the way out of a failed start."""
        self._process.kill()
        self._process.wait()

    def _begin(self) -> None:
        given = ["--port", str(self.port), "--database-url", self.database_url, *self._options]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "LC_ALL": "C.UTF-8"}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [EXECUTABLE, *self._command, *given],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, f"the server ended with code {self._process.returncode}{self._log_end()}"
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def _log_end(self) -> str:
        return f"; the end of {self.log}:\n{self.log.read_text()[-4000:]}"


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listened a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
