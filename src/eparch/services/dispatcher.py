"""The Dispatcher: judges scheduled runs that are held until they are due.

In charge of going through the flow groups that have such runs, a few in each transaction, and of knowing when the next
one is due; not in charge of the verdict (`operations.judging`).
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from eparch.database.transactions import Transaction
from eparch.operations.judging import Judged, groups_to_judge, judge_groups, next_held
from eparch.services.access import Change, Read

logger: Final = logging.getLogger("eparch.services.dispatcher")

_GROUPS_MAX: Final = 1000
_CHANGED_MAX: Final = 10
_RETRY: Final = timedelta(seconds=1)


class Dispatcher:
    """Lets held runs through, or says why not.

    Attributes:
        next_due: when the next pass is needed at the latest; None where nothing is held.
        waits_for_ends: whether some run waits for another one to end.

    Args:
        groups_max: how many flow groups are judged in one pass.
        changed_max: how many are judged in one transaction.
    """

    def __init__(
        self, read: Read, change: Change, *, groups_max: int = _GROUPS_MAX, changed_max: int = _CHANGED_MAX
    ) -> None:
        self.next_due: datetime | None = None
        self.waits_for_ends = True
        self._read = read
        self._change = change
        self._groups_max = groups_max
        self._changed_max = changed_max

    async def run_once(self, now: datetime) -> Judged:
        """Judge what is due once."""
        # Until the pass is over a run that ends may be the one that something waits for.
        self.waits_for_ends = True
        groups = await self._read(
            lambda connection: groups_to_judge(Transaction(connection), now, limit=self._groups_max)
        )
        judged = Judged()
        for start in range(0, len(groups), self._changed_max):
            judged += await self._judge(groups[start : start + self._changed_max], now)
        due = await self._read(lambda connection: next_held(Transaction(connection), now))
        if judged.left_groups:
            # Whoever holds them will be done in a moment.
            due = min(due or now + _RETRY, now + _RETRY)
        self.next_due = due
        self.waits_for_ends = judged.held > 0
        if judged.skipped or judged.cancelled:
            logger.info("Of scheduled runs %d were skipped and %d cancelled.", judged.skipped, judged.cancelled)
        return judged

    async def _judge(self, group_ids: list[str], now: datetime) -> Judged:
        return await self._change(lambda tx, _now: judge_groups(tx, group_ids, now))
