"""Flow runs as copies of a process that has everything loaded.

In charge of speaking to that process, the nursery; not in charge of what it does (`nursery`). A copy is there within
milliseconds, where a fresh interpreter needs a tenth of a second and more. The nursery has one thread, so copying it is
safe, and one exists for each agent, started again if it dies.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping

from eparch.agents.processes import RunProcess


class WarmProcess(RunProcess):
    """A copy of the nursery. Its exit code comes from the nursery, which is its parent."""

    def __init__(self, pid: int, control: int, output: int, nursery: "Nursery") -> None:
        super().__init__(pid, control, output)
        self._nursery = nursery

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._nursery.exit_code(self.pid)


class Nursery:
    """The process that is copied, as an agent sees it. May be used from several threads."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._asking = threading.Lock()
        self._codes: dict[int, int] = {}
        self._orphans: set[int] = set()
        self._pids: set[int] = set()

    def start(self) -> None:
        """Start the process, unless it runs; it needs a moment before its first copy."""
        with self._asking:
            self._start()

    def copy(self, flow_run_id: str, environment: Mapping[str, str], folder: str | None) -> WarmProcess:
        """Start a flow run in a copy.

        Raises:
            OSError: the folder is not there, or there is no process to copy.
        """
        control_theirs, control_ours = os.pipe()
        output_ours, output_theirs = os.pipe()
        request = {"flow_run_id": flow_run_id, "environment": dict(environment), "folder": folder}
        try:
            with self._asking:
                self._start()
                assert self._socket is not None
                socket.send_fds(self._socket, [json.dumps(request).encode()], [control_theirs, output_theirs])
                answer = json.loads(self._socket.recv(65536) or b'{"error": "it has ended"}')
                if "error" in answer:
                    raise OSError(f"The process for warm starts cannot be copied: {answer['error']}")
                self._pids.add(answer["pid"])
        except BaseException:
            os.close(control_ours)
            os.close(output_ours)
            raise
        finally:
            os.close(control_theirs)
            os.close(output_theirs)
        return WarmProcess(answer["pid"], control_ours, output_ours, self)

    def exit_code(self, pid: int) -> int | None:
        """Return how a copy ended, None while it runs."""
        with self._asking:
            if pid not in self._codes:
                self._ask_codes()
            if pid in self._orphans and not _exists(pid):
                # Its parent died, so nobody knows how it ended.
                self._orphans.discard(pid)
                return -9
            return self._codes.pop(pid, None)

    def close(self) -> None:
        """End the process; copies go on."""
        with self._asking:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            if self._process is not None:
                self._process.wait()
                self._process = None

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._orphans |= self._pids - self._codes.keys()
        self._pids.clear()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                # -P: a user's file called as a module of the standard library is not to be taken for it.
                [sys.executable, "-P", "-m", "eparch.agents.nursery", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # A key press at the agent's terminal is for the agent.
                start_new_session=True,
            )
        if self._socket is not None:
            self._socket.close()
        self._socket = ours

    def _ask_codes(self) -> None:
        if self._socket is None or self._process is None or self._process.poll() is not None:
            self._orphans |= self._pids - self._codes.keys()
            return
        with contextlib.suppress(OSError, ValueError):
            self._socket.send(b"{}")
            for pid, code in json.loads(self._socket.recv(65536))["ended"]:
                self._codes[pid] = code
                self._pids.discard(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
