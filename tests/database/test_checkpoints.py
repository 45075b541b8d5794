"""The thread that copies SQLite's write-ahead log: it works beside the writer, and it always ends."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from eparch.database import checkpoints
from eparch.database.checkpoints import Checkpointer
from eparch.database.engines import parse_url, writing_engine


def test_a_stop_at_any_moment_ends_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_INTERVAL_S", 0.0)
    path = tmp_path / "db.sqlite"
    engine = writing_engine(parse_url(f"sqlite:///{path}"), has_checkpointer=True)
    for _ in range(300):
        checkpointer = Checkpointer(engine, path)
        checkpointer.start()
        checkpointer.note_commit()
        stopping = threading.Thread(target=checkpointer.stop, daemon=True)
        stopping.start()
        stopping.join(20)
        assert not stopping.is_alive(), "the thread goes on after its stop"
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
