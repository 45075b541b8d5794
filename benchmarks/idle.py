"""What a server costs that has nothing to do: how long it takes to start, its memory, its CPU.

    python benchmarks/idle.py                         # Eparch on SQLite and PostgreSQL
    python benchmarks/idle.py --peer --rounds 3       # each time beside Prefect 3

In charge of the order of things and of the table; not in charge of servers nor of processes.

A start is counted from the call of the program until `/health` is answered with 200: on a new database, which includes
making its tables, and once more on the one that is there. Memory is resident and proportional (PSS: pages that several
processes share are divided among them), after a rest; CPU is that of the process and its children, over a window in
which nobody calls it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import psutil
from eparch_server import EparchServer
from machine import describe_machine
from peers.prefect3 import Prefect3Server
from postgres import PostgresCluster
from processes import ManagedProcess

AIMS = {"start_new_s": 1.5, "start_s": 1.5, "rss_mb": 120.0, "cpu_percent": 0.3}
"""What the project aims at, on two cores of their own."""

_HEADINGS = {
    "start_new_s": "start, new database (s)",
    "start_s": "start again (s)",
    "rss_mb": "resident (MB)",
    "pss_mb": "proportional (MB)",
    "cpu_percent": "CPU (% of a core)",
}


class Server(Protocol):
    """What is measured."""

    process: ManagedProcess
    started_in_s: float

    def stop(self) -> None: ...


def main() -> int:
    """Measure, print a table, and write a row for each server and round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rest-s", type=float, default=5.0, help="before the window")
    parser.add_argument("--window-s", type=float, default=30.0, help="in which CPU is counted")
    parser.add_argument("--peer", action="store_true", help="measure Prefect 3 after each Eparch")
    parser.add_argument("--output", type=Path, help="a file for the rows, one JSON object a line")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="eparch-idle-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        print(json.dumps(describe_machine(folder)), file=sys.stderr)
        for database in arguments.databases:
            cluster = PostgresCluster(folder) if database == "postgresql" else None
            try:
                for number in range(arguments.rounds):
                    rows += _round(folder / f"{database}-{number}", database, cluster, arguments)
            finally:
                if cluster is not None:
                    cluster.stop()
    if arguments.output:
        arguments.output.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print("\n".join(table(rows)))
    return 0


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the medians as Markdown, with the range where there are several rounds."""
    lines = [
        f"| server | database | {' | '.join(_HEADINGS.values())} |",
        f"|---|---|{'---|' * len(_HEADINGS)}",
    ]
    for system, database in dict.fromkeys((row["system"], row["database"]) for row in rows):
        mine = [row for row in rows if (row["system"], row["database"]) == (system, database)]
        lines.append(
            f"| {system} | {database} | {' | '.join(_cell([row[key] for row in mine]) for key in _HEADINGS)} |"
        )
    aims = " | ".join(f"under {AIMS[key]:g}" if key in AIMS else "" for key in _HEADINGS)
    return [*lines, f"| aim | | {aims} |"]


def _cell(values: Sequence[float]) -> str:
    spread = f" ({min(values):.2f}-{max(values):.2f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.2f}{spread}"


def _round(folder: Path, database: str, cluster: PostgresCluster | None, arguments: Any) -> list[dict[str, Any]]:
    folder.mkdir()
    url = (
        cluster.create_database(f"idle_{folder.name.replace('-', '_')}")
        if cluster
        else f"sqlite:///{folder}/idle.sqlite"
    )
    rows = [_measured("Eparch", database, lambda: EparchServer(folder, None, database_url=url), arguments)]
    if arguments.peer:
        peer = folder / "peer"
        peer.mkdir()
        rows.append(
            _measured(Prefect3Server.name, database, lambda: Prefect3Server(peer, cluster), arguments, once=True)
        )
    return rows


def _measured(
    system: str, database: str, start: Callable[[], Server], arguments: Any, *, once: bool = False
) -> dict[str, Any]:
    """Start a server on a new database and, unless `once`, again; measure the last one at rest."""
    server = start()
    first_s = server.started_in_s
    if not once:
        server.stop()
        server = start()
    try:
        time.sleep(arguments.rest_s)
        before_s, before_at = server.process.cpu_s(), time.perf_counter()
        time.sleep(arguments.window_s)
        used_s, took_s = server.process.cpu_s() - before_s, time.perf_counter() - before_at
        return {
            "kind": "idle",
            "system": system,
            "database": database,
            "start_new_s": first_s,
            "start_s": server.started_in_s,
            "rss_mb": server.process.rss_bytes() / 1e6,
            "pss_mb": _pss_bytes(server.process.pid) / 1e6,
            "cpu_percent": 100 * used_s / took_s,
        }
    finally:
        server.stop()


def _pss_bytes(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True)))


if __name__ == "__main__":
    sys.exit(main())
