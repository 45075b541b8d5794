"""The loop of a service: when it begins a pass, what it does about a failure, how it ends. No time passes here."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from eparch.services.loop import Loop, wait_for

START = datetime(2026, 3, 2, tzinfo=UTC)


class World:
    """A clock that stands still, and waits that return at once.

    Attributes:
        passes: when each pass began.
        waits: how long the loop wanted to wait, in seconds.
        took_s: how long a pass takes.
        errors: what the next passes fail with.
    """

    def __init__(self, waits_max: int = 3) -> None:
        self.now = START
        self.passes: list[datetime] = []
        self.waits: list[float] = []
        self.took_s = 0.0
        self.errors: list[Exception | None] = []
        self.during: Callable[[], None] = lambda: None
        self._waits_max = waits_max
        self.loop: Loop

    async def run_once(self, now: datetime) -> str:
        assert now == self.now
        self.passes.append(now)
        self.now += timedelta(seconds=self.took_s)
        self.during()
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return f"pass {len(self.passes)}"

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        self.waits.append(timeout_s)
        self.now += timedelta(seconds=timeout_s)
        if len(self.waits) == self._waits_max:
            self.loop.stop()

    def make(
        self,
        *,
        interval_s: float = 60,
        jitter: float = 0.5,
        next_due: Callable[[], datetime | None] = lambda: None,
    ) -> Loop:
        self.loop = Loop(
            "Tester",
            self.run_once,
            interval_s=interval_s,
            clock=lambda: self.now,
            wait=self.wait,
            jitter=lambda: jitter,
            next_due=next_due,
        )
        return self.loop


async def test_passes_begin_an_interval_apart_and_the_first_at_once() -> None:
    world = World()
    world.took_s = 10
    await world.make().run()
    assert [(begun - START).total_seconds() for begun in world.passes] == [0, 60, 120]
    assert world.waits == [50, 50, 50]


@pytest.mark.parametrize(("jitter", "interval_s"), [(0.0, 54), (0.5, 60), (0.999999, 66)])
async def test_an_interval_varies_by_a_tenth(jitter: float, interval_s: float) -> None:
    world = World()
    await world.make(jitter=jitter).run()
    assert world.waits == pytest.approx([interval_s] * 3, abs=0.001)


async def test_a_pass_that_takes_too_long_is_told_and_the_next_begins_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.took_s = 61
    await world.make().run()
    assert world.waits == [0, 0, 0]
    assert "took 61.0 s, which is longer than its interval of 60 s" in caplog.text


async def test_a_clock_that_is_set_back_does_not_stretch_the_interval() -> None:
    world = World()
    world.took_s = -3600
    await world.make().run()
    assert world.waits == [60, 60, 60]


@pytest.mark.parametrize(("due_s", "wait_s"), [(7.5, 7.5), (90, 60), (0, 0.01), (-1000, 0.01)])
async def test_a_service_may_need_its_next_pass_sooner(due_s: float, wait_s: float) -> None:
    world = World(1)
    await world.make(next_due=lambda: world.now + timedelta(seconds=due_s)).run()
    assert world.waits == [wait_s]


async def test_a_failure_is_logged_shown_and_tried_again_less_and_less_often(caplog: pytest.LogCaptureFixture) -> None:
    world = World(waits_max=8)
    world.errors = [RuntimeError("disk")] * 7
    loop = world.make(interval_s=1000, jitter=0.0)
    await loop.run()
    assert world.waits == [0.5, 1, 2, 4, 8, 16, 30, 900]
    assert caplog.text.count("RuntimeError: disk") == 7
    assert (loop.status.failures, loop.status.error, loop.status.counts) == (0, None, "pass 8")


async def test_a_failure_is_visible_until_a_pass_goes_well() -> None:
    world = World(waits_max=2)
    world.errors = [None, RuntimeError("disk")]
    loop = world.make()
    await loop.run()
    status = loop.status
    assert (status.passes, status.failures, status.error) == (2, 1, "RuntimeError: disk")
    assert (status.counts, status.started, status.ended) == ("pass 1", world.passes[1], world.passes[1])


@pytest.mark.parametrize("failures", [1, 40, 4000])
async def test_a_failing_service_is_tried_as_often_as_a_good_one_at_least(failures: int) -> None:
    world = World(waits_max=failures)
    world.errors = [RuntimeError()] * failures
    logging.getLogger("eparch.services").disabled = True
    try:
        await world.make(interval_s=5).run()
    finally:
        logging.getLogger("eparch.services").disabled = False
    assert all(wait <= 5 for wait in world.waits)


async def test_a_wake_during_a_pass_is_not_lost() -> None:
    world = World(waits_max=1)

    def wake_once() -> None:
        if len(world.passes) == 1:
            world.loop.wake()

    world.during = wake_once
    await world.make().run()
    assert len(world.passes) == 2


async def test_a_wake_ends_the_wait() -> None:
    passed = asyncio.Event()

    async def run_once(now: datetime) -> None:
        passed.set()

    loop = Loop("Tester", run_once, interval_s=3600, clock=lambda: START)
    running = asyncio.create_task(loop.run())
    for _ in range(3):
        await passed.wait()
        passed.clear()
        loop.wake()
    loop.stop()
    await running
    assert loop.status.passes >= 3


async def test_a_stop_lets_the_pass_come_to_its_end() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    ends: list[datetime] = []

    async def run_once(now: datetime) -> None:
        begun.set()
        await may_end.wait()
        ends.append(now)

    loop = Loop("Tester", run_once, interval_s=3600, clock=lambda: START)
    running = asyncio.create_task(loop.run())
    await begun.wait()
    loop.stop()
    loop.stop()
    assert not running.done()
    may_end.set()
    await running
    assert ends == [START]


async def test_a_loop_that_was_stopped_before_does_nothing() -> None:
    world = World()
    loop = world.make()
    loop.stop()
    await loop.run()
    assert world.passes == []


@pytest.mark.parametrize("interval_s", [0, -1])
def test_an_interval_is_more_than_nothing(interval_s: float) -> None:
    with pytest.raises(ValueError, match="must be more than 0"):
        World().make(interval_s=interval_s)


async def test_waiting_ends_with_the_event_or_the_time() -> None:
    event = asyncio.Event()
    await wait_for(event, 0.0)
    event.set()
    await wait_for(event, 3600)
