"""What has just changed, told to whoever waits for it.

In charge of waking subscriptions and long-polls of this process; not in charge of finding changes (the writer notes
which tables each commit touched) nor of other replicas.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Listener:
    """Somebody who waits for changes of some tables. A change that comes between two waits is not lost."""

    def __init__(self, tables: Iterable[str]) -> None:
        self.tables = frozenset(tables)
        self._changed = asyncio.Event()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for a change since the last wait; return False if none came within `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def wake(self) -> None:
        """Let the wait end."""
        self._changed.set()


class Bus:
    """All listeners of this process. Use it from the event loop's thread only."""

    def __init__(self) -> None:
        self._by_table: dict[str, set[Listener]] = {}

    @contextmanager
    def listening(self, tables: Iterable[str]) -> Iterator[Listener]:
        """Give a listener that is woken by changes of `tables` until the block ends."""
        listener = Listener(tables)
        for table in listener.tables:
            self._by_table.setdefault(table, set()).add(listener)
        try:
            yield listener
        finally:
            for table in listener.tables:
                left = self._by_table[table]
                left.discard(listener)
                # Events of single runs come and go; what nobody waits for is not kept.
                if not left:
                    del self._by_table[table]

    def publish(self, tables: Iterable[str]) -> None:
        """Wake everybody who waits for one of `tables`."""
        for table in tables:
            for listener in self._by_table.get(table, ()):
                listener.wake()

    def wake_all(self) -> None:
        """Wake everybody: the server stops, or changes may have been missed."""
        self.publish(list(self._by_table))
