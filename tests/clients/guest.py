"""In charge of running the published client, unmodified, in a virtual environment of its own.

Not in charge of making that environment (`make guest`) nor of its agents (agent.py).
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "guest_programs"
FLOWS = Path(__file__).parent / "flows"

# `make guest` makes this environment; another one can be named, such as one with an older release.
ENVIRONMENT = Path(os.environ.get("EPARCH_TEST_GUEST", ROOT / ".venv-prefect"))

_RUN_S_MAX = 120.0

# The client waits this long between looks at the server. Short, so that no test waits for its courtesy.
_QUICK = {
    "PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL": "1",
    "PREFECT__CLOUD__QUEUE_INTERVAL": "1",
    "PREFECT__CLOUD__LOGGING_HEARTBEAT": "1",
    "PREFECT__CLOUD__HEARTBEAT_INTERVAL": "1",
    # A thread beats as well as a process and saves its start; one test uses the default.
    "PREFECT__CLOUD__HEARTBEAT_MODE": "thread",
}


class Guest:
    """The published client, set up for one server, with a home folder of its own."""

    def __init__(self, url: str, home: Path, *, tenant_id: str | None = None) -> None:
        """Set the client up; with a tenant it takes the server for its vendor's cloud, and offers more."""
        self.url = url
        self.home = home
        # Flows leave marks here, which show what was really executed.
        self.marks = home / "marks"
        self.marks.mkdir()
        self.environment = {
            "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "200",
            "MARKS": str(self.marks),
            "PYTHONPATH": str(PROGRAMS),
            "PREFECT__BACKEND": "server",
            "PREFECT__CLOUD__API": url,
            **_QUICK,
        }
        if tenant_id is not None:
            # Such a client wants a key; a server without authentication does not look at it.
            self.environment |= {
                "PREFECT__BACKEND": "cloud",
                "PREFECT__CLOUD__TENANT_ID": tenant_id,
                "PREFECT__CLOUD__API_KEY": "any key",
                "PREFECT__CLOUD__USE_LOCAL_SECRETS": "false",
            }

    def command(self, *arguments: str) -> list[str]:
        """Return the words of a command of the client's command line."""
        return [str(ENVIRONMENT / "bin" / "prefect"), *arguments]

    def cli(self, *arguments: str, expected_code: int = 0) -> str:
        """Run a command of the client's command line and return what it printed, both streams together."""
        return self._run(self.command(*arguments), expected_code)

    def run(self, program: str, *arguments: str) -> Any:
        """Run one of the programs in guest_programs/ and return the JSON in its last line."""
        python = str(ENVIRONMENT / "bin" / "python")
        return json.loads(self._run([python, str(PROGRAMS / program), *arguments]).splitlines()[-1])

    def register(self, project: str, *names: str) -> dict[str, str]:
        """Register the flows of the named files (all of them by default) with `flow.register()`.

        Returns:
            The id of each flow under its name.
        """
        paths = [FLOWS / f"{name}.py" for name in names] or sorted(FLOWS.glob("*.py"))
        registered: dict[str, str] = self.run("register.py", project, *map(str, paths))
        return registered

    def marked(self, flow_run_id: str, name: str) -> int:
        """Return how often flows of this run called `mark(name)`."""
        path = self.marks / f"{flow_run_id}.{name}"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def _run(self, command: list[str], expected_code: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_RUN_S_MAX,
        )
        assert done.returncode == expected_code, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout
