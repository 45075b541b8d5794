"""A full disk: reads go on, writes say so, and nothing that was acknowledged is lost."""

import json
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import event

from eparch.core.errors import EparchError, Unavailable
from eparch.database import migrate
from tests.databases import Databases
from tests.faults.confinement import on_small_disk, run
from tests.faults.ledger import Ledger, open_ledger

MESSAGE = "The disk is full; nothing was written."


def fill_up(ledger: Ledger) -> tuple[set[int], set[str]]:
    """Write until the disk is full, and a little longer; return the acknowledged numbers and what was told."""
    acknowledged: set[int] = set()
    refused: list[BaseException] = []
    while len(refused) < 30:
        # Large ones and small ones, alone and together: the last bytes of a disk are used up in many ways.
        for count, size in ((1, 20_000), (5, 2_000), (1, 10)):
            for number, error in ledger.write(count, size=size).items():
                if error is None:
                    acknowledged.add(number)
                else:
                    assert isinstance(error, Unavailable), repr(error)
                    refused.append(error)
    return acknowledged, {str(error) for error in refused}


def use_up_the_disk(folder: Path) -> dict[str, Any]:
    """Go through it all on a small disk; return what was seen."""
    url = f"sqlite:///{folder / 'eparch.sqlite'}"
    filler = folder / "filler"
    migrate.prepare(url)
    filler.write_bytes(bytes(1_000_000))
    with open_ledger(url) as ledger:
        ledger.read()
        acknowledged, told = fill_up(ledger)
        read_when_full = ledger.read()
        filler.unlink()
        after = ledger.write(20, size=1000)
        later = {number for number, error in after.items() if error is None}
        read_later = ledger.read()
    with open_ledger(url) as ledger:
        read_after_restart = ledger.read()
    return {
        "acknowledged": sorted(acknowledged),
        "told": sorted(told),
        "read when full": read_when_full,
        "later": sorted(later),
        "read later": read_later,
        "read after restart": read_after_restart,
        "problems": migrate.check(url),
    }


def start_on_a_full_disk(folder: Path) -> dict[str, Any]:
    """Fill the disk, then start; return what was told."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
    try:
        migrate.upgrade(f"sqlite:///{folder / 'eparch.sqlite'}")
    except EparchError as error:
        told = repr(error)
    filler.unlink()
    migrate.upgrade(f"sqlite:///{folder / 'eparch.sqlite'}")
    return {"told": told, "problems": migrate.check(f"sqlite:///{folder / 'eparch.sqlite'}")}


def seen_on_a_small_disk(tmp_path: Path, what: str) -> dict[str, Any]:
    result = run("-m", "tests.faults.test_full_disk", what, str(tmp_path), confined_by=on_small_disk(tmp_path, "4m"))
    assert result.returncode == 0, result.stderr
    seen: dict[str, Any] = json.loads(result.stdout)
    return seen


def test_a_full_disk_stops_writing_only_as_long_as_it_is_full(tmp_path: Path) -> None:
    seen = seen_on_a_small_disk(tmp_path, "use_up_the_disk")
    assert seen["told"] == [MESSAGE]
    assert len(seen["acknowledged"]) > 20
    assert seen["read when full"] == seen["acknowledged"]
    assert len(seen["later"]) == 20, "once there is space again, writing goes on without a restart"
    assert seen["read later"] == seen["read after restart"] == sorted(seen["acknowledged"] + seen["later"])
    assert seen["problems"] == []


def test_a_start_on_a_full_disk_says_so_and_succeeds_later(tmp_path: Path) -> None:
    seen = seen_on_a_small_disk(tmp_path, "start_on_a_full_disk")
    assert seen == {"told": f"Unavailable('{MESSAGE}')", "problems": []}


def test_a_file_that_may_not_grow_stops_writing_only_as_long(sqlite_databases: Databases) -> None:
    # The same error of SQLite's, on machines where no disk can be made.
    with sqlite_databases.fresh(migrate.upgrade) as url, open_ledger(url) as ledger:
        pages_max = [150]

        @event.listens_for(ledger.writing, "begin", insert=True)
        def _limit(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages_max[0]}")

        acknowledged, told = fill_up(ledger)
        assert told == {MESSAGE}
        assert ledger.read() == sorted(acknowledged)
        pages_max[0] = 10_000
        later = ledger.write(20, size=1000)
        assert set(later.values()) == {None}
        assert ledger.read() == sorted(acknowledged | later.keys())


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))))
