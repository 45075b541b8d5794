"""Queries that are answered again when something has changed.

In charge of when a subscription is answered and whether that is worth sending; not in charge of the protocol by which
it is sent (`sockets`).

A subscription is a query that is asked again: when a commit touches one of its tables it runs once more, at most every
`INTERVAL_S` or as seldom as the client wishes, and its answer is sent if it differs from the last one sent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from eparch.server.answers import Answer
from eparch.server.bus import Bus

INTERVAL_S: Final = 0.25
INTERVAL_S_MAX: Final = 3600.0
RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that is ready to be asked again and again.

    Attributes:
        tables: those whose change can change the answer.
        answer: asks once.
    """

    tables: frozenset[str]
    answer: Callable[[], Awaitable[Answer]]


async def follow(
    subscription: Subscription,
    bus: Bus,
    send: Callable[[bytes], Awaitable[None]],
    *,
    interval_s: float = INTERVAL_S,
) -> None:
    """Send the answer now and whenever it has changed, until cancelled.

    Args:
        send: takes the body of an answer; while it waits, changes are only noted.
        interval_s: how long to wait before asking again, at least.
    """
    last = None
    with bus.listening(subscription.tables) as listener:
        while True:
            answer = await subscription.answer()
            if answer.body != last:
                await send(answer.body)
                last = answer.body
            await asyncio.sleep(interval_s)
            # While the database is away no commit tells that it is back.
            await listener.wait(RETRY_S if answer.status == 503 else None)
