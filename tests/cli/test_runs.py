"""Register, run, follow, cancel, restart: with a real server and a real agent."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from eparch import Flow, Parameter, task
from eparch.testing import TemporaryServer
from tests.cli.program import ID, Program
from tests.waiting import wait_until


@pytest.fixture
def squares(own: Program, flow_file: Path, agent: subprocess.Popen[bytes]) -> str:
    """The name of a flow that is registered, with an agent that takes its runs."""
    own.ok("project", "create", "demo")
    own.ok("register", flow_file, "--project", "demo")
    wait_until(lambda: own.json("get", "agents"), "an agent")
    return "squares"


def test_a_run_is_followed_to_its_end_and_its_exit_code_tells_it(own: Program, squares: str) -> None:
    done = own("run", "-n", squares, "--param", "n=2", "--run-name", "two", "--watch")
    assert done.code == 0, done
    assert re.fullmatch(ID, done.out.strip())
    for word in ("Scheduled", "Submitted", "Running", "Success", "there are 2 numbers"):
        assert word in done.err
    assert done.err.index("Submitted") < done.err.index("there are 2 numbers") < done.err.index(": All reference")

    failed = own("run", "-n", squares, "--param", "n=5", "--watch")
    assert failed.code == 3
    assert "three is broken" in failed.err


def test_a_run_without_a_required_parameter_is_not_made(own: Program, own_server: TemporaryServer) -> None:
    with Flow("needs-two") as flow:
        task(lambda a, b: a + b, name="add")(Parameter("a"), Parameter("b"))
    own_server.register(flow)
    done = own("run", "-n", "needs-two", "--param", "a=1")
    assert (done.code, done.out) == (2, "")
    assert done.error == "error: Flow 'needs-two' needs the parameter b."
    assert done.hint == "hint: give it: --param b=..."
    assert own("run", "needs-two").hint == "hint: give them: --param a=... --param b=..."
    assert own.json("get", "flow-runs") == []


def test_a_cancelled_run_ends_with_its_own_exit_code(own: Program, squares: str, tmp_path: Path) -> None:
    watching = subprocess.Popen(
        [*own.command, "run", "-n", "endless", "--watch"],
        env=own.environment,
        cwd=own.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: (tmp_path / "marks").exists(), "the first line of user code")
    (run,) = own.json("get", "flow-runs", "--state", "Running")
    done = own("cancel", run["id"], "no-such-run")
    assert done.code == 1
    assert f"Flow run {run['name']} is Cancelling." in done.err
    assert "There is no flow run 'no-such-run'." in done.error
    _, said = watching.communicate(timeout=90)
    assert watching.returncode == 4, said
    assert own("cancel", run["id"]).error == f"error: Flow run {run['name']} has ended already: Cancelled."


def test_a_restart_runs_what_failed_and_what_comes_after_it(own: Program, squares: str, tmp_path: Path) -> None:
    run = own("run", "-n", squares, "--param", "n=5", "--watch").out.strip()
    assert sorted((tmp_path / "marks").read_text().splitlines()) == ["numbers", *(f"square {x}" for x in range(5))]
    (tmp_path / "marks").unlink()
    (tmp_path / "repaired").touch()
    done = own("restart", run, "--watch")
    assert done.code == 0, done
    assert "2 task runs will run again" in done.err
    assert "three is broken" not in done.err, "what was logged before the restart is old news"
    assert (tmp_path / "marks").read_text().splitlines() == ["square 3", "total"]
    (shown,) = own.json("get", "flow-runs")
    assert shown["state"] == "Success"
    again = own("restart", run)
    assert again.code == 1
    assert again.hint == "hint: make another run: eparch run -n 'squares'"


def test_the_log_of_a_run_is_data(own: Program, squares: str) -> None:
    run = own("run", "-n", squares, "--param", "n=5", "--watch").out.strip()
    text = own.ok("logs", run)
    assert "there are 5 numbers" in text
    errors = [json.loads(line) for line in own.ok("logs", run, "--level", "error", "--output", "json").splitlines()]
    assert [line["level"] for line in errors] == ["ERROR"]
    assert "three is broken" in errors[0]["message"]
    followed = own("logs", "--follow", run)
    assert (followed.code, followed.out.removesuffix("\n")) == (0, text)
    assert own("logs", run, "--level", "loud").error == "error: There is no level 'loud'."
    (line,) = own.json("get", "logs", "--level", "ERROR", "--contains", "BROKEN")
    assert line["flow_run_id"] == run


def test_what_a_run_left_behind_can_be_looked_at(own: Program, squares: str) -> None:
    run = own("run", "-n", squares, "--param", "n=5", "--run-name", "five", "--watch").out.strip()
    failed = own.json("get", "task-runs", "--flow-run", run, "--state", "failed")
    assert sorted((row["task"]["name"], row["map_index"], row["state"]) for row in failed) == [
        ("square", 3, "Failed"),
        ("total", -1, "TriggerFailed"),
    ]
    shown = own.ok("describe", "flow-run", "five")
    for words in ("demo/squares, version 1", "n = 5", "square[3]: ", "TriggerFailed", "agent       of-tests"):
        assert words in shown
    described = own.json("describe", "flow-run", run)
    assert [state["state"] for state in described["states"]] == ["Scheduled", "Submitted", "Running", "Failed"]
    (broken,) = (row["id"] for row in failed if row["state"] == "Failed")
    assert "square[3]" in own.ok("describe", "task-run", broken)
    assert "five" in own.ok("describe", "flow", "squares")
    assert "five" in own.ok("describe", "agent", "of-tests")
    assert "squares, version 1" in own.ok("describe", "project", "demo")
