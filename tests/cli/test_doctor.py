"""The doctor finds what is wrong, says what to do, and its exit code tells."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eparch.database import migrate
from eparch.database.condition import problem_of
from eparch.database.engines import parse_url, sqlite_path, writing_engine
from eparch.testing import TemporaryServer
from tests.cli.program import Program
from tests.cli.test_things import small_flow
from tests.waiting import wait_until


def findings(program: Program, code: int, **variables: str) -> dict[str, Any]:
    """Return what the doctor says, by subject."""
    import json

    done = program("doctor", "--output", "json", **variables)
    assert done.code == code, done
    found = json.loads(done.out)
    problems = sum(one["level"] == "problem" for one in found)
    assert f"{problems} problem{'' if problems == 1 else 's'}, " in done.err
    assert all(one["hint"] for one in found if one["level"] != "ok")
    return {one["subject"]: one for one in found}


def test_a_sound_installation(own: Program, agent: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: own.json("get", "agents"), "an agent")
    found = findings(own, 0)
    assert {one["level"] for one in found.values()} == {"ok"}, found
    assert set(found) >= {"python", "settings", "server", "version", "services", "clock", "key", "agents", "late runs"}


def test_no_server(own: Program) -> None:
    found = findings(own, 1, EPARCH_API_URL="http://127.0.0.1:1")
    assert "None answers at http://127.0.0.1:1" in found["server"]["message"]
    assert "eparch server start" in found["server"]["hint"]
    assert "agents" not in found


def test_a_setting_that_cannot_be_used(own: Program) -> None:
    found = findings(own, 1, EPARCH_PROT="1")
    assert found["settings"]["hint"].startswith("did you mean EPARCH_PORT?")


def test_late_runs_without_an_agent(own: Program, own_server: TemporaryServer) -> None:
    flow = small_flow("late")
    own_server.register(flow)
    before = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    own.ok("run", "-n", "late", "--at", before, "--label", "gpu")
    found = findings(own, 1)
    assert "1 runs are due" in found["agents"]["message"]
    assert "the oldest by 2 h" in found["late runs"]["message"]
    (run,) = own.json("get", "flow-runs")
    told = f"eparch describe flow-run {run['id']} tells all; first of all: No agent has ever registered."
    assert found["late runs"]["hint"].startswith(f"{told} Hint: start one: eparch agent start local --label gpu")
    assert own("doctor").err.splitlines()[-1].startswith("2 problems, ")
    assert "why it is so:" in own.ok("describe", "flow-run", run["id"])


def test_labels_that_nobody_serves(own: Program, own_server: TemporaryServer, agent: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: own.json("get", "agents"), "an agent")
    own_server.register(small_flow("picky"))
    own.ok("run", "-n", "picky", "--label", "gpu")
    found = findings(own, 1)
    assert "No agent takes runs with labels gpu: 1 are due within a day, of flow 'picky'" in found["labels"]["message"]
    assert "eparch agent start local --label gpu" in found["labels"]["hint"]


def test_a_paused_queue(own: Program, own_server: TemporaryServer) -> None:
    own_server.client.change("pause_tenant_work_queue", {}, "success")
    assert findings(own, 0)["work queue"]["level"] == "warning"


def test_a_database_without_tables(own: Program, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "eparch.sqlite").touch()
    found = findings(own, 1)
    assert "has no tables" in found["database"]["message"]
    assert "eparch db upgrade" in found["database"]["hint"]
    own.ok("db", "upgrade")
    assert findings(own, 0)["database"]["level"] == "ok"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_database_that_cannot_be_written(own: Program, tmp_path: Path) -> None:
    own.ok("db", "upgrade")
    (tmp_path / "home" / "eparch.sqlite").chmod(0o400)
    assert "cannot be written" in findings(own, 1)["database"]["message"]


def test_the_condition_of_a_database(database_url: str) -> None:
    url = parse_url(database_url)
    if (path := sqlite_path(url)) is not None:
        assert f"There is no file {path}." in str(problem_of(url))
        path.touch()
    assert "has no tables" in str(problem_of(url))
    migrate.upgrade(database_url)
    assert problem_of(url) is None
    if url.get_backend_name() == "postgresql":
        engine = writing_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(f'ALTER DATABASE "{url.database}" SET default_transaction_read_only = on')
        engine.dispose()
        assert "takes no writes" in str(problem_of(url))
