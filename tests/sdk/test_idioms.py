"""Flow files written for Prefect 1.x run the same after changing their import lines: documents, states and results.

`idioms_by_prefect.json` is what Prefect 1.4.1 itself made of them; `python -m tests.sdk.test_idioms` writes it anew.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.clients.guest import ENVIRONMENT as GUEST
from tests.sdk import outcomes
from tests.sdk.prefect_imports import for_prefect

ROOT = Path(__file__).resolve().parents[2]
IDIOMS = sorted((ROOT / "examples/idioms").glob("*.py"))
RECORDED = Path(__file__).parent / "idioms_by_prefect.json"
RUN_S_MAX = 240


def outcomes_under_prefect(folder: Path) -> dict[str, Any]:
    """Run every idiom under Prefect, with nothing changed but its import lines."""
    for path in IDIOMS:
        (folder / path.name).write_text(for_prefect(path.read_text()))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **outcomes.ENVIRONMENT}
    command = [str(GUEST / "bin/python"), "-W", "ignore", outcomes.__file__]
    done = subprocess.run(
        [*command, *(str(folder / path.name) for path in IDIOMS)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=RUN_S_MAX,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def test_there_are_thirty_idioms() -> None:
    assert len(IDIOMS) >= 30
    assert {path.stem for path in IDIOMS} == set(json.loads(RECORDED.read_text()))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", IDIOMS, ids=lambda path: path.stem)
def test_an_idiom_ends_as_under_prefect(path: Path) -> None:
    made = json.loads(json.dumps(outcomes.outcome(str(path))))
    assert [run["state"] for run in made["runs"]] == made["expected"]
    assert made == json.loads(RECORDED.read_text())[path.stem]


def test_prefect_still_makes_of_them_what_was_recorded(tmp_path: Path) -> None:
    if not (GUEST / "bin/prefect").exists():
        pytest.fail(f"there is no published client in {GUEST}; run: make guest", pytrace=False)
    assert outcomes_under_prefect(tmp_path) == json.loads(RECORDED.read_text())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        RECORDED.write_text(json.dumps(outcomes_under_prefect(Path(name)), indent=1, sort_keys=True) + "\n")
    sys.exit()
