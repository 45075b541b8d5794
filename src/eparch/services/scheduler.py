"""The Scheduler: keeps the next runs of every active schedule in the database.

In charge of which schedules are looked at, and in what portions; not in charge of what a run looks like
(`operations.schedule_runs`) nor of when to start the next pass (`loop`).

When the runs of a schedule are made, the instant at which it lacks some again is noted with it. A pass asks an index
for those that are due, so that ten thousand schedules cost it no more than the few that lack something.

Once an hour, and when a server begins, a pass goes through all of them instead. It finds what no note tells: runs that
somebody has deleted, another setting, a schedule that could not be carried out. Schedules that lack nothing are only
read; those that do are looked at again while the flow is locked, so that it does not matter what has changed in
between, or how many servers do the same.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from eparch.core.schedules import Span
from eparch.database.transactions import Transaction
from eparch.operations.schedule_runs import (
    RUNS_AHEAD,
    Counts,
    Lacking,
    due_flows,
    flows_lacking_runs,
    schedule_flow_runs,
)
from eparch.services.access import Change, Read

logger: Final = logging.getLogger("eparch.services.scheduler")

# Measured: to look at so many flows takes a reader 20 ms, to make ten runs for each of so many a writer 10 ms.
_READ_MAX: Final = 100
_CHANGED_MAX: Final = 20
_DUE_MAX: Final = 50_000
_FULL_INTERVAL: Final = timedelta(hours=1)


class Scheduler:
    """Makes the runs that schedules lack.

    Args:
        runs_ahead: how many future runs of a flow are kept in the database at least.
        interval_s: how long it may be until the next pass; schedules of short intervals get enough runs for some.
        read_max: how many flows are read at once.
        changed_max: how many flows get runs in one transaction.
    """

    def __init__(
        self,
        read: Read,
        change: Change,
        *,
        runs_ahead: int = RUNS_AHEAD,
        interval_s: float = 60.0,
        read_max: int = _READ_MAX,
        changed_max: int = _CHANGED_MAX,
    ) -> None:
        self._read = read
        self._change = change
        self._span = Span(runs_ahead, max(Span().length, timedelta(seconds=5 * interval_s)))
        self._read_max = read_max
        self._changed_max = changed_max
        self._last_full: datetime | None = None

    async def run_once(self, now: datetime) -> Counts:
        """Make the runs that are lacking: of the schedules that are due, or of all of them from time to time."""
        is_full = self._last_full is None or not timedelta() <= now - self._last_full < _FULL_INTERVAL
        counts = await (self._all(now) if is_full else self._due(now))
        if is_full:
            self._last_full = now
        if counts.flow_runs:
            logger.info("Scheduled %d flow runs.", counts.flow_runs)
        return counts

    async def _due(self, now: datetime) -> Counts:
        flow_ids = await self._read(
            lambda connection: due_flows(Transaction(connection), now, flows_max=_DUE_MAX),
        )
        return await self._make_runs(flow_ids, now, Counts(flows=len(flow_ids)))

    async def _all(self, now: datetime) -> Counts:
        counts = Counts()
        after: str | None = None
        while True:
            page = await self._page(after, now)
            seen = Counts(
                counts.flows + page.counts.flows,
                counts.flow_runs,
                counts.failed_flows + page.counts.failed_flows,
            )
            counts = await self._make_runs(page.flow_ids, now, seen)
            after = page.last_flow_id
            if after is None:
                return counts

    async def _page(self, after: str | None, now: datetime) -> Lacking:
        return await self._read(
            lambda connection: flows_lacking_runs(
                Transaction(connection), after, now, span=self._span, flows_max=self._read_max
            )
        )

    async def _make_runs(self, flow_ids: Sequence[str], now: datetime, counts: Counts) -> Counts:
        """Make the runs of flows, a few in each transaction; return `counts` with what that has come to."""
        flow_runs, failed_flows = counts.flow_runs, counts.failed_flows
        for part in _chunks(flow_ids, self._changed_max):
            made = await self._make_some(part, now)
            flow_runs += made.flow_runs
            failed_flows += made.failed_flows
        return Counts(counts.flows, flow_runs, failed_flows)

    async def _make_some(self, flow_ids: Sequence[str], now: datetime) -> Counts:
        # A flow that is being changed at this moment is left to the next pass.
        return await self._change(lambda tx, _now: schedule_flow_runs(tx, flow_ids, now, self._span, waits=False))


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
