"""The physical limits beside which a server's figures stand.

In charge of measuring, in processes of their own and in the same run as the servers, what the database and its fastest
driver do without a server, and what the load generator does against a constant answer. Not in charge of reports.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cells import measure_load
from environments import environment_python
from eparch_server import EparchScript
from loadgen import Connections, Window
from postgres import PostgresCluster
from processes import HOST, ManagedProcess, free_port, wait_until_healthy

_HERE = Path(__file__).resolve().parent

SQLITE_CASES = (("one change per commit", 1), ("50 changes per commit", 50))
POSTGRESQL_CASES = (
    ("one statement each, 1 connection", "statement", 1),
    ("one statement each, 10 connections", "statement", 10),
    ("arrays of 50, 1 connection", "array", 1),
    ("arrays of 50, 10 connections", "array", 10),
)
DRIVER_REQUIREMENTS = ("asyncpg==0.32.0", "uvloop==0.23.0")


def sqlite_limits(directory: Path, measured_s: float) -> Iterator[dict[str, Any]]:
    """Yield a row per way to commit to a SQLite file in `directory`."""
    for case, changes_per_commit in SQLITE_CASES:
        program = [sys.executable, _HERE / "limits_sqlite.py", directory, str(measured_s), str(changes_per_commit)]
        yield {"case": case, **_run_program(program)}


def postgresql_limits(cluster: PostgresCluster, measured_s: float) -> Iterator[dict[str, Any]]:
    """Yield a row per way to change states in a PostgreSQL cluster."""
    python = environment_python("limits", DRIVER_REQUIREMENTS)
    for case, mode, connection_count in POSTGRESQL_CASES:
        url = cluster.create_database("limits")
        program = [python, _HERE / "limits_postgres.py", url, str(measured_s), mode, str(connection_count)]
        yield {"case": case, **_run_program(program)}


def generator_limits(directory: Path, measured_s: float, client_count: int) -> Iterator[dict[str, Any]]:
    """Yield a row per use of connections: the generator against a server whose answer is a constant."""
    port = free_port()
    uvicorn: list[str | Path] = [Path(sys.executable).parent / "uvicorn", "constant_server:answer", "--app-dir", _HERE]
    options = ["--host", HOST, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    process = ManagedProcess([*uvicorn, *options], log_path=directory / "constant_server.log")
    try:
        wait_until_healthy(process, f"http://{HOST}:{port}/")
        for connections in Connections:
            scripts = [EparchScript(port, "0" * 36, "0" * 36) for _ in range(client_count)]
            window = Window(warmup_s=0.5, measured_s=measured_s, drain_s_max=5)
            yield measure_load(port, scripts, connections, window, process, None)
    finally:
        process.stop()


def _run_program(command: list[Any]) -> dict[str, Any]:
    """Run one limit program and return the JSON object it prints."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise RuntimeError(f"{command[1]} failed:\n{finished.stderr}")
    row: dict[str, Any] = json.loads(finished.stdout)
    return row
