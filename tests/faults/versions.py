"""Runs whose versions only grow, written by a process that may be killed at any moment.

In charge of the program that writes, and of judging what it left behind; not in charge of killing it. As a program:

    python -m tests.faults.versions URL SEED

It makes the database ready, as a server does, and writes without end; for each acknowledgement it prints the number of
the run and its version. Each version is one row in the history of its run, written with the run in one transaction.
"""

import logging
import os
import random
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from eparch.core.errors import Unavailable
from eparch.core.ids import uuid7
from eparch.database import migrate
from eparch.database.bulk import insert_rows, is_one_of, listed, update_rows
from eparch.database.engines import parse_url, sqlite_path, writing_engine
from eparch.database.file_lock import file_lock
from eparch.database.tables import task_run, task_run_state
from eparch.database.transactions import Transaction
from eparch.database.writer import Work, Writer
from tests.database.rows import ID, fill
from tests.faults.ledger import utc_now

RUNS = 12
CLIENTS = 24
WRITERS = 3
CONTENTION = "Two changes got into each other's way."

_VERSIONS = select(task_run.c.id, task_run.c.version).where(is_one_of(task_run.c.id, "ids")).order_by(task_run.c.id)
_LOCKED = _VERSIONS.with_for_update()


def run_id(number: int) -> str:
    return uuid7(1, number + 1)


def add_runs(connection: Connection) -> None:
    """Add the runs, each at version 0, and all that they belong to."""
    fill(connection)
    now = utc_now()
    common = {"created": now, "updated": now, "tenant_id": ID, "flow_run_id": ID, "task_id": ID, "version": 0}
    connection.execute(
        insert(task_run), [{**common, "id": run_id(number), "map_index": 100 + number} for number in range(RUNS)]
    )


def raise_versions(tx: Transaction, items: Sequence[int], now: datetime) -> list[int]:
    """Raise the version of each run, as often as it is named; return the versions that were reached."""
    ids = listed({run_id(number) for number in items})
    versions = {row.id: row.version for row in tx.rows(_LOCKED if tx.is_postgresql else _VERSIONS, {"ids": ids})}
    reached, states = [], []
    for number in items:
        versions[run_id(number)] += 1
        reached.append(versions[run_id(number)])
        states.append(
            {
                "id": uuid7(2, number << 40 | reached[-1]),
                "created": now,
                "updated": now,
                "tenant_id": ID,
                "task_run_id": run_id(number),
                "timestamp": now,
                "state": "Running",
                "serialized_state": {},
                "version": reached[-1],
            }
        )
    insert_rows(tx, task_run_state, states)
    update_rows(tx, task_run, [{"id": id_, "version": versions[id_]} for id_ in versions])
    return reached


def write_for_ever(url: str, seed: int) -> None:
    """Write with many clients until killed."""
    with file_lock(sqlite_path(parse_url(url))):
        migrate.prepare(url)
        engine = writing_engine(parse_url(url))
        writer = Writer(engine, clock=utc_now, threads=1 if engine.dialect.name == "sqlite" else WRITERS)
        writer.start()
        clients = [threading.Thread(target=_client, args=(writer, random.Random(seed + n))) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()


def _client(writer: Writer, choice: random.Random) -> None:
    told = threading.Semaphore(0)
    while True:
        number = choice.randrange(RUNS)

        def deliver(version: Any, error: BaseException | None, number: int = number) -> None:
            line = f"{number} {version}\n" if error is None else f"error {error!r}\n"
            # One write for each line: the reader never sees half of one but the last.
            os.write(1, line.encode())
            told.release()

        # Half of the work is joined, half stands alone.
        writer.submit(Work(raise_versions, number, choice.choice([None, "versions"]), deliver))
        told.acquire()


def acknowledged(lines: Iterable[str]) -> dict[int, int]:
    """Return the highest acknowledged version of each run.

    Raises:
        AssertionError: a line tells an error other than that others were in the way.
    """
    highest: dict[int, int] = defaultdict(int)
    for line in lines:
        number, _, version = line.partition(" ")
        if line == _GAVE_UP:
            continue
        assert number != "error", line
        highest[int(number)] = max(highest[int(number)], int(version))
    return highest


# Told after several deadlocks in a row: nothing was written, which the histories prove.
_GAVE_UP = f"error {Unavailable(CONTENTION)!r}\n"


def faults_in(connection: Connection, promised: dict[int, int]) -> list[str]:
    """Return a sentence for each promise that is broken; none if all is well."""
    histories: dict[str, list[int]] = defaultdict(list)
    for row in connection.execute(select(task_run_state.c.task_run_id, task_run_state.c.version)):
        histories[row.task_run_id].append(row.version)
    found = []
    for number in range(RUNS):
        version = connection.scalar(select(task_run.c.version).where(task_run.c.id == run_id(number)))
        history = sorted(histories[run_id(number)])
        assert version is not None
        if version < promised.get(number, 0):
            found.append(f"run {number} is at {version}, but {promised[number]} was acknowledged")
        if history != list(range(1, version + 1)):
            found.append(f"run {number} is at {version}, but its history is {history}")
    return found


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # that it tries again after a deadlock is no fault
    write_for_ever(sys.argv[1], int(sys.argv[2]))
