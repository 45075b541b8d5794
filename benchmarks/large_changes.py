"""Single calls that change much: a flow of 5,000 tasks is registered, a flow with 10,000 runs is deleted.

    python benchmarks/large_changes.py [--databases sqlite postgresql] [--tasks 5000] [--runs 10000]

In charge of these calls through HTTP, and of what a small call takes beside them; not in charge of the hot path
(`api_hot_path.py`).

Beside the call, another client changes states of runs again and again: the longest of its calls says how much others
are held up. The limit beside it is the same bytes sent to a server that answers at once: what HTTP alone takes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from eparch_server import EparchClients, EparchServer
from machine import describe_machine
from postgres import PostgresCluster
from processes import HOST

_RUN = "mutation ($i: create_flow_run_input!) { create_flow_run(input: $i) { id } }"
_HELLO = "{ hello }"


def main() -> None:
    """Measure each database in turn; print one line for each call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--tasks", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=10_000)
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
            server = EparchServer(home, cluster)
            try:
                _measure(database, server, options.tasks, options.runs)
            finally:
                server.stop()
                if cluster is not None:
                    cluster.stop()


def _measure(database: str, server: EparchServer, tasks: int, runs: int) -> None:
    project_id = server.call("{ project { id } }", None)["project"][0]["id"]
    document = _wide_flow(tasks)
    size = len(json.dumps(document))
    given = {"project_id": project_id, "serialized_flow": document, "set_schedule_active": False}
    register = "mutation ($i: create_flow_input!) { create_flow(input: $i) { id } }"
    alone_s = _seconds(server, _HELLO, {"pad": document})
    taken_s, answer, longest_s = _beside_others(server, register, {"i": given})
    print(
        f"{database}: register {tasks:,} tasks and {2 * tasks - 3:,} edges ({size / 1e6:.1f} MB): {taken_s:.2f} s; "
        f"HTTP alone {alone_s:.2f} s; longest call beside it {1000 * longest_s:.0f} ms",
        flush=True,
    )
    flow_id = _flow_with_runs(server, project_id, runs)
    delete = "mutation ($i: delete_flow_input!) { delete_flow(input: $i) { success } }"
    taken_s, _, longest_s = _beside_others(server, delete, {"i": {"flow_id": flow_id}})
    print(
        f"{database}: delete a flow with {runs:,} runs of 4 tasks: {taken_s:.2f} s; "
        f"longest call beside it {1000 * longest_s:.0f} ms",
        flush=True,
    )
    assert answer["create_flow"]["id"]


def _flow_with_runs(server: EparchServer, project_id: str, runs: int) -> str:
    given = {"project_id": project_id, "serialized_flow": _wide_flow(4), "set_schedule_active": False}
    register = "mutation ($i: create_flow_input!) { create_flow(input: $i) { id } }"
    flow_id: str = server.call(register, {"i": given})["create_flow"]["id"]
    numbers = iter(range(runs))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(numbers, None) is None:
                    return
            server.call(_RUN, {"i": {"flow_id": flow_id}})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return flow_id


def _beside_others(server: EparchServer, query: str, variables: dict[str, Any]) -> tuple[float, dict[str, Any], float]:
    """Return how long a call takes, what it gives, and the longest call of another client meanwhile, in seconds."""
    clients = EparchClients(server.port)
    (script,) = clients.open_scripts(1)
    is_over = threading.Event()
    longest_s = 0.0

    def work() -> None:
        nonlocal longest_s
        connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
        connection.connect()
        while not is_over.is_set():
            started = time.perf_counter()
            connection.sock.sendall(script.request())
            response = http.client.HTTPResponse(connection.sock)
            response.begin()
            failure = script.take_answer(response.read())
            if failure:
                raise RuntimeError(failure)
            longest_s = max(longest_s, time.perf_counter() - started)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    started = time.perf_counter()
    answer = server.call(query, variables)
    taken_s = time.perf_counter() - started
    is_over.set()
    thread.join()
    clients.close_scripts([script])
    return taken_s, answer, longest_s


def _seconds(server: EparchServer, query: str, variables: dict[str, Any]) -> float:
    started = time.perf_counter()
    server.call(query, variables)
    return time.perf_counter() - started


def _wide_flow(tasks: int) -> dict[str, Any]:
    """Return a flow in which each task but the first two depends on the two before it."""
    shown = [
        {
            "type": "prefect.core.task.Task",
            "name": f"task {number}",
            "slug": f"task-{number}",
            "tags": [],
            "max_retries": 0,
            "retry_delay": None,
            "inputs": {},
            "outputs": "typing.Any",
            "timeout": None,
            "trigger": {"fn": "prefect.triggers.all_successful", "kwargs": {}},
            "skip_on_upstream_skip": True,
            "cache_for": None,
            "cache_key": None,
            "cache_validator": {"fn": "prefect.engine.cache_validators.never_use", "kwargs": {}},
            "auto_generated": False,
            "__version__": "1.4.1",
        }
        for number in range(tasks)
    ]
    edges = [
        {
            "upstream_task": {"slug": f"task-{number - back}", "__version__": "1.4.1"},
            "downstream_task": {"slug": f"task-{number}", "__version__": "1.4.1"},
            "key": None,
            "mapped": False,
            "flattened": False,
            "__version__": "1.4.1",
        }
        for number in range(tasks)
        for back in (1, 2)
        if number >= back
    ]
    return {
        "name": f"wide {tasks}",
        "type": "prefect.core.flow.Flow",
        "schedule": None,
        "parameters": [],
        "tasks": shown,
        "edges": edges,
        "reference_tasks": [],
        "run_config": {"env": None, "labels": [], "__version__": "1.4.1", "type": "UniversalRun"},
        "storage": {"type": "Module", "module": "wide", "flows": {}, "secrets": [], "__version__": "1.4.1"},
        "__version__": "1.4.1",
    }


if __name__ == "__main__":
    main()
