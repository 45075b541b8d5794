"""Every golden case is as its file says, on both databases: plan, SQL of both dialects, and result."""

import os
from pathlib import Path

import pytest

from tests.graphql import golden
from tests.graphql.world import World

PATHS = sorted(golden.CASES.glob("*.md"))


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_a_case_is_as_its_file_says(path: Path, world: World) -> None:
    made = golden.write(golden.read(path), world)
    if os.environ.get(golden.UPDATE):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8"), "python -m tests.graphql.golden --update, then read the difference"


def test_there_are_many_cases() -> None:
    assert len(PATHS) >= 40
