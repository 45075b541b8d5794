"""A user's flow file passes `mypy --strict`, and wrong calls in it do not."""

import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent / "samples/typed_flow.py"
CHECK_S_MAX = 240


def checked(path: Path, cache: Path) -> str:
    # In a folder of its own, so that no settings of ours are found.
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(cache), "--no-error-summary", path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False, timeout=CHECK_S_MAX)
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_a_careful_flow_file_is_accepted(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "flow_file.py"
    path.write_text(SAMPLE.read_text())
    assert checked(path, cache) == ""


def test_wrong_calls_are_found_and_parameters_keep_their_names(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(
        SAMPLE.read_text()
        + "\nwith Flow('wrong'):\n"
        + "    extract(3)\n"
        + "    extract(dya='x')\n"
        + "    report(extract('monday')[0])\n"
        + "reveal_type(extract('monday'))\n"
        + "reveal_type(notify('x'))\n"
        + "reveal_type(transform.map([1], 2))\n"
        + "task(max_retry=3)\n"
    )
    found = checked(path, cache)
    first = path.read_text().splitlines().index("    extract(3)") + 1
    for wanted in (
        f"wrong.py:{first}: error",
        f"wrong.py:{first + 1}: error",
        f"wrong.py:{first + 2}: error",
        "def __call__(self, day: str) -> list[int]",
        "def __call__(self, rows: list[int]) -> None",
        f'wrong.py:{first + 4}: note: Revealed type is "bool"',
        f'wrong.py:{first + 5}: note: Revealed type is "list[int]"',
        'Unexpected keyword argument "max_retry" for overloaded function "task"; did you mean "max_retries"?',
    ):
        assert wanted in found, found
