"""A PostgreSQL server that can be stopped, killed and started again, and a line to it that can be cut.

In charge of breaking the database; not in charge of what should happen then.
"""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg

from tests import postgresql

_WAIT_S_MAX = 60.0
_PAUSE_S = 0.02


class Outage:
    """A server of its own, on one port and one folder through all its lives. Durable, as in production."""

    def __init__(self) -> None:
        self._first = postgresql.start(owner_pid=os.getpid(), durable=True)
        process = psutil.Process(self._first.pid)
        self._command, self._account, self._environment = process.cmdline(), process.uids(), process.environ()
        # Its keeper does not wait for it, and the process id of a zombie would look like a server that still runs.
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + _WAIT_S_MAX
        while process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "PostgreSQL did not stop"
            time.sleep(_PAUSE_S)
        self.start()

    def url(self, database: str = "postgres") -> str:
        return self._first.url(database)

    def fresh_url(self) -> str:
        """Return the URL of a new, empty database."""
        name = f"test_{uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def stop(self) -> None:
        """Stop the server as an administrator does, ending all connections."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server in the middle of what it does."""
        self._end(signal.SIGKILL)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let all processes of the server stand still, with their connections open, until the block ends."""
        postmaster = psutil.Process(self._server.pid)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def start(self) -> None:
        """Start the server again, and return when it answers."""
        deadline = time.monotonic() + _WAIT_S_MAX
        while True:
            # After a kill, processes of the former life may still hold its shared memory for a moment.
            with (Path(self._first.folder) / "log").open("ab") as log:
                self._server = subprocess.Popen(
                    self._command,
                    stdout=log,
                    stderr=log,
                    user=self._account.real,
                    extra_groups=[],
                    process_group=0,
                    env=self._environment,
                    cwd=self._first.folder,
                )
            while self._server.poll() is None and time.monotonic() < deadline:
                with suppress(psycopg.OperationalError):
                    psycopg.connect(self.url(), connect_timeout=5).close()
                    return
                time.sleep(_PAUSE_S)
            assert time.monotonic() < deadline, "PostgreSQL did not start again"

    def close(self) -> None:
        if self._server.poll() is None:
            self._end(signal.SIGQUIT)
        postgresql.stop(self._first)

    def _end(self, number: signal.Signals) -> None:
        self._server.send_signal(number)
        self._server.wait(_WAIT_S_MAX)


class Line:
    """Forwards bytes to PostgreSQL, and can lose the answer to a commit.

    Attributes:
        port: where to connect instead.
        on_commit: called, on the line's thread, with a commit that is about to be forwarded; what it returns says
            whether the commit is forwarded and whether its answer is. After a loss the connection is closed.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.on_commit: Callable[[], tuple[bool, bool]] = lambda: (True, True)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse new connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), closing(socket.create_connection(("127.0.0.1", self._target))) as server:
            is_answer_lost = threading.Event()
            answers = threading.Thread(target=self._answer, args=(server, client, is_answer_lost), daemon=True)
            answers.start()
            while data := _received(client):
                # With the end of the text, as every transaction begins with "READ COMMITTED".
                if b"COMMIT\0" in data:
                    is_forwarded, is_answered = self.on_commit()
                    if not is_answered:
                        is_answer_lost.set()
                    if not is_forwarded:
                        break
                server.sendall(data)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            answers.join()

    def _answer(self, server: socket.socket, client: socket.socket, is_answer_lost: threading.Event) -> None:
        while data := _received(server):
            if is_answer_lost.is_set():
                break
            client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(url: str) -> Iterator[tuple[Line, str]]:
    """Give a line to the server of `url`, and the URL that leads through it."""
    port = psycopg.conninfo.conninfo_to_dict(url)["port"]
    line = Line(int(str(port)))
    try:
        yield line, url.replace(f":{port}/", f":{line.port}/")
    finally:
        line.close()


def _received(connection: socket.socket) -> bytes:
    """Return some bytes, none at the end however the connection ends."""
    try:
        return connection.recv(65536)
    except OSError:
        return b""
