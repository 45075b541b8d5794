"""Moving SQLite's write-ahead log into the database file, beside the writer.

In charge of when that happens; not in charge of commits. By default the commit that fills the log's thousandth page
pays for the copying of all of them, with two more waits for the disk: a pause of up to a third of a second for all
who wait behind it. Here another thread with a connection of its own does it while the writer goes on.
"""

import logging
import sqlite3
import threading
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from eparch.database.faults import of_driver

logger: Final = logging.getLogger("eparch.checkpoints")

_BYTES_MIN: Final = 4 * 1024 * 1024
# The log is begun anew only at a moment without readers. Under steady load there may be none: then one is made.
_BYTES_MAX: Final = 256 * 1024 * 1024
_INTERVAL_S: Final = 0.5


class Checkpointer:
    """A thread that copies the write-ahead log of a SQLite file when it has grown.

    Args:
        engine: of `engines.writing_engine`; its own connections must not checkpoint by themselves.
        path: the database file.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._log = path.with_name(f"{path.name}-wal")
        self._written = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="eparch-checkpointer")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def note_commit(self) -> None:
        """Tell that something was committed. Without commits the thread sleeps."""
        self._written.set()

    def stop(self) -> None:
        """End. What is left in the log is copied when the last connection is closed, or read from it later."""
        self._stopping.set()
        self._written.set()
        self._thread.join()

    def _work(self) -> None:
        # Looked at after each clearing: a stop that comes between the wait and the clearing must not be forgotten.
        while not self._stopping.is_set():
            self._written.wait()
            if self._stopping.wait(_INTERVAL_S):
                return
            self._written.clear()
            size = self._log.stat().st_size if self._log.exists() else 0
            if size >= _BYTES_MIN:
                self._checkpoint("TRUNCATE" if size >= _BYTES_MAX else "PASSIVE")

    def _checkpoint(self, mode: str) -> None:
        # The driver's own connection: SQLAlchemy would begin a transaction, in which SQLite refuses to checkpoint.
        connection = self._engine.raw_connection()
        try:
            connection.cursor().execute(f"PRAGMA wal_checkpoint({mode})")
        except sqlite3.Error as error:
            logger.warning("The write-ahead log was not copied: %s", of_driver(error).message)
        finally:
            connection.close()
