"""Retention: deletes what has been kept long enough, so slowly that nobody has to wait for it.

In charge of the pace and of remembering how far it has come; not in charge of what goes (`operations.retention`).

SQLite has one writer, and on PostgreSQL deleting competes for the same disk. So a step deletes no more than takes about
`STEP_S`, and after each step this service rests for as long as the step took: others have at least half of the time.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.engine import Connection

from eparch.core.retention import Group, Kind
from eparch.database.compaction import free_pages, give_back_space
from eparch.database.transactions import Transaction
from eparch.operations.retention import Ended, Page, delete_artifacts, delete_logs, delete_runs, ended_runs, groups_now
from eparch.services.access import Change, Read

logger: Final = logging.getLogger("eparch.services.retention")

PAGE_ROWS_MAX: Final = 2_000
STEP_S: Final = 0.025
_ROWS_MIN, _ROWS_MAX = 20, 5_000
_STEPS_MAX: Final = 2_000
_RUNS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class RetentionCounts:
    """What a pass has come to.

    Attributes:
        looked_at: how many ended flow runs were looked at.
        is_done: whether everything that is due has gone; if not, the next pass begins at once.
    """

    looked_at: int = 0
    runs: int = 0
    logs: int = 0
    artifacts: int = 0
    freed_bytes: int = 0
    is_done: bool = True


class Retention:
    """Deletes what the rules say.

    Args:
        again: called when a pass has left something to do.
        rest: waits so many seconds; a test waits without letting time pass.
        steps_max: how many steps a pass makes at the most.
    """

    def __init__(
        self,
        read: Read,
        change: Change,
        *,
        again: Callable[[], None] = lambda: None,
        rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
        steps_max: int = _STEPS_MAX,
        page_rows_max: int = PAGE_ROWS_MAX,
    ) -> None:
        self._read = read
        self._change = change
        self._again = again
        self._rest = rest
        self._steps_max = steps_max
        self._page_rows_max = page_rows_max
        # How much a step of each kind does, as measured: lines and pages are cheaper than task runs with their states.
        self._sizes = {"runs": 100, "logs": 500, "artifacts": 500, "space": 500}
        self._steps = 0
        self._counts = RetentionCounts()
        # How far each group has been walked. Runs that end later end behind that; another rule is another group.
        self._reached: dict[Group, Ended] = {}

    async def run_once(self, now: datetime) -> RetentionCounts:
        """Delete what is due, up to the most steps of a pass."""
        self._steps, self._counts = 0, RetentionCounts()
        found = await self._read(lambda connection: groups_now(Transaction(connection)))
        self._reached = {group: self._reached[group] for group in found if group in self._reached}
        for group in found:
            await self._free(group, group.cutoff(now))
        if await self._read(lambda connection: free_pages(Transaction(connection))):
            await self._give_back()
        if self._counts.runs or self._counts.logs or self._counts.artifacts:
            logger.info(
                "Deleted %d flow runs, %d log lines and %d artifacts that had been kept long enough.",
                self._counts.runs,
                self._counts.logs,
                self._counts.artifacts,
            )
        if not self._counts.is_done:
            self._again()
        return self._counts

    async def _free(self, group: Group, cutoff: datetime) -> None:
        while self._is_in_time():
            ask = partial(_page, group, cutoff, self._reached.get(group), self._page_rows_max)
            page = await self._read(ask)
            if page.last is None:
                return
            self._note(looked_at=len(page.runs))
            for part in _parts(page.runs, self._sizes["runs"]):
                if not await self._free_runs(group.kind, [run.id for run in part], cutoff):
                    return
            self._reached[group] = page.last

    async def _free_runs(self, kind: Kind, run_ids: list[str], cutoff: datetime) -> bool:
        """Free some runs; return False where something is left for another pass."""
        if kind == "artifacts":
            return await self._until_none("artifacts", partial(delete_artifacts, run_ids=run_ids, cutoff=cutoff))
        # A run may have any number of lines: they go before it, in steps of their own.
        if not await self._until_none("logs", partial(delete_logs, run_ids=run_ids, cutoff=cutoff)):
            return False
        if kind == "logs":
            return True
        if not self._is_in_time():
            return False
        count = await self._step("runs", lambda tx, now: delete_runs(tx, run_ids, cutoff, now))
        self._note(runs=count)
        return count == len(run_ids)

    async def _until_none(self, kind: Kind, delete: Callable[..., int]) -> bool:
        while self._is_in_time():
            rows_max = self._sizes[kind]
            count = await self._step(kind, partial(_delete_at_most, delete, rows_max))
            self._note(**{kind: count})
            if count < rows_max:
                return True
        return False

    async def _step(self, kind: str, function: Callable[[Transaction, datetime], int]) -> int:
        """Carry out one step, set the size of the next by how long it took, and rest as long."""
        took_s = 0.0

        def timed(tx: Transaction, now: datetime) -> int:
            nonlocal took_s
            begun_s = time.perf_counter()
            count = function(tx, now)
            took_s = time.perf_counter() - begun_s
            return count

        count = await self._change(timed)
        self._steps += 1
        size = self._sizes[kind]
        if took_s > 2 * STEP_S:
            self._sizes[kind] = max(_ROWS_MIN, size // 2)
        elif took_s < STEP_S / 2:
            self._sizes[kind] = min(_ROWS_MAX, size * 5 // 4)
        await self._rest(took_s)
        return count

    async def _give_back(self) -> None:
        """Give space back to the operating system, where the database can do that beside others."""
        while self._is_in_time():
            freed = await self._step("space", partial(_give_back_at_most, self._sizes["space"]))
            self._note(freed_bytes=freed)
            if not freed:
                return

    def _is_in_time(self) -> bool:
        if self._steps < self._steps_max:
            return True
        self._counts = replace(self._counts, is_done=False)
        return False

    def _note(self, **more: int) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + by for name, by in more.items()})


def _page(group: Group, cutoff: datetime, after: Ended | None, rows_max: int, connection: Connection) -> Page:
    return ended_runs(Transaction(connection), group, cutoff, after, rows_max=rows_max)


def _delete_at_most(delete: Callable[..., int], rows_max: int, tx: Transaction, _now: datetime) -> int:
    return delete(tx, rows_max=rows_max)


def _give_back_at_most(pages_max: int, tx: Transaction, _now: datetime) -> int:
    return give_back_space(tx, pages_max=pages_max)


def _parts(runs: Sequence[Ended], task_runs_max: int) -> Iterator[list[Ended]]:
    """Yield runs in parts of about so many task runs; a run with more is a part by itself."""
    part: list[Ended] = []
    weight = 0
    for run in runs:
        if part and (weight + run.task_runs + 1 > task_runs_max or len(part) == _RUNS_MAX):
            yield part
            part, weight = [], 0
        part.append(run)
        weight += run.task_runs + 1
    if part:
        yield part
