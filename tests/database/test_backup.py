"""`eparch db backup`: one whole file, made while somebody writes, and nothing where it cannot be."""

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eparch.cli.main import main
from eparch.core.errors import ConfigurationError, EparchError
from eparch.database.backup import back_up
from eparch.database.migrate import check, upgrade
from eparch.database.migrations import REVISIONS
from tests.database.waiting import WAIT_S_MAX, submit
from tests.database.writers import add_tenants, open_writer, slugs_in


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path}/eparch.sqlite"
    upgrade(made)
    return made


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "backups"
    folder.mkdir()
    yield folder / "copy.sqlite"
    # Whatever happened, no draft is left.
    assert {path.name for path in folder.iterdir()} <= {"copy.sqlite"}


def test_a_backup_holds_what_was_acknowledged_before_it_began(url: str, target: Path) -> None:
    with open_writer(url) as (writer, _engine):
        for index in range(20):
            submit(writer, add_tenants, f"before-{index}").wait()
        going_on, is_copied = threading.Event(), threading.Event()

        def write_on() -> None:
            index = 0
            while not is_copied.is_set():
                submit(writer, add_tenants, f"meanwhile-{index}").wait()
                index += 1
                going_on.set()

        thread = threading.Thread(target=write_on)
        thread.start()
        try:
            assert going_on.wait(WAIT_S_MAX)
            made = back_up(url, target)
        finally:
            is_copied.set()
            thread.join()
        submit(writer, add_tenants, "after").wait()
    assert (made.size_bytes, made.revision) == (target.stat().st_size, REVISIONS[-1])
    copied = slugs_in(f"sqlite:///{target}")
    assert {f"before-{index}" for index in range(20)} <= copied
    assert "after" not in copied
    assert "after" in slugs_in(url)


def test_it_is_one_file_for_its_owner_alone_that_passes_every_check(url: str, target: Path) -> None:
    back_up(url, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with closing(sqlite3.connect(f"file:{target}?immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert check(f"sqlite:///{target}") == []


def test_restored_it_is_the_database_it_was(url: str, target: Path, tmp_path: Path) -> None:
    with open_writer(url) as (writer, _engine):
        submit(writer, add_tenants, "kept").wait()
        back_up(url, target)
        submit(writer, add_tenants, "lost").wait()
    # As docs/operations.md says.
    path = Path(url.removeprefix("sqlite:///"))
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    path.write_bytes(target.read_bytes())
    assert check(url) == []
    assert slugs_in(url) == {"kept"}
    with open_writer(url) as (writer, _engine):
        submit(writer, add_tenants, "new").wait()
    assert slugs_in(url) == {"kept", "new"}


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(url: str, target: Path, kind: str) -> None:
    if kind == "file":
        target.write_bytes(b"precious")
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match="exists already"):
        back_up(url, target)
    assert kind != "file" or target.read_bytes() == b"precious"


def test_a_name_that_is_taken_while_the_copy_is_made_is_not_overwritten(
    url: str, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import eparch.database.backup as module

    check_copy = module._check

    def check_and_take(draft: Path) -> None:
        check_copy(draft)
        target.write_bytes(b"precious")

    monkeypatch.setattr(module, "_check", check_and_take)
    with pytest.raises(ConfigurationError, match="exists already"):
        back_up(url, target)
    assert target.read_bytes() == b"precious"


def test_a_damaged_database_gives_no_backup(url: str, target: Path) -> None:
    with open_writer(url) as (writer, _engine):
        for index in range(300):
            submit(writer, add_tenants, f"tenant-{index}")
    path = Path(url.removeprefix("sqlite:///"))
    damaged = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT pageno FROM dbstat WHERE name = 'tenant' AND pagetype = 'leaf'").fetchone()
    damaged[(page - 1) * 4096 + 8 : page * 4096] = b"\xff" * 4088
    path.write_bytes(damaged)
    with pytest.raises(EparchError, match=r"damaged"):
        back_up(url, target)
    assert not target.exists()


def test_what_cannot_be_backed_up_is_said(tmp_path: Path, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "foreign.sqlite"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    for url, message in (
        (f"sqlite:///{tmp_path}/none.sqlite", "There is no database"),
        (f"sqlite:///{foreign}", "belongs to another program"),
        ("postgresql://h/d", "pg_dump"),
    ):
        assert main(["db", "backup", str(target), "--database-url", url]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "none.sqlite").exists()


def test_a_place_that_cannot_be_written_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        back_up(url, tmp_path / "no" / "such" / "folder.sqlite")
