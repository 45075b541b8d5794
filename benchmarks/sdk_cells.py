"""The cells of the SDK's benchmark: one program, or one agent, measured once.

In charge of running the programs in `sdk_programs/`, each in the environment of its library, and of the rows; not in
charge of the order of things (`sdk`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from environments import environment_python
from eparch_server import EparchServer
from peers.prefect3 import NEWEST_DATE, Prefect3Server
from peers.prefect3 import VERSION as PREFECT3_VERSION
from processes import HOST, ManagedProcess

from eparch.client.client import Client
from eparch.client.profiles import Profile
from eparch.core.instants import timestamp_text
from eparch.sdk.registration import register
from eparch.sdk.storage.loading import flow_of_file
from eparch.storage import Local

PROGRAMS = Path(__file__).resolve().parent / "sdk_programs"
LABEL = "benchmark"
Row = dict[str, Any]


class Subjects:
    """The libraries under measurement, with a server each where they have one."""

    def __init__(self, names: Sequence[str], directory: Path, *, limit_s: float) -> None:
        """Start the servers; a program that takes longer than `limit_s` seconds is ended, and said to have."""
        self.directory = directory
        self._limit_s = limit_s
        self.pythons = {name: _python(name) for name in names}
        self.environments: dict[str, dict[str, str]] = {name: {} for name in names}
        self.servers: dict[str, Any] = {}
        if "eparch" in names:
            server = self.servers["eparch"] = EparchServer(directory, None)
            url = f"http://{HOST}:{server.port}"
            self.environments["eparch"] = {"EPARCH_API_URL": url, "EPARCH_HOME": str(directory / "eparch-home")}
            Client(profile=Profile(None, url)).change("create_project", {"name": LABEL}, "id")
        if "prefect3" in names:
            server = self.servers["prefect3"] = Prefect3Server(directory, None)
            self.environments["prefect3"] = {
                "PREFECT_API_URL": f"http://{HOST}:{server.port}/api",
                "PREFECT_HOME": str(directory / "prefect-client"),
                "PREFECT_LOGGING_LEVEL": "WARNING",
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                "DO_NOT_TRACK": "1",
            }
        if "dbos" in names:
            self.environments["dbos"] = {"DBOS_URL": f"sqlite:///{directory / 'dbos.sqlite'}"}
        if "prefect1" in names:
            self.environments["prefect1"] = {"PREFECT__LOGGING__LEVEL": "WARNING", "PREFECT__BACKEND": "server"}

    def stop(self) -> None:
        """End the servers."""
        for server in self.servers.values():
            server.stop()

    def ran(self, name: str, mode: str, count: int, repeats: int = 1) -> list[Row]:
        """Run a library's program and return a row for each repeat; the first one of them is cold."""
        server = self.servers.get(name)
        before_s = server.process.cpu_s() if server else 0.0
        words = [str(self.pythons[name]), str(PROGRAMS / f"{name}_flow.py"), mode, str(count), str(repeats)]
        begun = time.time()
        try:
            done = subprocess.run(
                words,
                env=self._environment(name),
                capture_output=True,
                text=True,
                check=False,
                timeout=self._limit_s * repeats,
            )
        except subprocess.TimeoutExpired:
            return [{"kind": "limit", "name": name, "mode": mode, "count": count, "over_s": self._limit_s * repeats}]
        found = [json.loads(line.split(" ", 1)[1]) for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        if len(found) != repeats:
            return [{"kind": "failure", "name": name, "mode": mode, "count": count, "says": done.stderr[-500:]}]
        server_s = server.process.cpu_s() - before_s if server else 0.0
        return [
            {
                "kind": "flow",
                "name": name,
                "mode": mode,
                "count": count,
                "is_cold": index == 0,
                "from_start_s": row["ended"] - begun if index == 0 else None,
                "server_cpu_s": server_s / repeats,
                "server_rss_mb": server.process.rss_bytes() / 2**20 if server else None,
                **row,
            }
            for index, row in enumerate(found)
        ]

    def started_up(self, name: str, words: Sequence[str], times: int) -> list[Row]:
        """Measure how long a command takes."""
        rows = []
        shown = " ".join(Path(word).name for word in words)
        for _ in range(times):
            begun = time.perf_counter()
            subprocess.run(list(words), env=self._environment(name), capture_output=True, check=True)
            rows.append({"kind": "command", "name": name, "command": shown, "s": time.perf_counter() - begun})
        return rows

    def lateness(self, flows: int, every_s: float, *options: str) -> list[Row]:
        """Let one agent start runs that become due one after the other; return how late the first line of each was."""
        url = self.environments["eparch"]["EPARCH_API_URL"]
        client = Client(profile=Profile(None, url))
        flow = flow_of_file(PROGRAMS / "linear_flow.py", "linear")
        flow.storage = Local(path=PROGRAMS / "linear_flow.py", add_default_labels=False, labels=[LABEL])
        flow_id = register(flow, LABEL, client=client)
        marks = self.directory / f"marks-{time.time_ns()}"
        with self._agent(marks, options):
            first = datetime.now(UTC) + timedelta(seconds=5)
            due: dict[str, datetime] = {}
            for index in range(flows):
                at = first + timedelta(seconds=index * every_s)
                given = {"flow_id": flow_id, "scheduled_start_time": timestamp_text(at)}
                due[client.change("create_flow_run", given, "id")["id"]] = at
            until = time.monotonic() + 120 + flows * every_s
            while _finished(client, flow_id) < flows and time.monotonic() < until:
                time.sleep(0.2)
        lines = [line.split(" ") for line in marks.read_text().splitlines()]
        late_ms = {run_id: (float(at) - due[run_id].timestamp()) * 1000 for run_id, at in lines}
        client.change("delete_flow", {"flow_id": flow_id}, "success")
        how = {"flows": flows, "every_s": every_s, "options": " ".join(options)}
        return [{"kind": "lateness", "name": "eparch", **how, "late_ms": value} for value in late_ms.values()]

    @contextmanager
    def _agent(self, marks: Path, options: Sequence[str]) -> Iterator[None]:
        environment = {**self.environments["eparch"], "MARKS": str(marks)}
        words = [sys.executable, "-m", "eparch.agents", "local", "--no-hostname-label", "--label", LABEL, *options]
        agent = ManagedProcess(words, self.directory / "agent.log", environment, self.directory)
        try:
            yield
        finally:
            agent.stop()

    def _environment(self, name: str) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR") if key in os.environ}
        return {**kept, "HOME": str(self.directory), **self.environments[name]}


def _python(name: str) -> Path:
    if name == "prefect3":
        return environment_python("prefect3", [f"prefect=={PREFECT3_VERSION}"], NEWEST_DATE)
    if name == "dbos":
        return environment_python("dbos", ["dbos==3.4.0"])
    if name == "prefect1":
        # The tests' own guest: `make guest`.
        return Path(__file__).resolve().parent.parent / ".venv-prefect" / "bin" / "python"
    return Path(sys.executable)


def _finished(client: Client, flow_id: str) -> int:
    query = """query($id: uuid!) { flow_run_aggregate(where: {flow_id: {_eq: $id}, state: {_in: ["Success", "Failed"]}})
      { aggregate { count } } }"""
    found: int = client.ask(query, {"id": flow_id})["flow_run_aggregate"]["aggregate"]["count"]
    return found
