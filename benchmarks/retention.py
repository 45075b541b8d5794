"""What clients notice of retention: the hot path before, while and after old runs are deleted, on both databases.

    python benchmarks/retention.py [--databases sqlite postgresql] [--clients 10] [--seconds 8]

In charge of a seeded database, of the rule and of the three windows; not in charge of the hot path (`cells.py`). The
window in the middle lies within the deletion: it fails if nothing was left to delete at its end.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cells import measure_load
from eparch_server import EparchServer
from loadgen import Connections, Window
from machine import describe_machine
from postgres import PostgresCluster
from seeding.sizes import Sizes
from seeding.world import seed

SIZES = Sizes(flow_runs=60_000, task_runs=400_000, log_lines=1_000_000, wide_log_lines=200_000, is_hostile=0)
KEEP_DAYS = 2
_SET = "mutation ($i: set_retention_input!) { set_retention(input: $i) { id } }"
_DELETE = "mutation ($i: delete_retention_input!) { delete_retention(input: $i) { success } }"
_COUNTS = """query ($before: timestamptz!) {
  task_run_aggregate { aggregate { count } }
  log_aggregate { aggregate { count } }
  old: flow_run_aggregate(where: {end_time: {_lt: $before}}) { aggregate { count } }
}"""


def main() -> None:
    """Measure each database in turn; print one line for each window."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        print(describe_machine(folder))
        for database in options.databases:
            home = folder / database
            home.mkdir()
            home.chmod(0o755)
            cluster = PostgresCluster(home) if database == "postgresql" else None
            try:
                url = cluster.create_database("retention") if cluster else f"sqlite:///{home / 'retention.sqlite'}"
                seed(url, SIZES, now=datetime.now(UTC), random_seed=1)
                server = EparchServer(home, cluster, database_url=url)
                try:
                    _measure(database, server, cluster, options)
                finally:
                    server.stop()
            finally:
                if cluster is not None:
                    cluster.stop()


def _measure(database: str, server: EparchServer, cluster: PostgresCluster | None, options: argparse.Namespace) -> None:
    window = Window(1.0, options.seconds, 20.0)

    def hot_path(label: str) -> None:
        scripts = server.open_scripts(options.clients)
        row = measure_load(server.port, scripts, Connections.KEEP_ALIVE, window, server.process, cluster)
        server.close_scripts(scripts)
        figures = ", ".join(f"{name} {row[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
        print(
            f"{database}: {label}: {row['changes_per_s']:.0f} changes/s, {figures}, errors {row['errors']}", flush=True
        )

    hot_path("before")
    before = _counts(server)
    begun_at = time.perf_counter()
    server.call(_SET, {"i": {"kind": "runs", "keep_days": KEEP_DAYS}})
    hot_path("while old runs are deleted")
    after, took_s = _counts(server), time.perf_counter() - begun_at
    if not after["old"]:
        raise RuntimeError("nothing was left to delete at the end of the window; seed more")
    deleted = {name: before[name] - after[name] for name in ("old", "log")}
    print(f"{database}: deleted in {took_s:.1f} s: {deleted['old']:,} runs, {deleted['log']:,} log lines", flush=True)
    server.call(_DELETE, {"i": {"kind": "runs"}})
    hot_path("after, without the rule")


def _counts(server: EparchServer) -> dict[str, int]:
    """Return how many runs are older than the rule allows, and how many task runs and log lines there are."""
    before = datetime.fromtimestamp(time.time() - KEEP_DAYS * 86_400, UTC).isoformat()
    data: dict[str, Any] = server.call(_COUNTS, {"before": before})
    return {name.removesuffix("_aggregate"): value["aggregate"]["count"] for name, value in data.items()}


if __name__ == "__main__":
    main()
