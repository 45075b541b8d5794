"""What is common to the systems under measurement.

In charge of the life of a task run as a sequence of three calls, of the interface by which the benchmark drives a
system, and of the blocking JSON calls that prepare it. Not in charge of any one system.
"""

from __future__ import annotations

import http.client
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from processes import HOST, ManagedProcess

CALL_NAMES = ("create", "running", "success")
"""The three calls of a task run's life; each leaves it in a new state: Pending, Running, Success."""


class TaskRunScript(ABC):
    """One client: creates a task run, takes it to Running and to Success, and begins again."""

    call_names: Sequence[str] = CALL_NAMES

    def __init__(self) -> None:
        self.call_index = 0
        self.finished_count = 0
        """Task runs whose Success the server has acknowledged."""

    def request(self) -> bytes:
        """Return the HTTP request of the current call."""
        if self.call_index == 0:
            return self._create_request()
        return self._running_request() if self.call_index == 1 else self._success_request()

    def take_answer(self, body: bytes) -> str | None:
        """Check the answer and go on to the next call, or return what is wrong with it."""
        failure = self._check_state_answer(body) if self.call_index else self._take_task_run(body)
        if failure is not None:
            return failure
        if self.call_index == 2:
            self.finished_count += 1
            self.call_index = 0
        else:
            self.call_index += 1
        return None

    def abandon(self) -> None:
        """Leave this task run as it is and begin with the next."""
        self.call_index = 0

    @abstractmethod
    def _create_request(self) -> bytes:
        """Build the call that creates the next task run."""

    @abstractmethod
    def _running_request(self) -> bytes:
        """Build the call that sets it Running."""

    @abstractmethod
    def _success_request(self) -> bytes:
        """Build the call that sets it Success."""

    @abstractmethod
    def _take_task_run(self, body: bytes) -> str | None:
        """Remember the created task run, or return what is wrong."""

    @abstractmethod
    def _check_state_answer(self, body: bytes) -> str | None:
        """Return what is wrong with the answer to a state change, or None."""


class System(Protocol):
    """A running server with a database of its own."""

    name: str
    process: ManagedProcess
    port: int

    def open_scripts(self, count: int) -> Sequence[TaskRunScript]:
        """Prepare `count` clients, each with a running flow run of its own."""

    def close_scripts(self, scripts: Sequence[TaskRunScript]) -> None:
        """Finish the flow runs of these clients."""

    def count_finished_task_runs(self) -> int:
        """Ask the server how many task runs have succeeded in all."""

    def stop(self) -> None:
        """End the server."""


def request_head(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """Return the head of a POST with JSON content, up to where the decimal digits of its length belong."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["Content-Type: application/json", "Content-Length: "]
    return "\r\n".join(lines).encode()


def with_body(head: bytes, body: bytes) -> bytes:
    """Return a whole request from `request_head` and its content."""
    return b"%b%d\r\n\r\n%b" % (head, len(body), body)


def post_json(port: int, path: str, content: Any, timeout_s: float = 60.0) -> Any:
    """Send one preparatory call and return the decoded answer.

    Repeats it while the server answers 5xx or drops the connection, up to a minute: a server that still recovers from
    the load of the cell before must not end the benchmark.

    Raises:
        RuntimeError: another answer than 2xx, or no good one in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
        try:
            connection.request("POST", path, json.dumps(content), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status < 300:
                return json.loads(text)
            failure = f"POST {path}: HTTP {answer.status} {text[:500]}"
            if answer.status < 500:
                raise RuntimeError(failure)
        except (OSError, http.client.HTTPException) as error:
            failure = f"POST {path}: {error!r}"
        finally:
            connection.close()
        if time.monotonic() > deadline:
            raise RuntimeError(failure)
        time.sleep(0.05)
