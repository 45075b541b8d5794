"""How long a pass of the scheduler takes over many schedules, and a claim from a long queue; on both databases.

In charge of filling a database, and of timing passes and claims on it without a server between; not in charge of what
agents see from outside (`due_runs.py`).

The limit beside them, in the same run: what the database alone takes to write so many runs, or one, with a state of
each, one statement a table and one commit.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from machine import describe_machine
from postgres import PostgresCluster
from sqlalchemy import Engine, select, text
from sqlalchemy.engine import Connection

from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.engines import parse_url, reading_engine, writing_engine
from eparch.database.migrate import prepare
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state, project, tenant
from eparch.database.transactions import Transaction
from eparch.operations.first_tenant import make_first_tenant
from eparch.operations.identity import new_id
from eparch.operations.queue import claim_flow_runs, next_due
from eparch.operations.run_rows import first_state_row, flow_run_row
from eparch.services.scheduler import Scheduler

T = TypeVar("T")

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)


def main() -> None:
    """Measure, and print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--queue", type=int, default=100_000, help="runs that wait and fit no agent")
    parser.add_argument("--claims", type=int, default=200)
    parser.add_argument("--parts", nargs="+", default=["passes", "claims"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(describe_machine(Path(folder)))
        for name in options.databases:
            with _database(name, Path(folder)) as url:
                base = _Base(url)
                if "passes" in options.parts:
                    _passes(name, base, options.schedules)
                if "claims" in options.parts:
                    _claims(name, base, options.queue, options.claims)
                base.close()


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    if name == "sqlite":
        yield f"sqlite:///{folder / 'scheduling.sqlite'}"
        return
    folder.chmod(0o755)
    cluster = PostgresCluster(folder)
    try:
        yield cluster.create_database("scheduling")
    finally:
        cluster.stop()


class _Base:
    """A database with a tenant and a project, and the doors through which a service reaches it."""

    def __init__(self, url: str) -> None:
        prepare(url)
        self.engine: Engine = writing_engine(parse_url(url))
        self.reading: Engine = reading_engine(parse_url(url))
        self.now = NOW
        with self.engine.begin() as connection:
            tx = Transaction(connection)
            make_first_tenant(tx, NOW)
            self.tenant_id: str = tx.scalar(select(tenant.c.id))
            self.project_id = new_id()
            row = {"id": self.project_id, "created": NOW, "updated": NOW, "tenant_id": self.tenant_id, "name": "bench"}
            insert_rows(tx, project, [row])

    async def read(self, function: Callable[[Connection], T], /) -> T:
        with self.reading.begin() as connection:
            return function(connection)

    async def change(self, function: Callable[[Transaction, datetime], T], /) -> T:
        with self.engine.begin() as connection:
            return function(Transaction(connection), self.now)

    def flows(self, count: int, schedule: Callable[[int], Any]) -> list[str]:
        """Insert flows with active schedules; return their ids."""
        common = {"created": NOW, "updated": NOW, "tenant_id": self.tenant_id}
        groups, flows = [], []
        for number in range(count):
            group = {"id": new_id(), "name": f"group-{new_id()}", "settings": {}, "default_parameters": {}, **common}
            groups.append(group)
            document = schedule(number)
            flows.append(
                {
                    "id": new_id(),
                    **common,
                    "project_id": self.project_id,
                    "flow_group_id": group["id"],
                    "name": f"flow-{number}",
                    "version": 1,
                    "version_group_id": group["name"],
                    "archived": False,
                    "parameters": [{"name": "x", "required": False, "default": 1}],
                    "run_config": {"type": "UniversalRun", "labels": ["bench"]},
                    "schedule": document,
                    "is_schedule_active": document is not None,
                    "serialized_flow": {"name": f"flow-{number}", "pad": "x" * 5000},
                    "settings": {},
                }
            )
        with self.engine.begin() as connection:
            insert_rows(Transaction(connection), flow_group, groups)
            insert_rows(Transaction(connection), flow, flows)
        self.analyze()
        return [row["id"] for row in flows]

    def analyze(self) -> None:
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))

    def close(self) -> None:
        self.engine.dispose()
        self.reading.dispose()


# ---- Passes ----


def _schedule(number: int) -> dict[str, Any]:
    """A clock of another kind and another minute for each flow; one in ten ticks every minute."""
    start = {"dt": f"2026-01-01T00:{number % 60:02}:00", "tz": "Europe/Paris" if number % 2 else "UTC"}
    if number % 10 == 0:
        return {"clocks": [{"type": "IntervalClock", "interval": 60_000_000, "start_date": start}]}
    if number % 2:
        return {"clocks": [{"type": "CronClock", "cron": f"{number % 60} {number % 24} * * *", "start_date": start}]}
    return {"clocks": [{"type": "IntervalClock", "interval": 3_600_000_000, "start_date": start}]}


