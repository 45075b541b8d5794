"""Transactions that are lost through no fault of the work: SQLite gives one up, PostgreSQL breaks a deadlock."""

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime

import pytest
from sqlalchemy import insert, select, update

from eparch.core.errors import Unavailable
from eparch.database.migrate import upgrade
from eparch.database.tables import tenant
from eparch.database.transactions import Transaction
from tests.database.connections import connected
from tests.database.waiting import WAIT_S_MAX, alone, submit
from tests.database.writers import add_tenants, held_up, open_writer, slugs_in, tenant_row
from tests.databases import Databases


@pytest.mark.parametrize("is_noticed", [False, True])
def test_work_is_not_acknowledged_where_sqlite_has_rolled_back_by_itself(
    sqlite_databases: Databases, is_noticed: bool
) -> None:
    def careless(tx: Transaction, slugs: Sequence[str], now: datetime) -> list[str]:
        # Some errors (a full disk, no memory) end the transaction, and work may have caught the exception.
        add_tenants(tx, slugs, now)
        tx.connection.exec_driver_sql("ROLLBACK")
        if is_noticed:
            raise ValueError("that went wrong")
        return list(slugs)

    with sqlite_databases.fresh(upgrade) as url, open_writer(url) as (writer, _engine):
        for others in (0, 1):
            with held_up(writer):
                tickets = [submit(writer, careless, "a"), *(submit(writer, add_tenants, "b") for _ in range(others))]
            errors = {str(ticket.wait().error) for ticket in tickets}
            assert errors == {"that went wrong" if is_noticed else "SQLite gave up a transaction; nothing was written."}
        assert submit(writer, add_tenants, "c").result == "c"
        assert slugs_in(url) == {"c"}


@pytest.fixture
def postgresql_url(postgresql_databases: Databases) -> Iterator[str]:
    with postgresql_databases.fresh(upgrade) as url:
        yield url


def test_two_writers_that_lock_each_other_out_both_succeed_in_the_end(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    attempts: list[str] = []
    has_first = {"a": threading.Event(), "b": threading.Event()}

    def crosswise(tx: Transaction, items: Sequence[tuple[str, str]], now: datetime) -> list[str]:
        ((first, second),) = items
        tx.connection.exec_driver_sql("SET LOCAL deadlock_timeout = '10ms'")
        attempts.append(first)
        tx.execute(update(tenant).where(tenant.c.slug == first).values(name=f"{first} first"))
        has_first[first].set()
        assert has_first[second].wait(WAIT_S_MAX)
        tx.execute(update(tenant).where(tenant.c.slug == second).values(info={"changed by": first}))
        return [first]

    with open_writer(postgresql_url, threads=2) as (writer, _engine):
        with connected(postgresql_url) as connection:
            connection.execute(insert(tenant), [tenant_row("a"), tenant_row("b")])
        tickets = [submit(writer, crosswise, ("a", "b"))]
        assert has_first["a"].wait(WAIT_S_MAX)
        tickets.append(submit(writer, crosswise, ("b", "a")))
        assert [ticket.result for ticket in tickets] == ["a", "b"]
    assert len(attempts) >= 3, "there was no deadlock"
    assert "Trying changes again: Two changes got into each other's way." in caplog.text
    with connected(postgresql_url) as connection:
        names = set(connection.scalars(select(tenant.c.name)))
    assert names == {"a first", "b first"}


def test_a_batch_that_meets_others_again_and_again_is_carried_out_in_ever_smaller_parts(postgresql_url: str) -> None:
    sizes: list[int] = []

    def meets_others(tx: Transaction, slugs: Sequence[str], now: datetime) -> list[str]:
        sizes.append(len(slugs))
        add_tenants(tx, slugs, now)
        if len(slugs) > 1:
            tx.connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$")
        return list(slugs)

    with open_writer(postgresql_url) as (writer, _engine):
        with held_up(writer):
            tickets = [submit(writer, meets_others, f"t{index}", group="g") for index in range(6)]
        assert [ticket.result for ticket in tickets] == [f"t{index}" for index in range(6)]
    assert sizes == [6, 3, 1, 2, 1, 1, 3, 1, 2, 1, 1]
    assert len(slugs_in(postgresql_url)) == 6


def test_work_that_always_meets_others_fails_after_five_attempts(postgresql_url: str) -> None:
    attempts: list[None] = []

    def unlucky(tx: Transaction) -> None:
        attempts.append(None)
        tx.connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")

    with open_writer(postgresql_url) as (writer, _engine):
        ticket = submit(writer, alone(unlucky)).wait()
        assert isinstance(ticket.error, Unavailable)
        assert len(attempts) == 5
        assert submit(writer, add_tenants, "later").result == "later"


def test_several_writers_work_side_by_side(postgresql_url: str) -> None:
    together = threading.Barrier(4)

    def meet(tx: Transaction) -> None:
        together.wait(WAIT_S_MAX)

    with open_writer(postgresql_url, threads=4, batch_max=1) as (writer, _engine):
        tickets = [submit(writer, alone(meet)) for _ in range(4)]
        assert [ticket.result for ticket in tickets] == [None] * 4
    assert len({ticket.thread for ticket in tickets}) == 4
