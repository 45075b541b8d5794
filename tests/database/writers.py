"""A writer in a test, and simple work for it: adding tenants, each with a slug of its own."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, event, insert, select

from eparch.core.ids import uuid7
from eparch.database.engines import parse_url, writing_engine
from eparch.database.tables import tenant
from eparch.database.transactions import Transaction
from eparch.database.writer import Writer
from tests.database.connections import connected
from tests.database.waiting import WAIT_S_MAX, alone, submit

NOW = datetime(2026, 1, 31, 6, tzinfo=UTC)


@contextmanager
def open_writer(url: str, **options: Any) -> Iterator[tuple[Writer, Engine]]:
    """Run a writer; everything that was submitted has been delivered at the end."""
    engine = writing_engine(parse_url(url))
    writer = Writer(engine, clock=lambda: NOW, **options)
    writer.start()
    try:
        yield writer, engine
    finally:
        writer.stop()
        engine.dispose()


def count_commits(engine: Engine) -> list[None]:
    """Return a list that grows by one at each commit."""
    commits: list[None] = []
    event.listen(engine, "commit", lambda _connection: commits.append(None))
    return commits


def tenant_row(slug: str) -> dict[str, Any]:
    number = sum(byte << (8 * index) for index, byte in enumerate(slug.encode()[-9:]))
    return {"id": uuid7(1, number), "created": NOW, "updated": NOW, "name": slug, "slug": slug, "settings": {}}


def add_tenants(tx: Transaction, slugs: Sequence[str], now: datetime) -> list[str]:
    """Insert tenants row by row; a slug that exists fails for all, as this work tells nothing for each item."""
    for slug in slugs:
        tx.execute(insert(tenant).values(tenant_row(slug)))
    return list(slugs)


def slugs_in(url: str) -> set[str]:
    with connected(url) as connection:
        return set(connection.scalars(select(tenant.c.slug)))


@contextmanager
def held_up(writer: Writer) -> Iterator[None]:
    """Keep one thread of the writer busy, so that what is submitted meanwhile waits together."""
    is_busy, may_go_on = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        is_busy.set()
        assert may_go_on.wait(WAIT_S_MAX)

    ticket = submit(writer, alone(hold))
    assert is_busy.wait(WAIT_S_MAX)
    try:
        yield
    finally:
        may_go_on.set()
        ticket.wait()
