"""What the pages for users say is what happens: their commands are run, line by line, in one shell."""

import os
import re
import socket
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.console import Command, File, Shell, differs, steps_of

ROOT = Path(__file__).resolve().parents[2]
PREFECT = ROOT / ".venv-prefect" / "bin" / "python"


@pytest.mark.timeout(900)
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text()
    work = tmp_path / "tutorial"
    with Shell(ROOT, environment(tmp_path)) as shell:
        run_page("docs/tutorial.md", steps_of(page), shell, work)


def run_page(name: str, steps: list[File | Command], shell: Shell, folder: Path) -> None:
    """Do what a page says.

    Raises:
        AssertionError: a command prints something else, or fails where the page does not ask for its exit code.
    """
    for index, step in enumerate(steps):
        place = f"{name}, line {step.line}"
        if isinstance(step, File):
            (folder / step.name).write_text(step.text)
            continue
        printed, code = shell.run(step.words)
        shown = "\n".join(printed)
        assert not differs(step.expected, printed), f"{place}: {step.words} prints\n{shown}"
        following = steps[index + 1] if index + 1 < len(steps) else None
        is_told = isinstance(following, Command) and following.asks_for_code
        assert code == 0 or is_told, f"{place}: {step.words} ends with {code}\n{shown}"


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with a home and a port of its own; all else is as the page says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "EPARCH_PORT": port,
        "EPARCH_API_URL": f"http://127.0.0.1:{port}",
        "MAKEFLAGS": "",
    }


def test_a_page_that_says_something_else_is_found(tmp_path: Path) -> None:
    page = (
        "Write it:\n\n```python a.py\nprint(1)\n```\n\n```console\n$ cat a.py\nprint(1)\n$ false\n$ echo $?\n1\n```\n"
    )
    steps = steps_of(page)
    assert [type(step) for step in steps] == [File, Command, Command, Command]
    with Shell(tmp_path, environment(tmp_path)) as shell:
        run_page("page", steps, shell, tmp_path)
        with pytest.raises(AssertionError, match=r"page, line 2: cat a\.py prints"):
            run_page("page", steps_of("```console\n$ cat a.py\nprint(2)\n```\n"), shell, tmp_path)
        with pytest.raises(AssertionError, match="false ends with 1"):
            run_page("page", steps_of("```console\n$ false\n```\n"), shell, tmp_path)


@pytest.mark.parametrize(
    ("expected", "printed", "is_same"),
    [
        (["a", "...", "c"], ["a", "b", "b", "c"], True),
        (["a", "...", "c"], ["a", "c"], True),
        (["a", "c"], ["a", "b", "c"], False),
        (["x ... z"], ["x y z"], True),
        (["id 01a21b68-174f-7047-93ce-0d5dc48b91e8"], ["id   01a21b68-174f-7047-93ce-0d5dc48b91e9"], True),
        (["at 2026-11-27 05:08:56"], ["at 2027-01-01 00:00:00"], True),
        (["n = 3"], ["n = 4"], False),
        ([], ["something"], False),
    ],
)
def test_what_may_differ(expected: list[str], printed: list[str], is_same: bool) -> None:
    assert differs(tuple(expected), printed) is not is_same


def migrating_rows() -> list[tuple[str, str, str, str]]:
    """Return the table of import lines: module and names of Prefect 1.x, module and names of Eparch."""
    page = (ROOT / "docs" / "migrating.md").read_text()
    return re.findall(
        r"^\| `from (prefect\S*) import ([^`]+)` \| `from (eparch\S*) import ([^`]+)` \|$", page, re.MULTILINE
    )


def test_every_import_line_for_eparch_on_the_page_on_migrating_can_be_written() -> None:
    rows = migrating_rows()
    assert len(rows) > 20
    missing = [
        f"{module}.{name}"
        for _, _, module, names in rows
        for name in names.split(", ")
        if not hasattr(import_module(module), name)
    ]
    assert missing == []


@pytest.mark.skipif(not PREFECT.exists(), reason="make guest makes the Prefect client that the page compares with")
def test_every_import_line_for_prefect_on_the_page_on_migrating_can_be_written() -> None:
    lines = [f"from {module} import {names}" for module, names, _, _ in migrating_rows()]
    done = subprocess.run(
        [PREFECT, "-W", "ignore", "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
