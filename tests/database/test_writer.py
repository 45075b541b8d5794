"""The write path: what shares a commit, what fails alone, and when an outcome is told."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, func, select

from eparch.core.errors import BadInput, Conflict, Overloaded, Unavailable
from eparch.database.engines import parse_url, writing_engine
from eparch.database.tables import tenant
from eparch.database.transactions import Transaction
from eparch.database.writer import Work, Writer
from tests.database.waiting import WAIT_S_MAX, Ticket, alone, submit
from tests.database.writers import NOW, add_tenants, count_commits, held_up, open_writer, slugs_in

# ---- Sharing a commit ----


def test_work_that_waits_together_shares_one_commit(eparch_url: str) -> None:
    with open_writer(eparch_url) as (writer, engine):
        commits = count_commits(engine)
        with held_up(writer):
            tickets = [submit(writer, add_tenants, f"t{index}") for index in range(50)]
        assert [ticket.result for ticket in tickets] == [f"t{index}" for index in range(50)]
        assert len(commits) == 2  # what held the writer up, and all the others
    assert len(slugs_in(eparch_url)) == 50


def test_a_batch_takes_no_more_than_its_limit(eparch_url: str) -> None:
    with open_writer(eparch_url, batch_max=10) as (writer, engine):
        commits = count_commits(engine)
        with held_up(writer):
            tickets = [submit(writer, add_tenants, f"t{index}") for index in range(25)]
        for ticket in tickets:
            ticket.wait()
        assert len(commits) == 1 + 3


def test_work_of_one_group_is_handed_over_together_and_no_other_is(eparch_url: str) -> None:
    calls: list[tuple[str, ...]] = []

    def note(tx: Transaction, items: Sequence[str], now: datetime) -> list[str]:
        calls.append(tuple(items))
        return [item.upper() for item in items]

    with open_writer(eparch_url) as (writer, _engine):
        with held_up(writer):
            given = [("a", "x"), ("b", "y"), ("c", None), ("d", "x"), ("e", None), ("f", "y")]
            tickets = [submit(writer, note, item, group=group) for item, group in given]
        assert [ticket.result for ticket in tickets] == ["A", "B", "C", "D", "E", "F"]
    assert sorted(calls) == [("a", "d"), ("b", "f"), ("c",), ("e",)]


# ---- Failing alone ----


@pytest.mark.parametrize("group", [None, "tenants"])
def test_one_bad_item_fails_alone_and_the_others_are_committed(eparch_url: str, group: str | None) -> None:
    with open_writer(eparch_url) as (writer, engine):
        assert submit(writer, add_tenants, "taken").result == "taken"
        commits = count_commits(engine)
        with held_up(writer):
            tickets = [submit(writer, add_tenants, slug, group=group) for slug in ("a", "taken", "b", "c")]
        for ticket in tickets:
            ticket.wait()
        assert [ticket.outcome for ticket in tickets] == ["a", None, "b", "c"]
        assert isinstance(tickets[1].error, Conflict)
        assert len(commits) == 2
    assert slugs_in(eparch_url) == {"taken", "a", "b", "c"}


def test_a_group_that_fails_is_undone_and_tried_one_by_one(eparch_url: str) -> None:
    calls: list[int] = []

    def refuse_many(tx: Transaction, slugs: Sequence[str], now: datetime) -> list[str]:
        calls.append(len(slugs))
        add_tenants(tx, slugs, now)
        if len(slugs) > 1:
            raise ValueError("too many for me")
        return list(slugs)

    with open_writer(eparch_url) as (writer, _engine):
        with held_up(writer):
            tickets = [submit(writer, refuse_many, slug, group="g") for slug in "abc"]
            tickets += [submit(writer, add_tenants, "other")]
        assert [ticket.result for ticket in tickets] == ["a", "b", "c", "other"]
    # Had the first attempt left anything behind, the second would have met it.
    assert calls == [3, 3, 1, 1, 1]  # without a savepoint, under one, and one by one
    assert slugs_in(eparch_url) == {"a", "b", "c", "other"}


def test_an_error_among_the_outcomes_is_the_failure_of_its_item(eparch_url: str) -> None:
    def choosy(tx: Transaction, slugs: Sequence[str], now: datetime) -> list[Any]:
        add_tenants(tx, [slug for slug in slugs if slug != "bad"], now)
        return [BadInput("I do not like it.") if slug == "bad" else slug for slug in slugs]

    with open_writer(eparch_url) as (writer, _engine):
        with held_up(writer):
            tickets = [submit(writer, choosy, slug, group="g") for slug in ("a", "bad", "b")]
        for ticket in tickets:
            ticket.wait()
    assert [str(ticket.error) for ticket in tickets] == ["None", "I do not like it.", "None"]
    assert slugs_in(eparch_url) == {"a", "b"}


@pytest.mark.parametrize("count", [1, 3])
def test_a_program_error_is_told_and_the_writer_goes_on(eparch_url: str, count: int) -> None:
    def broken(tx: Transaction, slugs: Sequence[str], now: datetime) -> list[str]:
        add_tenants(tx, slugs, now)
        raise RuntimeError("a fault of ours")

    with open_writer(eparch_url) as (writer, _engine):
        with held_up(writer):
            tickets = [submit(writer, broken, f"t{index}", group="g") for index in range(count)]
        assert [repr(ticket.wait().error) for ticket in tickets] == ["RuntimeError('a fault of ours')"] * count
        assert submit(writer, add_tenants, "later").result == "later"
    assert slugs_in(eparch_url) == {"later"}


def test_work_that_returns_too_few_outcomes_is_undone(eparch_url: str) -> None:
    def forgetful(tx: Transaction, slugs: Sequence[str], now: datetime) -> list[str]:
        return add_tenants(tx, slugs, now)[1:]

    with open_writer(eparch_url) as (writer, _engine):
        with held_up(writer):
            tickets = [submit(writer, forgetful, slug, group="g") for slug in "ab"]
        assert [type(ticket.wait().error) for ticket in tickets] == [ValueError, ValueError]
        assert submit(writer, add_tenants, "later").result == "later"
    assert slugs_in(eparch_url) == {"later"}


# ---- When an outcome is told ----


def test_an_outcome_is_delivered_after_it_can_be_read_by_others(eparch_url: str) -> None:
    seen: list[set[str]] = []
    ticket = Ticket()

    def deliver(outcome: Any, error: BaseException | None) -> None:
        seen.append(slugs_in(eparch_url))
        ticket.deliver(outcome, error)

    with open_writer(eparch_url) as (writer, _engine):
        writer.submit(Work(add_tenants, "a", None, deliver))
        assert ticket.result == "a"
    assert seen == [{"a"}]


def test_nothing_is_told_of_work_whose_commit_fails(eparch_url: str) -> None:
    def cannot(_connection: object) -> None:
        raise OSError("the disk has gone")

    with open_writer(eparch_url) as (writer, engine):
        with held_up(writer):
            tickets = [submit(writer, add_tenants, slug) for slug in "ab"]
            event.listen(engine, "commit", cannot)
        errors = [ticket.wait().error for ticket in tickets]
        event.remove(engine, "commit", cannot)
        assert [str(error) for error in errors] == ["the disk has gone"] * 2
        assert submit(writer, add_tenants, "later").result == "later"
    assert slugs_in(eparch_url) == {"later"}


def test_touched_tables_are_published_before_the_outcomes_are_told(eparch_url: str) -> None:
    happened: list[Any] = []
    ticket = Ticket()

    def deliver(outcome: Any, error: BaseException | None) -> None:
        happened.append(outcome)
        ticket.deliver(outcome, error)

    is_delivered = threading.Event()
    with open_writer(eparch_url, on_commit=happened.append, on_delivered=is_delivered.set) as (writer, _engine):
        writer.submit(Work(add_tenants, "a", None, deliver))
        assert ticket.result == "a"
        assert is_delivered.wait(WAIT_S_MAX)
    assert happened == [frozenset({"tenant"}), "a"]


def test_work_that_changes_nothing_or_fails_publishes_nothing(eparch_url: str) -> None:
    published: list[frozenset[str]] = []
    with open_writer(eparch_url, on_commit=published.append) as (writer, _engine):
        assert submit(writer, alone(lambda tx: tx.scalar(select(func.count()).select_from(tenant)))).result == 0
        submit(writer, add_tenants, "a").wait()
        failed = submit(writer, add_tenants, "a").wait()
        assert isinstance(failed.error, Conflict)
    assert published == [frozenset({"tenant"})]


def test_somebody_who_cannot_be_told_does_not_stop_the_writer(
    eparch_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def unreachable(*_arguments: object) -> None:
        raise RuntimeError("the loop is closed")

    with open_writer(eparch_url, on_commit=unreachable, on_delivered=unreachable) as (writer, _engine):
        with held_up(writer):
            writer.submit(Work(add_tenants, "a", None, unreachable))
            ticket = submit(writer, add_tenants, "b")
        assert ticket.result == "b"
        assert submit(writer, add_tenants, "c").result == "c"
    assert slugs_in(eparch_url) == {"a", "b", "c"}
    assert "could not be told" in caplog.text


def test_now_is_the_time_of_the_clock(eparch_url: str) -> None:
    def tell(tx: Transaction, items: Sequence[Any], now: datetime) -> list[datetime]:
        return [now for _ in items]

    with open_writer(eparch_url) as (writer, _engine):
        assert submit(writer, tell).result == NOW


# ---- Limits and the end ----


def test_work_beyond_the_limit_is_refused_and_the_rest_is_carried_out(eparch_url: str) -> None:
    with open_writer(eparch_url, waiting_max=5) as (writer, _engine):
        with held_up(writer):
            tickets = [submit(writer, add_tenants, f"t{index}") for index in range(5)]
            with pytest.raises(Overloaded, match="too many changes waiting"):
                submit(writer, add_tenants, "one too many")
        for ticket in tickets:
            ticket.wait()
        assert submit(writer, add_tenants, "later").result == "later"
    assert slugs_in(eparch_url) == {"t0", "t1", "t2", "t3", "t4", "later"}


def test_stopping_carries_out_what_was_accepted_and_refuses_the_rest(eparch_url: str) -> None:
    engine = writing_engine(parse_url(eparch_url))
    writer = Writer(engine, clock=lambda: NOW, batch_max=7)
    writer.start()
    tickets = [submit(writer, add_tenants, f"t{index}") for index in range(100)]
    writer.stop()
    engine.dispose()
    assert all(ticket.done.is_set() and ticket.error is None for ticket in tickets)
    assert len(slugs_in(eparch_url)) == 100
    with pytest.raises(Unavailable, match="stopping"):
        submit(writer, add_tenants, "too late")
