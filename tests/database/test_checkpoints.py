"""The thread that copies SQLite's write-ahead log: it works beside the writer, and it always ends."""

import threading
from pathlib import Path

from sqlalchemy import text

from eparch.database.checkpoints import Checkpointer
from eparch.database.engines import parse_url, writing_engine


class _StoppedTooLate(threading.Event):
    """An event that is set just after somebody has waited for it in vain."""

    def __init__(self, written: threading.Event) -> None:
        super().__init__()
        self._written = written

    def wait(self, timeout: float | None = None) -> bool:
        was_set = self.is_set()
        self.set()
        self._written.set()
        return was_set


def test_a_stop_that_comes_just_after_the_wait_is_not_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    engine = writing_engine(parse_url(f"sqlite:///{path}"), has_checkpointer=True)
    checkpointer = Checkpointer(engine, path)
    checkpointer._stopping = _StoppedTooLate(checkpointer._written)
    working = threading.Thread(target=checkpointer._work, daemon=True)
    checkpointer.note_commit()
    working.start()
    working.join(10)
    assert not working.is_alive()
    engine.dispose()


def test_a_log_is_copied_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite"
    engine = writing_engine(parse_url(f"sqlite:///{path}"), has_checkpointer=True)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("INSERT INTO t VALUES (randomblob(8000000))"))
    before = path.stat().st_size
    Checkpointer(engine, path)._checkpoint("PASSIVE")
    assert path.stat().st_size > before + 7_000_000
    engine.dispose()
