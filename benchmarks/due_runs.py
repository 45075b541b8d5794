"""From the instant at which runs are due to an agent that has them: 1, 100 and 10,000 runs due in one second.

    python benchmarks/due_runs.py [--databases sqlite postgresql] [--counts 1 100 10000] [--agents 4]

In charge of runs that are made ahead of time, and of agents that hold long calls, as Eparch's own agents do; not in
charge of passes and claims without a server between (`scheduling.py`).

The runs are due at instants spread evenly over one second, after all have been made. An agent asks again as soon as it
has its answer, for 50 runs at a time. The limit beside it, in the same run: a call that asks the database for nothing,
which is HTTP alone, and one that writes a row, which is a commit besides.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cells import percentile
from eparch_server import EparchServer
from machine import describe_machine
from postgres import PostgresCluster
from processes import HOST

LEAD_S = 3.0
MADE_PER_S = 75
MAKERS = 8
GIVE_UP_S = 180.0
CLAIM_MAX = 50
LIMIT_CALLS = 100
_HELLO = "{ hello }"
_COMMIT = 'mutation { set_key_value(input: {key: "k", value: 1}) { id } }'
_CREATE = "mutation ($i: create_flow_run_input!) { create_flow_run(input: $i) { id } }"
_CLAIM = (
    "mutation ($i: claim_flow_runs_input!) { claim_flow_runs(input: $i) { flow_runs { id scheduled_start_time } } }"
)


def main() -> None:
    """Measure each database and number of runs in turn; print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 100, 10_000])
    parser.add_argument("--agents", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(describe_machine(Path(folder)))
        for database in options.databases:
            for count in options.counts:
                _measure(database, count, options.agents, Path(folder))


def _measure(database: str, count: int, agents: int, parent: Path) -> None:
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        folder.chmod(0o755)
        parent.chmod(0o755)
        cluster = PostgresCluster(folder) if database == "postgresql" else None
        try:
            server = EparchServer(folder, cluster)
            try:
                first = _make_runs(server, count)
                late_s = _claim_all(server.port, count, agents)
                if datetime.now(UTC) < first:
                    raise RuntimeError("runs were claimed before they were due")
                limits = {"HTTP alone": _times_s(server, _HELLO), "with a commit": _times_s(server, _COMMIT)}
            finally:
                server.stop()
        finally:
            if cluster is not None:
                cluster.stop()
    print(
        f"{database}: {count:,} runs due in one second, {agents} agents, due to claimed, ms: {_shown(late_s)}",
        flush=True,
    )
    beside = "; ".join(f"{label}: {_shown(times)}" for label, times in limits.items())
    print(f"{database}: limits beside it, ms: {beside}", flush=True)


def _make_runs(server: EparchServer, count: int) -> datetime:
    """Make runs through the API, due spread over the second that begins at the instant that is returned."""
    first = datetime.now(UTC) + timedelta(seconds=LEAD_S + count / MADE_PER_S)
    flow_id = server.call("{ flow { id } }", None)["flow"][0]["id"]
    numbers = iter(range(count))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = (first + timedelta(seconds=number / count)).isoformat()
            server.call(_CREATE, {"i": {"flow_id": flow_id, "labels": ["due"], "scheduled_start_time": due}})

    threads = [threading.Thread(target=work) for _ in range(MAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if datetime.now(UTC) > first:
        raise RuntimeError(f"making {count} runs took too long; raise LEAD_S")
    return first


_SHARES = (("least", 0.0), ("p50", 0.5), ("p95", 0.95), ("most", 1.0))


def _shown(times_s: list[float]) -> str:
    return ", ".join(f"{label} {1000 * (percentile(times_s, share) or 0):,.1f}" for label, share in _SHARES)


def _times_s(server: EparchServer, query: str) -> list[float]:
    """Return how long each of so many calls takes, one after the other, ascending, in seconds."""
    times_s = []
    for _ in range(LIMIT_CALLS):
        started = time.perf_counter()
        server.call(query, None)
        times_s.append(time.perf_counter() - started)
    return sorted(times_s)


def _claim_all(port: int, count: int, agents: int) -> list[float]:
    """Return how long after its instant each run was in the hands of an agent, ascending, in seconds."""
    late_s: list[float] = []
    lock = threading.Lock()
    deadline = time.monotonic() + GIVE_UP_S

    def work() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=70)
        while len(late_s) < count and time.monotonic() < deadline:
            body = {"query": _CLAIM, "variables": {"i": {"labels": ["due"], "limit": CLAIM_MAX, "wait_s": 5}}}
            connection.request("POST", "/graphql", json.dumps(body), {"content-type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            now = datetime.now(UTC)
            runs = answer["data"]["claim_flow_runs"]["flow_runs"]
            with lock:
                late_s.extend(
                    (now - datetime.fromisoformat(run["scheduled_start_time"])).total_seconds() for run in runs
                )
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(agents)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(late_s) != count:
        raise RuntimeError(f"{len(late_s)} of {count} runs were claimed within {GIVE_UP_S:.0f} s")
    return sorted(late_s)


if __name__ == "__main__":
    main()