def _passes(name: str, base: _Base, count: int) -> None:
    base.flows(count, _schedule)

    async def measure(label: str, service: Scheduler) -> None:
        begun_at = time.perf_counter()
        counts = await service.run_once(base.now)
        print(f"{name}: {label}: {time.perf_counter() - begun_at:.3f} s, {counts}", flush=True)

    async def all_of_them() -> None:
        first = Scheduler(base.read, base.change)
        await measure("first pass, every run is lacking", first)
        base.analyze()
        await measure("a pass at once, nothing is due", first)
        await measure("full pass of a new server, nothing is lacking", Scheduler(base.read, base.change))
        for _ in range(3):
            base.now += timedelta(seconds=60)
            await measure("a pass each minute", first)
        print(f"{name}: limit of 1,000 runs in the database alone: {_copy_runs_s(base, 1_000):.3f} s", flush=True)

    asyncio.run(all_of_them())
    with base.engine.begin() as connection:
        Transaction(connection).execute(flow.update().values(is_schedule_active=False))


# ---- Claims ----


def _claims(name: str, base: _Base, queue_length: int, claims: int) -> None:
    """Fill the queue with runs that fit no agent; then claim, again and again, the one that fits."""
    (flow_id,) = base.flows(1, lambda _: None)
    for start in range(0, queue_length, 10_000):
        _make_runs(base, flow_id, min(10_000, queue_length - start), lambda number: ["other", f"kind-{number % 50}"])
    base.analyze()
    principal = Principal(base.tenant_id)
    hits_s, misses_s, nexts_s = [], [], []
    for number in range(claims):
        _make_runs(base, flow_id, 1, lambda _: ["mine"])
        hits_s.append(_timed(base, lambda tx: claim_flow_runs(tx, principal, {"labels": ["mine", "also"]}, base.now)))
        if number % 4 == 0:
            misses_s.append(_timed(base, lambda tx: claim_flow_runs(tx, principal, {"labels": ["none"]}, base.now)))
            nexts_s.append(_timed(base, lambda tx: next_due(tx, base.tenant_id, ["none"], base.now)))
    limits_s = [_copy_runs_s(base, 1) for _ in range(claims)]
    figures = (("one fits", hits_s), ("none fits", misses_s), ("next due", nexts_s), ("limit of one change", limits_s))
    for label, times_s in figures:
        print(f"{name}: claim from {queue_length:,} runs, {label}: {_spread(times_s)}", flush=True)


def _make_runs(base: _Base, flow_id: str, count: int, labels: Callable[[int], list[str]]) -> None:
    runs = [
        flow_run_row(
            tenant_id=base.tenant_id,
            flow_id=flow_id,
            now=base.now,
            scheduled_start_time=base.now - timedelta(seconds=number % 3600),
            labels=sorted(labels(number)),
            parameters={},
            run_config=None,
        )
        for number in range(count)
    ]
    with base.engine.begin() as connection:
        insert_rows(Transaction(connection), flow_run, runs)
        insert_rows(Transaction(connection), flow_run_state, [first_state_row(run) for run in runs])


def _copy_runs_s(base: _Base, count: int) -> float:
    """Copy some runs with a state of each, in the database itself; return the seconds until that is committed."""
    is_sqlite = base.engine.dialect.name == "sqlite"
    # Ids of version 7 begin with the time, so that new ones are at one end of an index, as ours are.
    new = (
        "'ffffffff-' || substr(lower(hex(randomblob(16))), 1, 4) || substr(id, 14)"
        if is_sqlite
        else "gen_random_uuid()"
    )
    columns = [column.name for column in flow_run.columns if column.name not in {"id", "idempotency_key"}]
    states = [column.name for column in flow_run_state.columns if column.name not in {"id", "version"}]
    # A state's version is unique within its run.
    version = f"version + {time.time_ns() // 1000 % 2**30}"
    begun_at = time.perf_counter()
    with base.engine.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO flow_run (id, {', '.join(columns)}) SELECT {new}, {', '.join(columns)} "
            f"FROM (SELECT * FROM flow_run ORDER BY id DESC LIMIT {count}) AS runs"
        )
        connection.exec_driver_sql(
            f"INSERT INTO flow_run_state (id, version, {', '.join(states)}) "
            f"SELECT {new}, {version}, {', '.join(states)} "
            f"FROM (SELECT * FROM flow_run_state ORDER BY id DESC LIMIT {count}) AS states"
        )
    return time.perf_counter() - begun_at


def _timed(base: _Base, function: Callable[[Transaction], Any]) -> float:
    begun_at = time.perf_counter()
    with base.engine.begin() as connection:
        function(Transaction(connection))
    return time.perf_counter() - begun_at


def _spread(times_s: Sequence[float]) -> str:
    ascending = sorted(times_s)
    p50, p95 = (ascending[int(len(ascending) * share)] * 1000 for share in (0.5, 0.95))
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, max {ascending[-1] * 1000:.1f} ms"


if __name__ == "__main__":
    main()
