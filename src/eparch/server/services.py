"""The services that run beside the API in this process.

In charge of starting and stopping their loops, of waking them, and of saying how they are; not in charge of what they
do (`eparch.services`) nor of whose turn it is (`eparch.services.lease`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Final

import msgspec

from eparch.core.instants import timestamp_text
from eparch.core.rescue import RescueRules
from eparch.database.engines import parse_url
from eparch.database.readers import Readers
from eparch.server.bus import Bus
from eparch.server.changes import Changes
from eparch.server.settings import Settings
from eparch.server.traces import NO_TRACER, Tracer
from eparch.server.vault import Vault
from eparch.services.backfiller import Backfiller
from eparch.services.dispatcher import Dispatcher
from eparch.services.lazarus import Lazarus
from eparch.services.lease import RENEWAL_S, LeaseKeeper, PassFigures, Turn
from eparch.services.loop import Loop
from eparch.services.retention import Retention
from eparch.services.scheduler import Scheduler
from eparch.services.secret_keeper import SecretKeeper
from eparch.services.zombie_killer import ZombieKiller

# A service that fails this many times in a row is shown as failing; one failure may be a lost connection.
_FAILURES_MAX: Final = 3


SERVICES: Final = (
    "scheduler",
    "dispatcher",
    "backfiller",
    "lazarus",
    "zombie_killer",
    "secret_keeper",
    "retention",
)
"""The names of all services."""


class Services:
    """The services of this process; none where the settings say so.

    Args:
        process: the name under which this process holds leases.
        names: which of them; this process leaves the others to others.
    """

    def __init__(
        self,
        settings: Settings,
        readers: Readers,
        changes: Changes,
        bus: Bus,
        vault: Vault,
        *,
        process: str,
        clock: Callable[[], datetime],
        tracer: Tracer = NO_TRACER,
        names: Collection[str] = SERVICES,
    ) -> None:
        self._names = names
        self._tracer = tracer
        self._settings = settings
        self._read = readers.run
        self._bus = bus
        self._vault = vault
        self._clock = clock
        self._running: list[asyncio.Task[None]] = []
        self._waking: list[asyncio.Task[None]] = []
        self._loops: dict[str, Loop] = {}
        self._wanted: dict[str, Callable[[str], bool]] = {}
        # A SQLite file belongs to one server, so whoever held the leases before has ended.
        is_alone = parse_url(settings.database_url).get_backend_name() == "sqlite"
        self._keeper = LeaseKeeper(changes.perform, process, wake=self._wake, is_alone=is_alone)
        if settings.services_enabled:
            self._add_all()

    def start(self) -> None:
        """Begin: each service makes its first pass as soon as its turn has come."""
        if not self._loops:
            return
        self._running = [asyncio.create_task(loop.run()) for loop in (self._leases, *self._loops.values())]
        self._waking = [
            asyncio.create_task(self._wake_by_event(name, event))
            for name, events in _EVENTS.items()
            for event in events
            if name in self._loops
        ]

    async def stop(self) -> None:
        """Let passes that have begun come to their end, and give the leases back."""
        for task in self._waking:
            task.cancel()
        for loop in self._loops.values():
            loop.stop()
        # The leases are kept until the last pass has ended.
        await asyncio.gather(*self._running[1:])
        if self._running:
            self._leases.stop()
            await self._running[0]
            await self._keeper.release()

    def report(self) -> dict[str, Any]:
        """Return how each service is: whose turn, passes, failures in a row, last pass, what it came to."""
        return {name: _report(loop, self._keeper.turns[name], self._clock()) for name, loop in self._loops.items()}

    @property
    def figures(self) -> PassFigures:
        """What has been noted about passes on this server."""
        return self._keeper.figures

    @property
    def turns(self) -> dict[str, bool]:
        """Whether it is this server's turn, by service."""
        now = self._clock()
        return {name: turn.is_mine(now) for name, turn in self._keeper.turns.items()}

    def _add_all(self) -> None:
        settings = self._settings
        rules = RescueRules(
            heartbeat_timeout_s=settings.heartbeat_timeout_s,
            heartbeat_lease_s=settings.heartbeat_lease_s,
            resurrections_max=settings.resurrection_attempts_max,
            grace_s=settings.left_task_runs_grace_s,
        )
        settle_s = settings.heartbeat_settle_s
        turn = self._keeper.turn("scheduler")
        scheduler = Scheduler(
            self._read, turn.change, runs_ahead=settings.runs_ahead, interval_s=settings.scheduler_interval_s
        )
        self._add(turn, scheduler.run_once, settings.scheduler_interval_s)
        turn = self._keeper.turn("lazarus", settle_s=settle_s)
        lazarus = Lazarus(self._read, turn.change, rules)
        self._add(turn, lazarus.run_once, settings.lazarus_interval_s)
        turn = self._keeper.turn("zombie_killer", settle_s=settle_s)
        zombie_killer = ZombieKiller(self._read, turn.change, rules)
        self._add(turn, zombie_killer.run_once, settings.zombie_killer_interval_s)
        turn = self._keeper.turn("secret_keeper")
        secret_keeper = SecretKeeper(self._read, turn.change, self._vault.refresh)
        self._add(turn, secret_keeper.run_once, settings.secret_keeper_interval_s)
        turn = self._keeper.turn("dispatcher")
        dispatcher = Dispatcher(self._read, turn.change)
        self._add(turn, dispatcher.run_once, _DISPATCH_S, next_due=lambda: dispatcher.next_due)
        self._wanted["dispatcher"] = lambda event: event != "flow_run_ended" or dispatcher.waits_for_ends
        turn = self._keeper.turn("backfiller")
        backfiller = Backfiller(self._read, turn.change)
        self._add(turn, backfiller.run_once, _DISPATCH_S)
        self._wanted["backfiller"] = lambda event: event != "flow_run_ended" or backfiller.waits_for_ends
        turn = self._keeper.turn("retention")
        retention = Retention(self._read, turn.change, again=lambda: self._wake("retention"))
        self._add(turn, retention.run_once, settings.retention_interval_s)
        for name in self._loops.keys() - set(self._names):
            del self._loops[name], self._keeper.turns[name]
        self._leases = Loop("leases", self._keeper.run_once, interval_s=RENEWAL_S, clock=self._clock)

    def _add(
        self,
        turn: Turn,
        run_once: Callable[[datetime], Awaitable[object]],
        interval_s: float,
        *,
        next_due: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        assert turn.name in SERVICES, f"{turn.name} is missing in the list of services"

        async def traced(now: datetime) -> object:
            with self._tracer.span(f"pass of {turn.name}"):
                return await run_once(now)

        self._loops[turn.name] = Loop(
            turn.name,
            turn.guarded(traced),
            interval_s=interval_s,
            clock=self._clock,
            # What another server's turn it is, is not due here.
            next_due=lambda: next_due() if turn.is_mine(self._clock()) else None,
        )

    def _wake(self, name: str) -> None:
        self._loops[name].wake()

    async def _wake_by_event(self, name: str, event: str) -> None:
        """Begin a pass when something has changed that concerns a service, instead of after minutes."""
        is_wanted = self._wanted.get(name)
        with self._bus.listening((event,)) as listener:
            while True:
                await listener.wait()
                if is_wanted is None or is_wanted(event):
                    self._wake(name)


_EVENTS: Final = {
    "scheduler": ("flow", "flow_group"),
    "dispatcher": ("held", "flow_run_ended"),
    "backfiller": ("backfill", "flow_run_ended"),
    "retention": ("retention_rule",),
}
_DISPATCH_S: Final = 10.0


def _report(loop: Loop, turn: Turn, now: datetime) -> dict[str, Any]:
    return {
        "status": "failing" if loop.status.failures >= _FAILURES_MAX else "ok",
        "holder": None if turn.lease is None else turn.lease.holder,
        "is_mine": turn.is_mine(now),
        "passes": loop.status.passes,
        "failures": loop.status.failures,
        "last_pass": None if turn.last_pass is None else timestamp_text(turn.last_pass),
        "counts": msgspec.to_builtins(turn.counts),
        "error": loop.status.error,
    }
