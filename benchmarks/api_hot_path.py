"""Measure the hot path of the API: clients that create task runs and take them to Success.

In charge of options and of the order of things: Eparch, the peer and Eparch again, cell by cell, several rounds, beside
the limits of the databases. Not in charge of how anything is measured or reported; see README.md for what the figures
mean.

    python benchmarks/api_hot_path.py                  # everything, about an hour
    python benchmarks/api_hot_path.py --quick          # Eparch alone, a few seconds per cell
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from cells import measure_cell
from environments import CACHE
from eparch_server import EparchServer
from limits import generator_limits, postgresql_limits, sqlite_limits
from loadgen import Connections, Window
from machine import describe_machine
from peers.prefect3 import Prefect3Server
from postgres import PostgresCluster
from processes import ManagedProcess, wait_until_idle
from report import print_report
from systems import System

DATABASES = ("sqlite", "postgresql")
SYSTEMS: dict[str, Callable[[Path, PostgresCluster | None], System]] = {
    "eparch": EparchServer,
    "prefect3": Prefect3Server,
}


def main() -> None:
    """Run the benchmark that the command line asks for; print tables and append rows to a file."""
    options = _options()
    signal.signal(signal.SIGTERM, _exit_on_signal)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    directory = Path(tempfile.mkdtemp(prefix="eparch-benchmark-", dir=options.directory))
    directory.chmod(0o711)  # The account `postgres` must pass through to the cluster's files.
    try:
        with options.output.open("a") as output:
            for row in _measure(options, directory):
                rows.append(row)
                output.write(json.dumps(row) + "\n")
                output.flush()
                print(_progress(row), file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(directory)
        print_report(rows)
        print(f"\nRows: {options.output}")


def _measure(options: argparse.Namespace, directory: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of the whole run, in the order of measurement."""
    yield {"kind": "machine", **describe_machine(directory)}
    if options.limits:
        for row in generator_limits(directory, options.limit_seconds, client_count=50):
            yield {"kind": "generator", **row}
    for round_number in range(1, options.rounds + 1):
        for database in options.databases:
            place = {"round": round_number, "database": database}
            home = directory / f"{database}-{round_number}"
            home.mkdir(mode=0o711)
            with ExitStack() as stack:
                cluster: PostgresCluster | None = None
                if database == "postgresql":
                    cluster = PostgresCluster(home)
                    stack.callback(cluster.stop)
                if options.limits:
                    found = postgresql_limits(cluster, options.limit_seconds) if cluster else None
                    for row in found or sqlite_limits(home, options.limit_seconds):
                        yield {"kind": "limit", **place, **row}
                fleet = _Fleet(options.systems, home, cluster)
                stack.callback(fleet.stop)
                for row in _measure_cells(options, fleet, cluster):
                    yield {"kind": "cell", **place, **row}
            shutil.rmtree(home)


def _measure_cells(
    options: argparse.Namespace, fleet: _Fleet, cluster: PostgresCluster | None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one round on one database: for each kind of load, Eparch, the peer, and Eparch again."""
    order = ["eparch", "prefect3", "eparch"] if len(fleet.systems) > 1 else list(fleet.systems)
    window = Window(warmup_s=options.warmup, measured_s=options.seconds, drain_s_max=options.drain)
    for connections in options.connections:
        for client_count in options.clients:
            for position, name in enumerate(order):
                if cluster is not None:
                    cluster.checkpoint()
                rested_s = wait_until_idle(fleet.processes())
                row = measure_cell(fleet.systems[name], client_count, connections, window, cluster)
                yield {**row, "position": position, "rested_s": rested_s}
                if row["is_stalled"]:
                    fleet.replace(name)


class _Fleet:
    """The servers of one round, side by side on one machine, one under load at a time."""

    def __init__(self, names: Sequence[str], home: Path, cluster: PostgresCluster | None) -> None:
        self._home = home
        self._cluster = cluster
        self._start_count = 0
        self.systems: dict[str, System] = {}
        try:
            for name in names:
                self._start(name)
        except BaseException:
            self.stop()
            raise

    def processes(self) -> list[ManagedProcess]:
        """Return everything that may still work on what a cell has left behind."""
        databases = [] if self._cluster is None else [self._cluster.process]
        return [*(system.process for system in self.systems.values()), *databases]

    def replace(self, name: str) -> None:
        """Start a server anew with an empty database, so that its stall does not spoil its next cell too."""
        self.systems.pop(name).stop()
        self._start(name)

    def stop(self) -> None:
        for system in self.systems.values():
            system.stop()

    def _start(self, name: str) -> None:
        self._start_count += 1
        directory = self._home / f"{name}-{self._start_count}"
        directory.mkdir()
        self.systems[name] = SYSTEMS[name](directory, self._cluster)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 10, 50, 100])
    parser.add_argument(
        "--connections", nargs="+", type=Connections, default=list(Connections), help="keep-alive per-call"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="measured time of a cell")
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds of load before a cell's clock starts")
    parser.add_argument("--drain", type=float, default=20.0, help="seconds at most to wait for the last answers")
    parser.add_argument("--limit-seconds", type=float, default=4.0, help="measured time of each limit")
    parser.add_argument("--no-limits", dest="limits", action="store_false", help="measure servers only")
    parser.add_argument("--quick", action="store_true", help="Eparch alone, keep-alive, one round of 3 s, no limits")
    parser.add_argument("--directory", type=Path, help="where the databases lie (default: the temporary directory)")
    parser.add_argument("--output", type=Path, help="file to which the rows are appended, one JSON object a line")
    options = parser.parse_args()
    if options.quick:
        options.systems, options.connections, options.limits = ["eparch"], [Connections.KEEP_ALIVE], False
        options.rounds, options.seconds, options.warmup = 1, 3.0, 0.5
    if options.output is None:
        options.output = CACHE / f"api_hot_path-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"
    return options


def _progress(row: dict[str, Any]) -> str:
    """Return one line that tells who watches what has just been measured."""
    if row["kind"] == "machine":
        return f"{row['processor']}, {row['cores']} cores, durable write {row['durable_write_us']:.0f} us"
    names = ("round", "database", "connections", "clients", "system", "case")
    where = " ".join(f"{name}={row[name]}" for name in names if name in row)
    figures = f"{row['changes_per_s']:9.0f} changes/s, p50 {row['p50_ms'] or float('nan'):.2f} ms"
    if "errors" in row:
        p95_ms = row["p95_ms"] or float("nan")
        figures += (
            f", p95 {p95_ms:.1f} ms, server {row['server_cpu_percent']:.0f} % CPU, {sum(row['errors'].values())} errors"
        )
    return f"{row['kind']:9} {where}: {figures}"


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    """Leave through the `finally` blocks, which end the servers."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
