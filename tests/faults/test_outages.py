"""PostgreSQL goes away and comes back: Eparch says so, and goes on without a restart."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from eparch.core.errors import ConfigurationError, EparchError, Unavailable
from eparch.database import commits, migrate
from eparch.database.rows import first_row
from eparch.database.transactions import Transaction
from tests.database.connections import connected
from tests.database.waiting import alone, submit
from tests.databases import PostgreSQLDatabases
from tests.faults.ledger import Ledger, open_ledger, stored_numbers
from tests.faults.outages import Outage, line_to

UNAVAILABLE = "PostgreSQL cannot be used: "


# One server for all of them, as making one takes longer than most tests.
pytestmark = pytest.mark.xdist_group("outages")


@pytest.fixture(scope="module")
def outage() -> Iterator[Outage]:
    server = Outage()
    yield server
    server.close()


@pytest.fixture
def shaky_url(outage: Outage) -> str:
    """A database on the server that `outage` stops, kills and starts again."""
    url = outage.fresh_url()
    migrate.upgrade(url)
    return url


@pytest.fixture
def url(durable_postgresql_databases: PostgreSQLDatabases) -> Iterator[str]:
    with durable_postgresql_databases.fresh(migrate.upgrade) as url:
        yield url


def error_of(ledger: Ledger) -> BaseException:
    (error,) = ledger.write().values()
    assert error is not None
    return error


# ---- The server goes away ----


def test_while_postgresql_is_away_it_is_said_and_afterwards_all_goes_on(outage: Outage, shaky_url: str) -> None:
    with open_ledger(shaky_url) as ledger:
        assert set(ledger.write(10).values()) == {None}
        assert len(ledger.read()) == 10

        outage.stop()
        for _ in range(2):
            error = error_of(ledger)
            assert isinstance(error, Unavailable)
            assert error.message.startswith(UNAVAILABLE)
            assert "no restart of Eparch is needed" in error.hint
            with pytest.raises(Unavailable, match=UNAVAILABLE):
                ledger.read()
        with pytest.raises(Unavailable, match=UNAVAILABLE):
            migrate.prepare(shaky_url)

        outage.start()
        assert set(ledger.write(10).values()) == {None}
        assert len(ledger.read()) == 20
        assert migrate.check(shaky_url) == []


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_restart_that_nobody_waited_for_goes_unnoticed(outage: Outage, shaky_url: str, way: str) -> None:
    with open_ledger(shaky_url, writers=3) as ledger:
        for _ in range(5):
            assert set(ledger.write(10).values()) == {None}
            ledger.read()
        {"stop": outage.stop, "kill": outage.kill}[way]()
        outage.start()
        # The pooled connections are dead, and nobody is told.
        for _ in range(5):
            assert set(ledger.write(10).values()) == {None}
        assert len(ledger.read()) == 100


def test_a_kill_under_load_loses_nothing_that_was_acknowledged_and_makes_nothing_twice(
    outage: Outage, shaky_url: str
) -> None:
    told: dict[int, BaseException | None] = {}
    is_over = threading.Event()

    def keep_writing(ledger: Ledger) -> None:
        while not is_over.is_set():
            told.update(ledger.write(20))

    def count_acknowledged() -> int:
        return sum(error is None for error in list(told.values()))

    with open_ledger(shaky_url, writers=2) as ledger:
        client = threading.Thread(target=keep_writing, args=(ledger,))
        client.start()
        for kills in range(3):
            before, limit = count_acknowledged(), threading.Event()
            while count_acknowledged() < before + 100 * (kills + 1):
                assert not limit.wait(0.005)
                assert client.is_alive()
            outage.kill()
            outage.start()
        is_over.set()
        client.join()
        assert set(ledger.write(5).values()) == {None}
        stored = ledger.read()

    acknowledged = {number for number, error in told.items() if error is None}
    unknown = {number for number, error in told.items() if error and not isinstance(error, Unavailable)}
    refused = told.keys() - acknowledged - unknown
    assert len(stored) == len(set(stored)), "something was made twice"
    assert acknowledged <= set(stored), "something acknowledged is lost"
    assert refused.isdisjoint(stored), "something that was said not to be written is there"
    assert {str(told[number]) for number in unknown} <= {
        "The database was lost while it committed; whether the change was made is unknown."
    }


# ---- A connection is lost ----


def end_own_connection(attempts: list[int]) -> Callable[[Transaction], int]:
    """Return work whose connection is lost at its first attempt."""

    def work(tx: Transaction) -> int:
        attempts.append(tx.scalar(text("SELECT pg_backend_pid()")))
        if len(attempts) == 1:
            tx.scalar(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return len(attempts)

    return work


def test_work_whose_connection_is_lost_is_tried_again_on_another(url: str) -> None:
    attempts: list[int] = []
    with open_ledger(url) as ledger:
        ledger.write()
        assert submit(ledger.writer, alone(end_own_connection(attempts))).result == 2
    assert len(set(attempts)) == 2


def test_a_read_whose_connection_is_lost_is_tried_again_on_another(url: str) -> None:
    attempts: list[int] = []
    with open_ledger(url) as ledger:
        work = end_own_connection(attempts)
        assert ledger.readers.run_here(lambda connection: work(Transaction(connection))) == 2


def count_by_driver(connection: Connection) -> int:
    """Read as the API does, past SQLAlchemy."""
    row = first_row(connection, "SELECT count(*)::int8 FROM message", ())
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("read", [count_by_driver, lambda connection: len(stored_numbers(connection))])
def test_no_read_fails_when_all_pooled_connections_have_died(url: str, read: Callable[[Connection], int]) -> None:
    with open_ledger(url) as ledger:
        ledger.write(3)
        together = threading.Barrier(4)

        def read_together(connection: Connection) -> int:
            together.wait(30)
            return read(connection)

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(ledger.readers.run_here, [read_together] * 4)) == [3] * 4
        with connected(url) as connection:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            ended = connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
            assert len(ended.all()) == 5, "four readers and a writer were connected"
        assert [ledger.readers.run_here(read) for _ in range(5)] == [3] * 5


@pytest.mark.parametrize("is_forwarded", [True, False])
def test_a_commit_whose_answer_is_lost_is_made_once_and_acknowledged(url: str, is_forwarded: bool) -> None:
    commits_seen: list[bool] = []
    with line_to(url) as (line, through_line), open_ledger(through_line) as ledger:
        ledger.write()

        def lose_the_answer_once() -> tuple[bool, bool]:
            commits_seen.append(is_forwarded)
            return (is_forwarded, False) if len(commits_seen) == 1 else (True, True)

        line.on_commit = lose_the_answer_once
        assert set(ledger.write(5).values()) == {None}
        assert ledger.read() == [1, 2, 3, 4, 5, 6]
    # Made already, or made by the second attempt.
    assert len(commits_seen) >= (1 if is_forwarded else 2)


def test_an_outcome_that_cannot_be_found_out_is_called_unknown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_PATIENCE_S", 0.2)
    with line_to(url) as (line, through_line), open_ledger(through_line) as ledger:
        ledger.write()

        def lose_everything() -> tuple[bool, bool]:
            line.close()
            return True, False

        line.on_commit = lose_everything
        error = error_of(ledger)
        assert isinstance(error, EparchError)
        assert not isinstance(error, Unavailable), "a client that tries again might make it twice"
        assert "whether the change was made is unknown" in error.message
    with connected(url) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM message").scalar() == 2


def test_work_that_only_reads_is_not_asked_about(url: str) -> None:
    with line_to(url) as (line, through_line), open_ledger(through_line) as ledger:
        losses = [(True, False)]
        line.on_commit = lambda: losses.pop() if losses else (True, True)
        assert submit(ledger.writer, alone(lambda tx: tx.scalar(text("SELECT 7")))).result == 7
        assert losses == []


# ---- Passwords ----


def test_a_wrong_password_is_told_at_the_start_and_when_it_changes(shaky_url: str) -> None:
    with connected(shaky_url) as connection:
        for statement in (
            "SET password_encryption = 'scram-sha-256'",
            "CREATE ROLE guest LOGIN PASSWORD 'right'",
            "GRANT ALL ON SCHEMA public TO guest",
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO guest",
        ):
            connection.exec_driver_sql(statement)
        hba_file = connection.exec_driver_sql("SHOW hba_file").scalar_one()
    with open(hba_file) as file:
        rules = file.read()
    with open(hba_file, "w") as file:
        file.write(f"host all guest all scram-sha-256\n{rules}")
    with connected(shaky_url) as connection:
        connection.exec_driver_sql("SELECT pg_reload_conf()")

    right = shaky_url.replace("eparch@", "guest:right@")
    with pytest.raises(ConfigurationError) as caught:
        migrate.prepare(shaky_url.replace("eparch@", "guest:wrong@"))
    assert 'password authentication failed for user "guest"' in caught.value.message
    assert "wrong" not in caught.value.message
    with open_ledger(right) as ledger:
        assert set(ledger.write().values()) == {None}
        with connected(shaky_url) as connection:
            connection.exec_driver_sql("ALTER ROLE guest PASSWORD 'changed'")
            connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guest'")
        error = error_of(ledger)
        assert isinstance(error, ConfigurationError)
        assert "check the user and the password" in error.hint
        with connected(shaky_url) as connection:
            connection.exec_driver_sql("ALTER ROLE guest PASSWORD 'right'")
        assert set(ledger.write().values()) == {None}
