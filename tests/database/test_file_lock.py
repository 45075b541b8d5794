"""One process for each SQLite file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eparch.core.errors import ConfigurationError
from eparch.database import migrate
from eparch.database.file_lock import file_lock

HOLDER = """
import sys
from pathlib import Path
from eparch.database.file_lock import file_lock
with file_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eparch.sqlite"


def hold_elsewhere(path: Path) -> subprocess.Popen[str]:
    """Return a process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_a_second_process_is_refused_and_told_who_holds_the_file(path: Path) -> None:
    holder = hold_elsewhere(path)
    with pytest.raises(ConfigurationError) as caught, file_lock(path):
        pass
    assert caught.value.message == f"Another Eparch process, {holder.pid}, uses the database {path}."
    assert "PostgreSQL" in caught.value.hint
    end(holder)
    with file_lock(path):
        pass


def test_a_process_that_is_killed_holds_nothing(path: Path) -> None:
    holder = hold_elsewhere(path)
    holder.send_signal(signal.SIGKILL)
    end(holder)
    with file_lock(path):
        assert (path.parent / "eparch.sqlite.lock").read_text() == f"{os.getpid()}\n"


def test_a_program_that_the_holder_has_started_does_not_keep_the_lock(path: Path) -> None:
    with file_lock(path):
        child = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            close_fds=False,
        )
    try:
        # Linux lets us go on a moment before it has closed what the child does not inherit.
        assert child.stdout is not None
        child.stdout.readline()
        with file_lock(path):
            pass
    finally:
        child.communicate("\n")


def test_the_same_process_cannot_hold_a_file_twice(path: Path) -> None:
    with file_lock(path):
        with pytest.raises(ConfigurationError, match=f"Another Eparch process, {os.getpid()},"), file_lock(path):
            pass
        # The failed attempt has not let go of the first one's lock.
        with pytest.raises(ConfigurationError), file_lock(path):
            pass


def test_files_have_locks_of_their_own_and_postgresql_has_none(path: Path) -> None:
    with file_lock(path), file_lock(path.with_name("other.sqlite")), file_lock(None), file_lock(None):
        assert sorted(file.name for file in path.parent.iterdir()) == ["eparch.sqlite.lock", "other.sqlite.lock"]


def test_a_file_that_a_server_uses_is_not_upgraded_but_may_be_looked_at(path: Path) -> None:
    url = f"sqlite:///{path}"
    migrate.upgrade(url)
    holder = hold_elsewhere(path)
    with pytest.raises(ConfigurationError, match="Another Eparch process"):
        migrate.upgrade(url)
    assert migrate.current(url) is not None
    assert migrate.check(url) == []
    end(holder)


def test_the_lock_is_given_back_when_the_work_fails(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), file_lock(path):
        raise ZeroDivisionError
    with file_lock(path):
        pass
