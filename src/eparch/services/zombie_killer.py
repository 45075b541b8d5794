"""The ZombieKiller: ends runs that are said to be running and that nobody carries out any more.

In charge of going through them, a few in each transaction; not in charge of which they are and what becomes of them
(`operations.reaping`, `operations.rescue`).

Three kinds, in this order: task runs of silent flow runs, flow runs that were asked to stop and are silent, and task
runs that still wait although their flow run has ended. The last are found by when their flow run ended: the first
pass looks back a day, each later one as far as the one before it, and a little further for those that were locked.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from eparch.core.errors import EparchError
from eparch.core.rescue import RescueRules
from eparch.database.transactions import Transaction
from eparch.operations.reaping import Reaped, left_task_runs, reap, silent_task_runs
from eparch.operations.rescue import end_cancelling, silent_cancelling
from eparch.services.access import Change, Read
from eparch.services.rescuing import CHANGED_MAX, READ_MAX, in_parts

logger: Final = logging.getLogger("eparch.services.zombie_killer")

_LOOK_BACK: Final = timedelta(days=1)
_OVERLAP: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ZombieKillerCounts:
    """What a pass has come to.

    Attributes:
        found: how many runs looked as if nobody carried them out.
        retrying: how many task runs of silent flow runs wait for a retry.
        failed: how many task runs of silent flow runs failed.
        closed: how many task runs were closed after their flow run's end.
        cancelling_ended: how many flow runs that were asked to stop were ended.
        stuck: how many could not be changed; the log of the server says why.
    """

    found: int = 0
    retrying: int = 0
    failed: int = 0
    closed: int = 0
    cancelling_ended: int = 0
    stuck: int = 0


class ZombieKiller:
    """Ends runs that have fallen silent.

    Args:
        read_max: how many runs of each kind are looked at in one pass.
        changed_max: how many are changed in one transaction.
    """

    def __init__(
        self,
        read: Read,
        change: Change,
        rules: RescueRules,
        *,
        read_max: int = READ_MAX,
        changed_max: int = CHANGED_MAX,
    ) -> None:
        self._read = read
        self._change = change
        self._rules = rules
        self._read_max = read_max
        self._changed_max = changed_max
        self._closed_until: datetime | None = None

    async def run_once(self, now: datetime) -> ZombieKillerCounts:
        """Go through all silent runs once."""
        rules, limit = self._rules, self._read_max
        silent = await self._found(lambda tx: silent_task_runs(tx, now, rules, limit=limit))
        reaped, stuck_task_runs = await self._reaped(silent)
        cancelling = await self._found(lambda tx: silent_cancelling(tx, now, rules, limit=limit))
        ended, stuck_flow_runs = await self._ended(cancelling)
        until = rules.ended_since(now)
        after = until - _LOOK_BACK if self._closed_until is None else self._closed_until - _OVERLAP
        left = await self._found(lambda tx: left_task_runs(tx, after, until, limit=limit))
        closed, stuck_left = await self._reaped(left)
        if len(left) < limit:
            self._closed_until = until
        counts = ZombieKillerCounts(
            found=len(silent) + len(cancelling) + len(left),
            retrying=reaped.retrying,
            failed=reaped.failed,
            closed=reaped.closed + closed.closed,
            cancelling_ended=ended,
            stuck=stuck_task_runs + stuck_flow_runs + stuck_left,
        )
        if counts.found:
            logger.info("Looked after runs that nobody carries out: %s", counts)
        return counts

    async def _found(self, find: Callable[[Transaction], list[str]]) -> list[str]:
        return await self._read(lambda connection: find(Transaction(connection)))

    async def _reaped(self, run_ids: Sequence[str]) -> tuple[Reaped, int]:
        total, stuck = Reaped(), 0
        async for outcome in in_parts(
            self._change, run_ids, lambda tx, part, at: reap(tx, part, at, self._rules), size=self._changed_max
        ):
            if isinstance(outcome, EparchError):
                stuck += 1
            else:
                total += outcome
        return total, stuck

    async def _ended(self, run_ids: Sequence[str]) -> tuple[int, int]:
        total = stuck = 0
        async for outcome in in_parts(
            self._change,
            run_ids,
            lambda tx, part, at: end_cancelling(tx, part, at, self._rules),
            size=self._changed_max,
        ):
            if isinstance(outcome, EparchError):
                stuck += 1
            else:
                total += outcome
        return total, stuck
