"""Whose turn it is: every server may run every service, and one at a time does.

In charge of keeping leases and of holding back the passes and the writes of a service that has none; not in charge of
the rules of a lease (`operations.leases`) nor of when a pass begins (`loop`).

    keeper = LeaseKeeper(change, holder, wake=...)
    turn = keeper.turn("lazarus", settle_s=120)
    service = Lazarus(read, turn.change, rules)
    Loop("lazarus", turn.guarded(service.run_once), ...)
    Loop("leases", keeper.run_once, interval_s=RENEWAL_S, ...)

A holder that dies is followed within `DURATION_S` and a renewal's interval: 12.3 s.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from eparch.core.errors import EparchError
from eparch.database.figures import LONG_SECONDS, Counts, Distributions
from eparch.database.transactions import Transaction
from eparch.operations.leases import (
    Lease,
    LeaseLost,
    end_other_leases,
    note_pass,
    release_leases,
    require_lease,
    take_leases,
)
from eparch.services.access import Change

logger: Final = logging.getLogger("eparch.services.lease")

T = TypeVar("T")

DURATION_S: Final = 9.0
RENEWAL_S: Final = 3.0


class PassFigures:
    """What is noted about passes.

    Attributes:
        passes: by service and outcome: ok, failed, lease_lost.
        took_s: by service.
    """

    def __init__(self) -> None:
        self.passes = Counts()
        self.took_s = Distributions(LONG_SECONDS)


class Turn:
    """The turn of one service on this server.

    Attributes:
        lease: as last seen; None before the first look.
        last_pass: when the last pass of this server began that came to its end well; None before the first.
        counts: what it came to.
    """

    def __init__(
        self, name: str, change: Change, holder: str, settle_s: float, figures: PassFigures | None = None
    ) -> None:
        self.name = name
        self.lease: Lease | None = None
        self.last_pass: datetime | None = None
        self.counts: object = None
        self._change = change
        self._holder = holder
        self._settle = timedelta(seconds=settle_s)
        self._figures = figures or PassFigures()
        self._token: int | None = None

    def is_mine(self, now: datetime) -> bool:
        """Return whether this server runs the service."""
        lease = self.lease
        return lease is not None and lease.holder == self._holder and lease.expires > now

    def is_settled(self, now: datetime) -> bool:
        """Return whether somebody has run it for so long that silence can be judged."""
        return self.lease is not None and now - self.lease.steady_since >= self._settle

    async def change(self, function: Callable[[Transaction, datetime], T], /) -> T:
        """Change something, if this server still holds the lease as of the beginning of the pass.

        Raises:
            LeaseLost: it does not; nothing is written.
        """
        token = self._token
        assert token is not None, f"{self.name} writes outside a pass"

        def fenced(tx: Transaction, now: datetime) -> T:
            require_lease(tx, self.name, token, now)
            return function(tx, now)

        return await self._change(fenced)

    def guarded(self, run_once: Callable[[datetime], Awaitable[object]]) -> Callable[[datetime], Awaitable[object]]:
        """Return `run_once`, which is passed over where it is another server's turn; its counts are noted."""

        async def guarded(now: datetime) -> object:
            if not (self.is_mine(now) and self.is_settled(now)):
                return None
            assert self.lease is not None
            self._token = self.lease.token
            begun_s, outcome = time.monotonic(), "failed"
            try:
                counts = await run_once(now)
                await self._note(now, counts, None)
                self.last_pass, self.counts, outcome = now, counts, "ok"
            except LeaseLost as error:
                outcome = "lease_lost"
                logger.warning("%s", error)
                return None
            except Exception as error:
                await self._note_failure(now, error)
                raise
            finally:
                self._figures.passes.add(self.name, outcome)
                self._figures.took_s.note(time.monotonic() - begun_s, self.name)
            return counts

        return guarded

    async def _note(self, now: datetime, counts: object, error: str | None) -> None:
        await self.change(lambda tx, _now: note_pass(tx, self.name, now, msgspec.to_builtins(counts), error))

    async def _note_failure(self, now: datetime, error: Exception) -> None:
        try:
            await self._note(now, None, f"{type(error).__name__}: {error}")
        except EparchError as further:
            # The failure itself is told by the loop; that it could not be noted follows from it, as a rule.
            logger.warning("That %s has failed could not be noted: %s", self.name, further)


class LeaseKeeper:
    """Takes and renews the leases of this server's services.

    Args:
        holder: a name that no other process has, nor this one after a new start.
        wake: called with the name of a service whose turn has come.
        is_alone: whether no other process can serve the same database; what others hold is over then.
    """

    def __init__(
        self, change: Change, holder: str, *, wake: Callable[[str], None] = lambda _name: None, is_alone: bool = False
    ) -> None:
        self.holder = holder
        self.turns: dict[str, Turn] = {}
        self.figures = PassFigures()
        self._change = change
        self._wake = wake
        self._ends_others = is_alone
        self._woken: dict[str, int] = {}

    def turn(self, name: str, *, settle_s: float = 0.0) -> Turn:
        """Return the turn of a service, to be taken from now on.

        Args:
            settle_s: how long some server must have held the lease, with no long gap, before a pass is made: for
                services that conclude from silence. After a time without a server everybody seems silent.
        """
        made = self.turns[name] = Turn(name, self._change, self.holder, settle_s, self.figures)
        return made

    async def run_once(self, now: datetime) -> dict[str, Any]:
        """Renew or take leases, and wake services whose turn it is now. Return who holds each."""
        leases, at = await self._change(self._take)
        self._ends_others = False
        for name, turn in self.turns.items():
            turn.lease = leases[name]
            if turn.is_mine(at) and turn.is_settled(at) and self._woken.get(name) != turn.lease.token:
                self._woken[name] = turn.lease.token
                self._wake(name)
        return {name: lease.holder for name, lease in leases.items()}

    async def release(self) -> None:
        """Give the leases back; no pass may run any more. Where that fails they end by themselves."""
        try:
            await self._change(lambda tx, now: release_leases(tx, self.holder, now))
        except EparchError as error:
            logger.warning("The leases could not be given back and end by themselves: %s", error)

    def _take(self, tx: Transaction, now: datetime) -> tuple[dict[str, Lease], datetime]:
        if self._ends_others:
            end_other_leases(tx, self.holder, now)
        return take_leases(tx, self.turns, self.holder, now, DURATION_S), now
