"""Changes of files are noticed from the moment on at which they begin to be looked at."""

import os
from pathlib import Path

from eparch.cli.following_files import changed_files


def test_a_change_before_the_first_look_for_changes_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text("old")
    os.utime(file, ns=(0, 0))
    changes = changed_files(lambda: tmp_path.glob("*.py"), lambda _s: None)
    file.write_text("new")
    assert next(changes) == [file]


def test_a_new_file_is_seen_and_one_that_is_as_it_was_is_not(tmp_path: Path) -> None:
    old, new = tmp_path / "old.py", tmp_path / "new.py"
    old.write_text("old")
    changes = changed_files(lambda: tmp_path.glob("*.py"), lambda _s: None)
    new.write_text("new")
    assert next(changes) == [new]
