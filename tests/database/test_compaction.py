"""Giving space back: `eparch db compact` on a file of an older version, and what it leaves untouched."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from eparch.cli.main import main
from eparch.database.migrate import upgrade
from tests.databases import SQLiteDatabases


def pragma(path: Path, name: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        return int(found)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eparch.sqlite"


def compact(path: Path) -> int:
    return main(["db", "compact", "--database-url", f"sqlite:///{path}"])


def test_a_new_file_can_give_space_back(path: Path) -> None:
    upgrade(f"sqlite:///{path}")
    assert pragma(path, "auto_vacuum") == 2


def test_a_file_of_before_shrinks_and_can_do_so_from_then_on(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE kept (n INTEGER)")
        connection.execute("CREATE TABLE filler (t TEXT)")
        connection.executemany("INSERT INTO kept VALUES (?)", [(n,) for n in range(100)])
        connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 1000,) for _ in range(2000)])
        connection.commit()
        connection.execute("DELETE FROM filler")
        connection.commit()
    assert pragma(path, "auto_vacuum") == 0
    before = path.stat().st_size
    assert compact(path) == 0
    assert path.stat().st_size < before / 10
    assert (pragma(path, "auto_vacuum"), pragma(path, "freelist_count")) == (2, 0)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*), sum(n) FROM kept").fetchone() == (100, 4950)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_in_use_is_refused(
    sqlite_databases: SQLiteDatabases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from eparch.database.file_lock import file_lock

    with sqlite_databases.fresh() as url:
        path = Path(url.removeprefix("sqlite:///"))
        upgrade(url)
        with file_lock(path):
            assert compact(path) == 1
    assert "Another Eparch process" in capsys.readouterr().err


def test_what_is_no_file_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compact(path) == 1
    assert main(["db", "compact", "--database-url", "postgresql://h/d"]) == 1
    told = capsys.readouterr().err
    assert "There is no database" in told
    assert "Only a SQLite file" in told
    assert not path.exists()
