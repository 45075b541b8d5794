"""Reading beside the writers: a few threads, each with a connection that sees one snapshot at a time.

In charge of threads and read transactions; not in charge of what is asked.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from eparch.database.faults import translated

T = TypeVar("T")


class Readers:
    """Threads that read.

    Args:
        engine: of `engines.reading_engine`.
        threads: how many reads may run side by side.
    """

    def __init__(self, engine: Engine, *, threads: int) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="eparch-reader")

    async def run(self, read: Callable[[Connection], T]) -> T:
        """Return what `read` returns, run on a thread within one read transaction.

        A read whose connection is lost is run once more: a pooled connection may have died since its last use.

        Raises:
            EparchError: the database did not answer, or refused the statement.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.run_here, read)

    def run_here(self, read: Callable[[Connection], T]) -> T:
        """Do the same on the calling thread."""
        try:
            return self._read(read)
        except DBAPIError as error:
            raise translated(error) from error

    def stop(self) -> None:
        """Let reads that run come to their end, then end the threads."""
        self._pool.shutdown()

    def _read(self, read: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return read(connection)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self._engine.begin() as connection:
            return read(connection)
