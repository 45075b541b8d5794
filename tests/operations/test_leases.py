"""Leases on both databases: who holds one, when it moves, and that a holder who has overslept writes nothing."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from eparch.core.errors import Unavailable
from eparch.database.tables import flow_run, service_lease
from eparch.database.transactions import Transaction
from eparch.operations.leases import Lease, LeaseLost, release_leases, require_lease, take_leases
from eparch.services.lease import DURATION_S, RENEWAL_S, LeaseKeeper, Turn
from tests.operations.backend import Backend
from tests.operations.rescue_world import RULES, World, opened_world


def take(backend: Backend, holder: str, *names: str) -> dict[str, Lease]:
    with backend.transaction() as tx:
        return take_leases(tx, names or ("lazarus",), holder, backend.now, 9)


def require(backend: Backend, token: int) -> None:
    with backend.transaction() as tx:
        require_lease(tx, "lazarus", token, backend.now)


def test_one_takes_it_and_keeps_it_while_it_renews(backend: Backend) -> None:
    assert take(backend, "one")["lazarus"].holder == "one"
    for _ in range(5):
        backend.move_clock(seconds=8)
        assert take(backend, "two")["lazarus"].holder == "one"
        lease = take(backend, "one")["lazarus"]
        assert (lease.holder, lease.token, lease.expires) == ("one", 1, backend.now + timedelta(seconds=9))
    require(backend, 1)


def test_a_lease_that_is_over_moves_and_the_token_grows(backend: Backend) -> None:
    take(backend, "one")
    backend.move_clock(seconds=9)
    assert take(backend, "two")["lazarus"].token == 2
    require(backend, 2)
    with pytest.raises(LeaseLost):
        require(backend, 1)
    assert take(backend, "one")["lazarus"].holder == "two"


def test_whoever_has_overslept_writes_nothing_even_if_nobody_came(backend: Backend) -> None:
    take(backend, "one")
    backend.move_clock(seconds=9)
    with pytest.raises(LeaseLost):
        require(backend, 1)
    assert take(backend, "one")["lazarus"].token == 2
    with pytest.raises(LeaseLost):
        require(backend, 1)


def test_what_is_given_back_can_be_taken_at_once(backend: Backend) -> None:
    take(backend, "one", "lazarus", "scheduler")
    backend.move_clock(seconds=1)
    with backend.transaction() as tx:
        release_leases(tx, "two", backend.now)
    assert take(backend, "two")["lazarus"].holder == "one"
    with backend.transaction() as tx:
        release_leases(tx, "one", backend.now)
    leases = take(backend, "two", "lazarus", "scheduler")
    assert {lease.holder for lease in leases.values()} == {"two"}


def test_a_long_gap_is_noted_and_a_short_one_is_not(backend: Backend) -> None:
    begun = backend.now
    take(backend, "one")
    backend.move_clock(seconds=9 + 30)
    assert take(backend, "two")["lazarus"].steady_since == begun
    backend.move_clock(seconds=9 + 30.001)
    assert take(backend, "two")["lazarus"].steady_since == backend.now


def test_of_many_that_ask_at_once_one_gets_it(backend: Backend) -> None:
    take(backend, "first")
    backend.move_clock(minutes=1)
    held: dict[str, Lease] = {}
    barrier = threading.Barrier(4)

    def ask(name: str) -> None:
        barrier.wait()
        held[name] = take(backend, name)["lazarus"]

    threads = [threading.Thread(target=ask, args=(f"server-{index}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({lease.holder for lease in held.values()}) == 1
    assert {lease.token for lease in held.values()} == {2}


# ---- servers ----


class Server:
    """A server with one service, whose passes write something.

    Attributes:
        is_cut_off: whether its changes fail, as when it is dead, paused or has no network.
        before_write: called in a pass before it writes.
    """

    def __init__(self, backend: Backend, name: str, *, settle_s: float = 0.0, is_alone: bool = False) -> None:
        self.backend = backend
        self.is_cut_off = False
        self.before_write: Callable[[], Any] = lambda: None
        self.error: Exception | None = None
        self.woken: list[str] = []
        self.written = 0
        self.keeper = LeaseKeeper(self.change, name, wake=self.woken.append, is_alone=is_alone)
        self.turn: Turn = self.keeper.turn("lazarus", settle_s=settle_s)
        self._run = self.turn.guarded(self.work)

    async def change(self, function: Callable[[Transaction, datetime], Any]) -> Any:
        if self.is_cut_off:
            raise Unavailable("no database")
        with self.backend.transaction() as tx:
            return function(tx, self.backend.now)

    async def work(self, _now: datetime) -> dict[str, int]:
        if self.error is not None:
            raise self.error
        self.before_write()
        await self.turn.change(lambda tx, _now: tx.execute(flow_run.update().values(name="seen")))
        self.written += 1
        return {"written": self.written}

    async def renew(self) -> None:
        await self.keeper.run_once(self.backend.now)

    async def run(self) -> object:
        return await self._run(self.backend.now)


async def test_a_pass_is_made_by_the_holder_alone(backend: Backend) -> None:
    one, two = Server(backend, "one"), Server(backend, "two")
    assert await one.run() is None
    await one.renew()
    await two.renew()
    assert (one.woken, two.woken) == (["lazarus"], [])
    assert await one.run() == {"written": 1}
    assert await two.run() is None
    (row,) = backend.rows(service_lease)
    assert (row["holder"], row["last_pass"], row["counts"]) == ("one", backend.now, {"written": 1})


async def test_a_dead_holder_is_followed_within_15_s(backend: Backend) -> None:
    one, two = Server(backend, "one"), Server(backend, "two")
    await one.renew()
    died = backend.now
    # The worst case: the other has looked just before the end, and its interval is a tenth longer.
    backend.move_clock(seconds=DURATION_S - 0.001)
    await two.renew()
    backend.move_clock(seconds=RENEWAL_S * 1.1)
    await two.renew()
    assert two.woken == ["lazarus"]
    assert await two.run() == {"written": 1}
    assert (backend.now - died).total_seconds() < 15


async def test_a_holder_that_is_paused_in_the_middle_of_a_pass_writes_nothing(backend: Backend) -> None:
    one, two = Server(backend, "one"), Server(backend, "two")
    await one.renew()

    def pause() -> None:
        backend.move_clock(minutes=5)
        with backend.transaction() as tx:
            take_leases(tx, ["lazarus"], "two", backend.now, DURATION_S)

    one.before_write = pause
    assert await one.run() is None
    assert one.written == 0
    await two.renew()
    assert await two.run() == {"written": 1}
    await one.renew()
    assert await one.run() is None


async def test_a_holder_that_renews_after_a_pause_does_not_go_on_with_the_old_pass(backend: Backend) -> None:
    one = Server(backend, "one")
    await one.renew()

    def pause() -> None:
        backend.move_clock(minutes=5)
        take(backend, "one")

    one.before_write = pause
    assert await one.run() is None
    assert one.written == 0
    one.before_write = lambda: None
    await one.renew()
    assert await one.run() == {"written": 1}


async def test_a_failure_is_noted_beside_the_last_counts_and_told(backend: Backend) -> None:
    one = Server(backend, "one")
    await one.renew()
    await one.run()
    one.error = ValueError("no such thing")
    with pytest.raises(ValueError, match="no such thing"):
        await one.run()
    (row,) = backend.rows(service_lease)
    assert (row["last_error"], row["counts"]) == ("ValueError: no such thing", {"written": 1})
    one.error = None
    await one.run()
    (row,) = backend.rows(service_lease)
    assert (row["last_error"], row["counts"]) == (None, {"written": 2})


async def test_everybody_may_ask_how_the_services_are(backend: Backend) -> None:
    assert backend.run("service") == []
    one = Server(backend, "one")
    await one.renew()
    await one.run()
    begun = backend.now
    (shown,) = backend.run("service")
    wanted = {"name": "lazarus", "holder": "one", "last_pass": begun, "counts": {"written": 1}, "last_error": None}
    assert wanted.items() <= shown.items()
    backend.move_clock(seconds=DURATION_S)
    assert backend.run("service")[0]["holder"] is None


async def test_without_a_database_the_failure_itself_is_told(backend: Backend) -> None:
    one = Server(backend, "one")
    await one.renew()
    one.is_cut_off = True
    with pytest.raises(Unavailable):
        await one.run()
    await one.keeper.release()


async def test_silence_is_not_judged_after_a_time_without_a_server(backend: Backend) -> None:
    one = Server(backend, "one", settle_s=120)
    await one.renew()
    backend.move_clock(hours=1)
    for _ in range(40):
        await one.renew()
        assert await one.run() is None
        backend.move_clock(seconds=3)
    await one.renew()
    assert one.woken == ["lazarus"]
    assert await one.run() == {"written": 1}
    # Another server goes on where this one ends.
    two = Server(backend, "two", settle_s=120)
    await one.keeper.release()
    backend.move_clock(seconds=5)
    await two.renew()
    assert await two.run() == {"written": 1}


async def test_a_server_that_is_alone_need_not_wait_for_the_one_before(backend: Backend) -> None:
    await Server(backend, "one").renew()
    backend.move_clock(seconds=1)
    two = Server(backend, "two", is_alone=True)
    await two.renew()
    assert await two.run() == {"written": 1}


# ---- real services ----


@pytest.fixture
def world(backend: Backend) -> Iterator[World]:
    with opened_world(backend) as made:
        yield made


async def test_a_lease_that_moves_during_a_pass_of_lazarus_leaves_the_runs_to_the_new_holder(world: World) -> None:
    run_id = world.start()
    keeper = LeaseKeeper(world.change, "one")
    turn = keeper.turn("lazarus")
    world.backend.move_clock(hours=1)
    await keeper.run_once(world.backend.now)
    world.before_change = lambda: world.backend.move_clock(seconds=10)
    service = turn.guarded(type(world.lazarus)(world.read, turn.change, RULES).run_once)
    assert await service(world.backend.now) is None
    assert world.state(run_id) == "Running"
    world.before_change = lambda: None
    await keeper.run_once(world.backend.now)
    await service(world.backend.now)
    assert world.state(run_id) == "Scheduled"
