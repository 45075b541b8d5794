"""What PostgreSQL and a driver can do: state changes per second, fsync and synchronous_commit on.

A program of its own: `limits_postgres.py URL SECONDS MODE CONNECTIONS` prints one JSON object. MODE is `statement`
(each change is one round trip and one commit: a statement that updates the run and inserts its state) or `array` (50
changes in two array statements and one commit). No rule, lock or HTTP is around them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from typing import Any

import asyncpg  # type: ignore[import-not-found]
import uvloop

RUN_COUNT = 20_000
ARRAY_LENGTH = 50

_TABLES = f"""
create table task_run (
    id uuid primary key, flow_run_id uuid not null, name text, state text not null, version int not null default 0,
    state_timestamp timestamptz, start_time timestamptz, end_time timestamptz, updated timestamptz);
create index on task_run (flow_run_id);
create index on task_run (state);
create table task_run_history (
    id uuid primary key, task_run_id uuid not null references task_run (id), state text not null, version int,
    timestamp timestamptz, message text, serialized jsonb);
create index on task_run_history (task_run_id, timestamp);
insert into task_run (id, flow_run_id, name, state)
    select gen_random_uuid(), gen_random_uuid(), 'noop', 'Pending' from generate_series(1, {RUN_COUNT});
analyze;
"""
_STATEMENT = """
with changed as (
    update task_run set state = 'Running', version = version + 1, state_timestamp = now(), updated = now()
    where id = $2 returning id)
insert into task_run_history (id, task_run_id, state, version, timestamp, message, serialized)
    select $1::uuid, changed.id, 'Running', 2, now(), 'Starting task run.', $3::jsonb from changed
"""
_ARRAY_UPDATE = """
update task_run set state = 'Running', version = version + 1, state_timestamp = now(), updated = now()
where id = any($1::uuid[])
"""
_ARRAY_INSERT = """
insert into task_run_history (id, task_run_id, state, version, timestamp, message, serialized)
    select given.id, given.run_id, 'Running', 2, now(), 'Starting task run.', given.state
    from unnest($1::uuid[], $2::uuid[], $3::jsonb[]) as given (id, run_id, state)
"""
_STATE = '{"type":"Running","message":"Starting task run.","result":null,"context":{"tags":[]},"cached_inputs":null}'


async def measure(url: str, measured_s: float, mode: str, connection_count: int) -> dict[str, Any]:
    """Return changes per second and the times of a commit, in an empty database."""
    setup = await asyncpg.connect(url)
    await setup.execute(_TABLES)
    await setup.execute("checkpoint")
    ids = [row["id"] for row in await setup.fetch("select id from task_run")]
    await setup.close()
    connections = [await asyncpg.connect(url) for _ in range(connection_count)]
    work = {"statement": _one_by_one, "array": _in_arrays}[mode]
    latencies_s: list[float] = []
    begun_at = time.perf_counter()
    counts = await asyncio.gather(
        *(
            # Connections own disjoint runs, so that none waits for another's row lock.
            work(connection, ids[index::connection_count], begun_at + measured_s, latencies_s)
            for index, connection in enumerate(connections)
        )
    )
    took_s = time.perf_counter() - begun_at
    for connection in connections:
        await connection.close()
    latencies_s.sort()
    return {
        "changes_per_s": sum(counts) / took_s,
        "p50_ms": latencies_s[len(latencies_s) // 2] * 1e3,
        "p99_ms": latencies_s[int(len(latencies_s) * 0.99)] * 1e3,
        "driver": f"asyncpg {asyncpg.__version__}",
    }


async def _one_by_one(connection: Any, ids: list[uuid.UUID], end_at: float, latencies_s: list[float]) -> int:
    statement = await connection.prepare(_STATEMENT)
    changed_count = 0
    while (begun_at := time.perf_counter()) < end_at:
        await statement.fetch(uuid.uuid4(), ids[changed_count % len(ids)], _STATE)
        changed_count += 1
        latencies_s.append(time.perf_counter() - begun_at)
    return changed_count


async def _in_arrays(connection: Any, ids: list[uuid.UUID], end_at: float, latencies_s: list[float]) -> int:
    update, insert = await connection.prepare(_ARRAY_UPDATE), await connection.prepare(_ARRAY_INSERT)
    states = [_STATE] * ARRAY_LENGTH
    changed_count = 0
    while (begun_at := time.perf_counter()) < end_at:
        runs = [ids[(changed_count + offset) % len(ids)] for offset in range(ARRAY_LENGTH)]
        async with connection.transaction():
            await update.fetch(runs)
            await insert.fetch([uuid.uuid4() for _ in runs], runs, states)
        changed_count += ARRAY_LENGTH
        latencies_s.append(time.perf_counter() - begun_at)
    return changed_count


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measure(sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])))))
