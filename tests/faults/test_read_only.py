"""Files, folders and disks that cannot be written: a start refuses with one clear message and changes nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eparch.core.errors import EparchError
from eparch.database import migrate, migrations
from eparch.database.engines import parse_url, sqlite_path
from eparch.database.file_lock import file_lock
from tests.faults.confinement import on_read_only_disk, run, without_powers


def start(url: str) -> None:
    """Begin as a server does, and tell how it went."""
    try:
        with file_lock(sqlite_path(parse_url(url))):
            migrate.prepare(url)
        print("started")
    except EparchError as error:
        print(f"{error.code}: {error.message}")


def look(url: str) -> None:
    """Look as `eparch db` does."""
    try:
        print(migrate.current(url), migrate.check(url))
    except EparchError as error:
        print(f"{error.code}: {error.message}")


def told(what: str, path: Path, confined_by: tuple[str, ...]) -> str:
    """Return what is told when something is done in a confined process; it never fails in another way."""
    result = run("-m", "tests.faults.test_read_only", what, f"sqlite:///{path}", confined_by=confined_by)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.removesuffix("\n")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """An Eparch database that nobody uses."""
    path = tmp_path / "folder" / "eparch.sqlite"
    migrate.upgrade(f"sqlite:///{path}")
    yield path
    for changed in (path.parent, *path.parent.iterdir()):
        changed.chmod(0o700)


def test_a_file_that_cannot_be_written_is_refused_and_can_be_looked_at(path: Path) -> None:
    path.chmod(0o400)
    before = path.read_bytes()
    confined_by = without_powers()
    assert told("start", path, confined_by) == f"CONFIGURATION_ERROR: The file {path} cannot be written."
    assert told("look", path, confined_by) == f"{migrations.REVISIONS[-1]} []"
    assert path.read_bytes() == before
    path.chmod(0o600)
    assert told("start", path, confined_by) == "started"


def test_a_folder_that_cannot_be_written_is_refused(path: Path) -> None:
    confined_by = without_powers()
    path.parent.chmod(0o500)
    assert told("start", path, confined_by) == f"CONFIGURATION_ERROR: The folder {path.parent} cannot be written."
    (path.parent / "eparch.sqlite.lock").unlink()
    lock = f"{path}.lock"
    assert told("start", path, confined_by) == (
        f"CONFIGURATION_ERROR: The lock file {lock} cannot be opened: Permission denied."
    )


def test_a_file_that_cannot_be_read_is_refused(path: Path) -> None:
    path.chmod(0o000)
    confined_by = without_powers()
    assert told("start", path, confined_by) == (
        f"CONFIGURATION_ERROR: The database file {path} cannot be opened: Permission denied."
    )
    assert told("look", path, confined_by) == "API_ERROR: The database file cannot be opened."


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    confined_by = without_powers()
    (tmp_path / "closed").mkdir(mode=0o500)
    folder = tmp_path / "closed" / "eparch"
    assert told("start", folder / "eparch.sqlite", confined_by) == (
        f"CONFIGURATION_ERROR: The folder {folder} cannot be made: Permission denied."
    )


def test_a_read_only_disk_is_refused(path: Path) -> None:
    confined_by = on_read_only_disk(path.parent)
    assert told("start", path, confined_by) == (
        f"CONFIGURATION_ERROR: The lock file {path}.lock cannot be opened: Read-only file system."
    )
    other = path.with_name("other.sqlite")
    assert "Read-only file system" in told("start", other, confined_by)
    assert not other.exists()


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
