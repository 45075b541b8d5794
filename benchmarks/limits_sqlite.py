"""What SQLite itself can do: state changes per second in a file in WAL mode with synchronous=FULL.

A program of its own: `limits_sqlite.py DIRECTORY SECONDS CHANGES_PER_COMMIT` prints one JSON object. One change is one
INSERT of a state and one UPDATE of its run, prepared once, with no rule, lock or network around them.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
import uuid
from pathlib import Path

RUN_COUNT = 20_000

_TABLES = """
create table task_run (
    id text primary key, flow_run_id text not null, name text, state text not null, version int not null default 0,
    state_timestamp text, start_time text, end_time text, updated text);
create index task_run_flow_run on task_run (flow_run_id);
create index task_run_state on task_run (state);
create table task_run_history (
    id text primary key, task_run_id text not null references task_run (id), state text not null, version int,
    timestamp text, message text, serialized text);
create index task_run_history_run on task_run_history (task_run_id, timestamp);
"""
_INSERT = "insert into task_run_history values (?, ?, 'Running', 2, ?, 'Starting task run.', ?)"
_UPDATE = "update task_run set state = 'Running', version = version + 1, state_timestamp = ?, updated = ? where id = ?"
_STATE = '{"type":"Running","message":"Starting task run.","result":null,"context":{"tags":[]},"cached_inputs":null}'
_TIMESTAMP = "2026-11-22T05:40:00.123456+00:00"


def measure(directory: Path, measured_s: float, changes_per_commit: int) -> dict[str, float | str]:
    """Return changes per second and the times of a commit, on a new file that is removed afterwards."""
    path = directory / "limit.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "cache_size = -65536"):
        connection.execute(f"pragma {pragma}")
    connection.executescript(_TABLES)
    ids = [str(uuid.uuid4()) for _ in range(RUN_COUNT)]
    connection.execute("begin")
    connection.executemany(
        "insert into task_run (id, flow_run_id, name, state) values (?, ?, 'noop', 'Pending')",
        [(run_id, ids[index // 100]) for index, run_id in enumerate(ids)],
    )
    connection.execute("commit")
    latencies_s: list[float] = []
    changed_count = 0
    begun_at = time.perf_counter()
    while (commit_begun_at := time.perf_counter()) - begun_at < measured_s:
        connection.execute("begin immediate")
        for _ in range(changes_per_commit):
            run_id = ids[changed_count * 7919 % RUN_COUNT]
            changed_count += 1
            connection.execute(_INSERT, (str(uuid.uuid4()), run_id, _TIMESTAMP, _STATE))
            connection.execute(_UPDATE, (_TIMESTAMP, _TIMESTAMP, run_id))
        connection.execute("commit")
        latencies_s.append(time.perf_counter() - commit_begun_at)
    took_s = time.perf_counter() - begun_at
    connection.close()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    latencies_s.sort()
    return {
        "changes_per_s": changed_count / took_s,
        "p50_ms": latencies_s[len(latencies_s) // 2] * 1e3,
        "p99_ms": latencies_s[int(len(latencies_s) * 0.99)] * 1e3,
        "driver": f"sqlite3 {sqlite3.sqlite_version}",
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))))
