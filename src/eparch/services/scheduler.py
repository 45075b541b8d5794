"""The Scheduler: keeps the next runs of every active schedule in the database.

In charge of going through all schedules, in pages; not in charge of what a run looks like (`operations.schedules`) nor
of when to start the next pass (`loop`).

What a pass finds missing it looks at again while the flow is locked, so that it does not matter what has changed in
between, or how many servers do the same. Schedules that lack nothing, nearly all of them, are only read.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from eparch.database.transactions import Transaction
from eparch.operations.schedules import RUNS_AHEAD, Counts, Lacking, flows_lacking_runs, schedule_flow_runs
from eparch.services.access import Change, Read

logger: Final = logging.getLogger("eparch.services.scheduler")

# Measured: to look at so many flows takes a reader 20 ms, to make ten runs for each of so many a writer 10 ms.
_READ_MAX: Final = 100
_CHANGED_MAX: Final = 20


class Scheduler:
    """Makes the runs that schedules lack.

    Args:
        runs_ahead: how many future runs of a flow are kept in the database.
        read_max: how many flows are read at once.
        changed_max: how many flows get runs in one transaction.
    """

    def __init__(
        self,
        read: Read,
        change: Change,
        *,
        runs_ahead: int = RUNS_AHEAD,
        read_max: int = _READ_MAX,
        changed_max: int = _CHANGED_MAX,
    ) -> None:
        self._read = read
        self._change = change
        self._runs_ahead = runs_ahead
        self._read_max = read_max
        self._changed_max = changed_max

    async def run_once(self, now: datetime) -> Counts:
        """Go through all active schedules once."""
        flows = flow_runs = failed_flows = 0
        after: str | None = None
        while True:
            page = await self._page(after, now)
            flows += page.counts.flows
            failed_flows += page.counts.failed_flows
            for flow_ids in _chunks(page.flow_ids, self._changed_max):
                made = await self._make_runs(flow_ids, now)
                flow_runs += made.flow_runs
                failed_flows += made.failed_flows
            after = page.last_flow_id
            if after is None:
                break
        if flow_runs:
            logger.info("Scheduled %d flow runs.", flow_runs)
        return Counts(flows, flow_runs, failed_flows)

    async def _page(self, after: str | None, now: datetime) -> Lacking:
        return await self._read(
            lambda connection: flows_lacking_runs(
                Transaction(connection), after, now, runs_ahead=self._runs_ahead, flows_max=self._read_max
            )
        )

    async def _make_runs(self, flow_ids: Sequence[str], now: datetime) -> Counts:
        # A flow that is being changed at this moment is left to the next pass.
        return await self._change(lambda tx, _now: schedule_flow_runs(tx, flow_ids, now, self._runs_ahead, waits=False))


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
