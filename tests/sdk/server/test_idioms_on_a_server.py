"""The idioms of Prefect 1.x end on a server as Prefect's own engine ended them, and the server has it so."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from eparch.testing import TemporaryServer
from tests.sdk import outcomes
from tests.sdk.server.rows import flow_run, task_runs
from tests.sdk.test_idioms import IDIOMS, RECORDED

EXPECTED = json.loads(RECORDED.read_text())
# This one runs in a loop of its own by its schedule, which is the scheduler's work where there is a server.
ON_A_SERVER = [path for path in IDIOMS if path.stem != "scheduled"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", ON_A_SERVER, ids=lambda path: path.stem)
def test_an_idiom_ends_on_a_server_as_under_prefect(server: TemporaryServer, path: Path) -> None:
    names = runpy.run_path(str(path))
    flow, seen = names["flow"], names.get("SEEN")
    for parameters, expected in zip(names["RUNS"], EXPECTED[path.stem]["runs"], strict=True):
        if seen is not None:
            seen.clear()
        run_id = server.create_run(flow, **parameters)
        state = server.carry_out(run_id, flow)
        assert json.loads(json.dumps(outcomes.run_outcome(flow, state, seen))) == expected
        assert_is_recorded(flow_run(server, run_id), expected)


def assert_is_recorded(row: dict[str, Any], expected: dict[str, Any]) -> None:
    """Check that the server has every state that the run came to, those of children too."""
    assert row["state"] == expected["state"]
    for slug, (kind, _, children) in expected["tasks"].items():
        mine = task_runs(row, slug)
        found = {one["map_index"]: one["state"] for one in mine}
        assert found == {-1: kind, **{index: child[0] for index, child in enumerate(children)}}, slug
