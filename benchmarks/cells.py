"""One cell of the measurement: a server, a number of clients, a use of connections.

In charge of loading a server for the length of one window while reading the CPU time and memory of everybody involved,
and of checking afterwards that what the server acknowledged is in its database. Not in charge of the order of cells.
"""

from __future__ import annotations

import os
import re
import resource
from collections import Counter
from collections.abc import Sequence
from typing import Any

from loadgen import Connections, Measurement, Window, run_generator
from postgres import PostgresCluster
from processes import HOST, ManagedProcess
from systems import System, TaskRunScript

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


def measure_cell(
    system: System, client_count: int, connections: Connections, window: Window, cluster: PostgresCluster | None
) -> dict[str, Any]:
    """Load a system and return the row of this cell.

    The row's errors include the acknowledged changes, if any, that the server has lost. If calls are left without an
    answer the row has `is_stalled` and nothing more is asked of the server: it should be started anew.
    """
    finished_before = system.count_finished_task_runs()
    scripts = system.open_scripts(client_count)
    row = measure_load(system.port, scripts, connections, window, system.process, cluster)
    if not row["is_stalled"]:
        system.close_scripts(scripts)
        acknowledged = sum(script.finished_count for script in scripts)
        lost = acknowledged - (system.count_finished_task_runs() - finished_before)
        # More finished task runs than acknowledged are possible: those whose answer did not arrive.
        if lost > 0:
            row["errors"]["acknowledged but not in the database"] = lost
    return {"system": system.name, **row}


def measure_load(
    port: int,
    scripts: Sequence[TaskRunScript],
    connections: Connections,
    window: Window,
    server: ManagedProcess,
    cluster: PostgresCluster | None,
) -> dict[str, Any]:
    """Run the generator and return rates, times, shares of CPU, memory and errors."""
    observed = [server] if cluster is None else [server, cluster.process]
    cpu_s: list[list[float]] = []

    def read_cpu() -> None:
        cpu_s.append([*(process.cpu_s() for process in observed), _own_cpu_s()])

    measurement = run_generator(HOST, port, scripts, connections, window, on_begin=read_cpu, on_end=read_cpu)
    shares = [100 * (end - begin) / measurement.measured_s for begin, end in zip(*cpu_s, strict=True)]
    server_us, calls = (cpu_s[1][0] - cpu_s[0][0]) * 1e6, sum(measurement.completed)
    return {
        "clients": len(scripts),
        "connections": connections.value,
        **_summary(measurement),
        "server_cpu_percent": shares[0],
        "server_cpu_us_per_call": server_us / calls if calls else None,
        "database_cpu_percent": None if cluster is None else shares[1],
        "client_cpu_percent": shares[-1],
        "server_rss_mb": server.rss_bytes() / 2**20,
        "load_average_1min": os.getloadavg()[0],
    }


def percentile(ascending: Sequence[float], fraction: float) -> float | None:
    """Return the interpolated percentile of sorted values, or None if there are none."""
    if not ascending:
        return None
    position = (len(ascending) - 1) * fraction
    below = int(position)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * (position - below)


def _summary(measurement: Measurement) -> dict[str, Any]:
    """Return what the generator saw; all calls together, and the median of each kind of call."""
    together = sorted(latency_s for latencies_s in measurement.latencies_s for latency_s in latencies_s)
    errors: Counter[str] = Counter()
    for description, count in measurement.errors.items():
        errors[_UUID.sub("(id)", description)] += count
    if measurement.unanswered:
        errors["no answer until the end of the drain"] = measurement.unanswered
    return {
        "measured_s": measurement.measured_s,
        "calls": sum(measurement.completed),
        "changes_per_s": sum(measurement.completed) / measurement.measured_s,
        "p50_ms": _milliseconds(percentile(together, 0.50)),
        "p95_ms": _milliseconds(percentile(together, 0.95)),
        "p99_ms": _milliseconds(percentile(together, 0.99)),
        "max_ms": _milliseconds(together[-1] if together else None),
        "p50_ms_by_call": {
            name: _milliseconds(percentile(sorted(latencies_s), 0.50))
            for name, latencies_s in zip(measurement.call_names, measurement.latencies_s, strict=True)
        },
        "errors": dict(errors),
        "is_stalled": measurement.unanswered > 0,
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def _own_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
