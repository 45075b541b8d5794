"""Lazarus: brings back flow runs that nobody carries out any more.

In charge of going through them, a few in each transaction; not in charge of which they are and what becomes of them
(`operations.rescue`).
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eparch.core.errors import EparchError
from eparch.core.rescue import RescueRules
from eparch.database.transactions import Transaction
from eparch.operations.rescue import resurrect, silent_flow_runs
from eparch.services.access import Change, Read
from eparch.services.rescuing import CHANGED_MAX, READ_MAX, in_parts

logger: Final = logging.getLogger("eparch.services.lazarus")


@dataclass(frozen=True, slots=True)
class LazarusCounts:
    """What a pass has come to.

    Attributes:
        found: how many flow runs looked as if nobody carried them out.
        resurrected: how many were scheduled anew.
        failed: how many had had their chances and failed.
        stuck: how many could not be changed; the log of the server says why.
    """

    found: int = 0
    resurrected: int = 0
    failed: int = 0
    stuck: int = 0


class Lazarus:
    """Schedules flow runs anew that have fallen silent.

    Args:
        read_max: how many flow runs are looked at in one pass, the longest silent first.
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

    async def run_once(self, now: datetime) -> LazarusCounts:
        """Go through all silent flow runs once."""
        rules, limit = self._rules, self._read_max
        found = await self._read(lambda connection: silent_flow_runs(Transaction(connection), now, rules, limit=limit))
        resurrected = failed = stuck = 0
        async for outcome in in_parts(
            self._change, found, lambda tx, part, at: resurrect(tx, part, at, rules), size=self._changed_max
        ):
            if isinstance(outcome, EparchError):
                stuck += 1
            else:
                resurrected += outcome.resurrected
                failed += outcome.failed
        if resurrected or failed:
            logger.info("Of %d silent flow runs %d were rescheduled, %d failed.", len(found), resurrected, failed)
        return LazarusCounts(len(found), resurrected, failed, stuck)
