"""In charge of local agents of the published client as processes; not in charge of what they execute."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import httpx

from tests.clients.guest import Guest
from tests.server_process import free_port
from tests.waiting import wait_until

_STOP_S_MAX = 20.0


class AgentProcess:
    """`prefect agent local start` with a name, labels and an address on which it can be woken."""

    def __init__(self, guest: Guest, name: str, labels: tuple[str, ...] = (), *extra: str) -> None:
        """Start the agent; it is ready after `wait_ready`."""
        self.name = name
        self.labels = labels
        self.log = guest.home / f"agent-{name}.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        command = guest.command(
            *["agent", "local", "start", "--name", name, "--no-hostname-label", "--show-flow-logs"],
            *["--agent-address", self.url, "--env", f"MARKS={guest.marks}"],
            *[word for label in labels for word in ("--label", label)],
            *extra,
        )
        with self.log.open("wb") as output:
            # A session of its own: the runs that the agent starts end with it, even when it is killed.
            self._process = subprocess.Popen(
                command,
                cwd=guest.home,
                env=guest.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_ready(self) -> "AgentProcess":
        """Return once the agent has registered and answers at its address."""
        wait_until(lambda: self._answers("/api/health"), f"agent {self.name}", 60)
        return self

    def poke(self) -> None:
        """Make the agent look for work now, instead of after its pause of up to 10 s."""
        assert self._answers("/api/poke"), f"agent {self.name} cannot be woken; see {self.log}"

    def stop(self) -> None:
        """End the agent and all runs that it has started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def output(self) -> str:
        return Path(self.log).read_text()

    def _answers(self, path: str) -> bool:
        code = self._process.poll()
        assert code is None, f"agent {self.name} ended with code {code}:\n{self.output()[-4000:]}"
        try:
            return httpx.get(self.url + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False
