"""Numbered lines in a database, and who has been told what of them.

In charge of writing lines through a writer and of comparing what was acknowledged with what is stored; not in charge
of what goes wrong meanwhile.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.engine import Connection

from eparch.core.ids import uuid7
from eparch.database.bulk import insert_rows
from eparch.database.engines import parse_url, reading_engine, writing_engine
from eparch.database.readers import Readers
from eparch.database.tables import message, tenant
from eparch.database.transactions import Transaction
from eparch.database.writer import Work, Writer

TENANT = uuid7(1, 1)
WAIT_S_MAX = 60.0


def utc_now() -> datetime:
    return datetime.now(UTC)


def add_tenant(connection: Connection) -> None:
    """Add the tenant to whom all lines belong."""
    now = utc_now()
    row = {"id": TENANT, "created": now, "updated": now, "name": "Default", "slug": "default", "settings": {}}
    connection.execute(insert(tenant).values(row))


def add_lines(tx: Transaction, items: Sequence[tuple[int, int]], now: datetime) -> list[int]:
    """Store one line for each (number, size in bytes)."""
    rows = [
        {
            "id": uuid7(number, number),
            "created": now,
            "updated": now,
            "tenant_id": TENANT,
            "read": False,
            "type": str(number),
            "text": "x" * size,
            "content": {},
        }
        for number, size in items
    ]
    insert_rows(tx, message, rows)
    return [number for number, _ in items]


def stored_numbers(connection: Connection) -> list[int]:
    """Return the numbers of all lines, each as often as it is stored."""
    return sorted(int(number) for number in connection.scalars(select(message.c.type)))


class Ledger:
    """An open database with a writer and readers, as a server has them."""

    def __init__(self, url: str, *, writers: int = 1, **options: Any) -> None:
        self.writing, self.reading = writing_engine(parse_url(url)), reading_engine(parse_url(url))
        self.writer = Writer(self.writing, clock=utc_now, threads=writers, **options)
        self.readers = Readers(self.reading, threads=2)
        self._next = 0

    def write(self, count: int = 1, *, size: int = 10) -> dict[int, BaseException | None]:
        """Write lines that wait together; return the error of each by its number, None where it was acknowledged."""
        told: dict[int, BaseException | None] = {}
        all_told = threading.Semaphore(0)
        for _ in range(count):
            self._next += 1

            def deliver(_outcome: Any, error: BaseException | None, number: int = self._next) -> None:
                told[number] = error
                all_told.release()

            self.writer.submit(Work(add_lines, (self._next, size), "lines", deliver))
        for _ in range(count):
            assert all_told.acquire(timeout=WAIT_S_MAX), "no outcome was delivered"
        return told

    def read(self) -> list[int]:
        """Return the stored numbers as a reader sees them."""
        return self.readers.run_here(stored_numbers)

    def close(self) -> None:
        self.writer.stop()
        self.readers.stop()
        self.writing.dispose()
        self.reading.dispose()


@contextmanager
def open_ledger(url: str, **options: Any) -> Iterator[Ledger]:
    """Open a migrated database that has no tenant yet."""
    ledger = Ledger(url, **options)
    with ledger.writing.begin() as connection:
        if not connection.scalar(select(func.count()).select_from(tenant)):
            add_tenant(connection)
    ledger.writer.start()
    try:
        yield ledger
    finally:
        ledger.close()
