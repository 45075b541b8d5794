"""Reading beside the writers: a few threads, each with a connection that sees one snapshot at a time.

In charge of threads and read transactions; not in charge of what is asked.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from eparch.database.faults import translated
from eparch.database.figures import ReadFigures

T = TypeVar("T")


class Readers:
    """Threads that read.

    Args:
        engine: of `engines.reading_engine`.
        threads: how many reads may run side by side.
    Attributes:
        figures: what they have noted about their work.
    """

    def __init__(self, engine: Engine, *, threads: int) -> None:
        self.figures = ReadFigures()
        self._engine = engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="eparch-reader")

    async def run(self, read: Callable[[Connection], T]) -> T:
        """Return what `read` returns, run on a thread within one read transaction.

        A read whose connection is lost is run once more: a pooled connection may have died since its last use.

        Raises:
            EparchError: the database did not answer, or refused the statement.
        """
        queued_s = time.perf_counter()

        def run_here() -> T:
            self.figures.wait_s.note(time.perf_counter() - queued_s)
            return self.run_here(read)

        return await asyncio.get_running_loop().run_in_executor(self._pool, run_here)

    def run_here(self, read: Callable[[Connection], T]) -> T:
        """Do the same on the calling thread."""
        begun_s = time.perf_counter()
        try:
            return self._read(read)
        except DBAPIError as error:
            self.figures.failures.add()
            raise translated(error) from error
        finally:
            self.figures.took_s.note(time.perf_counter() - begun_s)

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
