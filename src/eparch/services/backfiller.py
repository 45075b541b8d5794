"""The Backfiller: lets backfills go on as their runs end.

In charge of going through those that have not ended; not in charge of a step (`operations.backfill_runs`).
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eparch.core.errors import EparchError
from eparch.database.transactions import Transaction
from eparch.operations.backfill_runs import Step, advance, running_backfills
from eparch.operations.leases import LeaseLost
from eparch.services.access import Change, Read

logger: Final = logging.getLogger("eparch.services.backfiller")

_BACKFILLS_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class BackfillCounts:
    """What a pass has come to.

    Attributes:
        backfills: how many had not ended.
        flow_runs: how many runs were made.
        ended: how many backfills ended.
        stuck: how many could not go on; the log of the server says why.
    """

    backfills: int = 0
    flow_runs: int = 0
    ended: int = 0
    stuck: int = 0


class Backfiller:
    """Makes the runs of backfills.

    Attributes:
        waits_for_ends: whether a backfill waits for some of its runs to end.

    Args:
        backfills_max: how many are looked at in one pass, the oldest first.
    """

    def __init__(self, read: Read, change: Change, *, backfills_max: int = _BACKFILLS_MAX) -> None:
        self.waits_for_ends = True
        self._read = read
        self._change = change
        self._backfills_max = backfills_max

    async def run_once(self, now: datetime) -> BackfillCounts:
        """Let each backfill that has not ended go on as far as it can."""
        # Until the pass is over a run that ends may be the one that something waits for.
        self.waits_for_ends = True
        running = await self._read(
            lambda connection: running_backfills(Transaction(connection), limit=self._backfills_max)
        )
        flow_runs = ended = stuck = 0
        for backfill_id, group_id in running:
            try:
                step = Step(has_more=True)
                while step.has_more:
                    step = await self._step(backfill_id, group_id)
                    flow_runs += step.flow_runs
                ended += step.has_ended
            except LeaseLost:
                raise
            except EparchError as error:
                logger.warning("Backfill %s cannot go on now: %s", backfill_id, error)
                stuck += 1
        self.waits_for_ends = len(running) > ended
        return BackfillCounts(len(running), flow_runs, ended, stuck)

    async def _step(self, backfill_id: str, group_id: str) -> Step:
        return await self._change(lambda tx, now: advance(tx, backfill_id, group_id, now))
