"""What a freed slot costs while ever more runs wait for it: work and wake-ups must not grow with the line.

    python benchmarks/slots.py                       # SQLite; --postgresql for both

In charge of the measurement; the figures of a day stand in README.md. It calls the operations themselves, one
transaction each, so that nothing but the database and the rules is measured. A cycle is what a freed slot causes: its
holder ends, and whoever is woken takes the slot.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, bindparam, event, select

import eparch.operations.catalogue  # noqa: F401 - registers every operation
from eparch.core.principals import Principal
from eparch.database import migrate, tables
from eparch.database.engines import parse_url, writing_engine
from eparch.database.transactions import Transaction
from eparch.operations.identity import new_id
from eparch.operations.registry import OPERATIONS, Call

sys.path.insert(0, str(Path(__file__).resolve().parent))

from postgres import PostgresCluster

LIMIT = 10
WAITING = (10, 100, 1_000, 10_000)
_TASK = select(tables.task.c.id).where(tables.task.c.flow_id == bindparam("flow_id"))
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Bench:
    """A database with one flow run whose mapped task runs all want a slot of one limit."""

    def __init__(self, engine: Engine, task_runs: int) -> None:
        self._engine = engine
        self._now = START
        self.touched: frozenset[str] = frozenset()
        self.statements = 0
        event.listen(engine, "before_cursor_execute", self._count)
        self._principal = Principal("00000000-0000-4000-8000-00000000000a")
        self._principal = Principal(self.single("create_tenant", name="Bench", slug=f"bench-{new_id()[-12:]}")["id"])
        project = self.single("create_project", name="bench")["id"]
        flow = {"name": "bench", "tasks": [{"slug": "use", "name": "use", "tags": ["db"]}], "edges": []}
        flow_id = self.single("create_flow", project_id=project, serialized_flow=flow)["id"]
        self._flow_run = self.single("create_flow_run", flow_id=flow_id)["id"]
        running = {"states": [{"flow_run_id": self._flow_run, "state": {"type": "Running"}}]}
        self.joined("set_flow_run_states", [running])
        self.single("update_task_concurrency_limit", name="db", limit=LIMIT)
        with engine.begin() as connection:
            rows = Transaction(connection).rows(_TASK, {"flow_id": flow_id})
        places = [
            {"flow_run_id": self._flow_run, "task_id": rows[0].id, "map_index": index} for index in range(task_runs)
        ]
        made: list[Any] = []
        for first in range(0, task_runs, 500):
            made += self.joined("get_or_create_task_run_info", places[first : first + 500])
        self.ids = [one["id"] for one in made]

    def single(self, name: str, /, **given: Any) -> Any:
        with self._transaction() as (tx, now):
            single = OPERATIONS[name].single
            assert single is not None
            return single(tx, self._principal, given, now)

    def joined(self, name: str, inputs: list[dict[str, Any]]) -> list[Any]:
        with self._transaction() as (tx, now):
            joined = OPERATIONS[name].joined
            assert joined is not None
            return list(joined(tx, [Call(self._principal, given) for given in inputs], now))

    def enter(self, run_ids: list[str], name: str) -> list[str]:
        """Let task runs enter a state, and listen for their slots; return the statuses."""
        given = [{"states": [{"task_run_id": one, "state": {"type": name}}], "wait_s": 60.0} for one in run_ids]
        return [outcome["states"][0]["status"] for outcome in self.joined("set_task_run_states", given)]

    @contextmanager
    def _transaction(self) -> Iterator[tuple[Transaction, datetime]]:
        self._now += timedelta(microseconds=1)
        with self._engine.begin() as connection:
            tx = Transaction(connection)
            yield tx, self._now
        self.touched = frozenset(tx.touched)

    def _count(self, *_: object) -> None:
        self.statements += 1


def measure(engine: Engine, waiting: int, cycles: int) -> dict[str, float]:
    """Return what a cycle costs while `waiting` runs wait."""
    bench = Bench(engine, LIMIT + waiting + cycles)
    holders, line = bench.ids[:LIMIT], bench.ids[LIMIT:]
    assert set(bench.enter(holders, "Running")) == {"SUCCESS"}
    for first in range(0, len(line), 500):
        assert set(bench.enter(line[first : first + 500], "Running")) == {"QUEUED"}
    times, wakes, statements = [], [], []
    for _ in range(cycles):
        before, started = bench.statements, time.perf_counter()
        bench.enter([holders.pop(0)], "Success")
        woken = [name.removeprefix("slot/") for name in bench.touched if name.startswith("slot/")]
        for run_id in woken:
            assert bench.enter([run_id], "Running") == ["SUCCESS"]
        times.append(time.perf_counter() - started)
        wakes.append(len(woken))
        statements.append(bench.statements - before)
        holders += woken
    event.remove(engine, "before_cursor_execute", bench._count)
    return {
        "waiting": waiting,
        "wake-ups": sum(wakes) / cycles,
        "statements": sum(statements) / cycles,
        "median ms": 1000 * median(times),
        "highest ms": 1000 * max(times),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgresql", action="store_true", help="measure a throw-away cluster of PostgreSQL too")
    parser.add_argument("--cycles", type=int, default=200, help="freed slots for each length of the line")
    parser.add_argument("--waiting", type=int, nargs="+", default=WAITING, help="lengths of the line")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # PostgreSQL runs under an account of its own, which must get there.
        Path(folder).chmod(0o755)
        report("sqlite", f"sqlite:///{folder}/slots.sqlite", asked)
        if asked.postgresql:
            cluster = PostgresCluster(Path(folder))
            try:
                report("postgresql", cluster.create_database("slots"), asked)
            finally:
                cluster.stop()


def report(database: str, url: str, asked: argparse.Namespace) -> None:
    """Measure one database and print a row of Markdown for each length of the line."""
    migrate.prepare(url)
    engine = writing_engine(parse_url(url))
    for waiting in asked.waiting:
        found = measure(engine, waiting, asked.cycles)
        cells = [database, *(f"{value:,.3f}" for value in found.values())]
        print("| " + " | ".join(cells) + " |", flush=True)
    engine.dispose()


if __name__ == "__main__":
    main()
