"""What Lazarus and ZombieKiller have in common: ask which runs look lost, then act on them a few at a time.

In charge of parting a long list into short transactions, and of keeping one run that cannot be rescued from the
others; not in charge of what is done to a run (`operations.rescue`, `operations.reaping`).
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from eparch.core.errors import EparchError, Overloaded, Unavailable
from eparch.database.transactions import Transaction
from eparch.services.access import Change

logger: Final = logging.getLogger("eparch.services.rescue")

T = TypeVar("T")

READ_MAX: Final = 10_000
"""How many runs of one kind are looked at in one pass; the rest is left to the next one."""

CHANGED_MAX: Final = 200
"""How many runs are changed in one transaction."""


async def in_parts(
    change: Change,
    run_ids: Sequence[str],
    act: Callable[[Transaction, Sequence[str], datetime], T],
    *,
    size: int = CHANGED_MAX,
) -> AsyncIterator[T | EparchError]:
    """Let `act` change runs, `size` in one transaction and at its instant; yield what each transaction came to.

    Where runs cannot be changed together each is tried alone, and those that fail are told and yield their error.

    Raises:
        EparchError: the database cannot be written at all.
    """
    for start in range(0, len(run_ids), size):
        part = run_ids[start : start + size]
        try:
            yield await _acted(change, part, act)
        except (Overloaded, Unavailable):
            raise
        except EparchError as error:
            if len(part) == 1:
                logger.error("Run %s cannot be rescued: %s", part[0], error)
                yield error
                continue
            async for outcome in in_parts(change, part, act, size=1):
                yield outcome


async def _acted(change: Change, run_ids: Sequence[str], act: Callable[[Transaction, Sequence[str], datetime], T]) -> T:
    def function(tx: Transaction, now: datetime) -> Any:
        return act(tx, run_ids, now)

    outcome: T = await change(function)
    return outcome
