"""Projects, lists, deletion: data for programs, tables for people, questions before something is lost."""

from pathlib import Path
from uuid import UUID

import pytest

from eparch import Flow, task
from eparch.testing import TemporaryServer
from tests.cli.program import Program


@task
def nothing() -> None:
    """Do nothing."""


def small_flow(name: str) -> Flow:
    with Flow(name) as flow:
        nothing()
    return flow


@pytest.fixture(scope="session")
def runs(server: TemporaryServer) -> TemporaryServer:
    """The server with a flow that has run three times."""
    flow = small_flow("small")
    for _ in range(3):
        server.run(flow)
    return server


def test_projects_are_made_listed_and_deleted(own: Program) -> None:
    made = own.ok("project", "create", "etl", "--description", "what loads")
    assert own("project", "create", "etl").error == "error: There is a project 'etl' already."
    assert own.ok("project", "create", "etl", "--skip-if-exists") == made
    assert [(row["id"], row["description"], row["flow_count"]) for row in own.json("project", "list")] == [
        (made, "what loads", 0)
    ]
    asked = own("project", "delete", "etl")
    assert asked.code == 2
    assert asked.hint == "hint: add --yes if it is meant"
    refused = own.at_terminal("project", "delete", "etl", typed="n\n")
    assert refused.code == 1
    assert "Delete project 'etl' with 0 versions of flows and 0 runs? [y/N]" in refused.out
    assert "Nothing was deleted." in refused.out
    assert own.at_terminal("project", "delete", "etl", typed="y\n").code == 0
    assert own.json("project", "list") == []


def test_a_flow_is_deleted_with_its_versions_and_runs(own: Program, own_server: TemporaryServer) -> None:
    own_server.run(small_flow("short-lived"))
    asked = own.at_terminal("delete", "flow", "short-lived", typed="\n")
    assert "Delete flow 'short-lived' with 1 version and 1 run?" in asked.out
    (run,) = own.json("get", "flow-runs")
    own.ok("delete", "flow-run", run["id"], "--yes")
    assert own.json("get", "flow-runs") == []
    own.ok("delete", "flow", "tests/short-lived", "-y")
    assert own.json("get", "flows") == []


def test_lists_are_filtered_and_limited(eparch: Program, runs: TemporaryServer) -> None:
    assert len(eparch.json("get", "flow-runs", "--flow", "small")) == 3
    assert len(eparch.json("get", "flow-runs", "--flow", "small", "--limit", "2")) == 2
    assert len(eparch.json("get", "flow-runs", "--flow", "small", "--state", "finished")) == 3
    assert eparch.json("get", "flow-runs", "--flow", "small", "--state", "Failed") == []
    assert eparch.json("get", "flow-runs", "--project", "elsewhere") == []
    assert [row["name"] for row in eparch.json("get", "flows", "--name", "sma%")] == ["small"]
    empty = eparch("get", "flow-runs", "--flow", "none")
    assert (empty.code, empty.out) == (0, "")
    assert "There are no such flow runs" in empty.err


@pytest.mark.parametrize(
    ("words", "code", "error", "hint"),
    [
        ("get flow-runs --state Sucess", 2, "There is no state 'Sucess'.", "did you mean 'Success'?"),
        ("get flow-runs --limit 0", 2, "--limit is 0, but must be from 1 to 10000.", "use filters to find more"),
        (
            "get flows --limit x",
            2,
            'Invalid value for --limit: unable to convert "x" into int.',
            "see eparch get flows --help",
        ),
        ("get flows --output yaml", 2, "Invalid value", "see eparch get flows --help"),
        ("get flaws", 2, "Unknown command 'flaws'.", "did you mean eparch get flows?"),
        ("agent start lokal", 2, "Unknown command 'lokal'.", "did you mean eparch agent start local?"),
        ("agent start local --limit 0", 2, "--limit is 0, but must be 1 or more.", "leave it out for no limit"),
        ("describe flow smal", 1, "There is no flow 'smal'.", "did you mean 'small'?"),
        ("describe project test", 1, "There is no project 'test'.", "did you mean 'tests'?"),
        ("describe agent nobody", 1, "There is no agent 'nobody'.", "see eparch get agents"),
        (f"describe flow-run {UUID(int=7)}", 1, "There is no flow run ", "see eparch get flow-runs"),
        ("run -n smal", 1, "There is no flow 'smal'.", "did you mean 'small'?"),
        ("run -n small --param x=1", 2, "Flow 'small' has no parameter 'x'.", "its parameters: none"),
        ("run -n small --param x", 2, "--param is 'x', but must be NAME=VALUE.", "such as --param day=2026-01-01"),
        ("run -n small --at soon", 2, "--at is 'soon', but must be a date and time.", "such as 2026-01-01T06:00+01:00"),
        ("run smal", 1, "There is no flow 'smal'.", "did you mean 'small'?"),
        ("run small -n small", 2, "The flow is named twice: 'small' and --name 'small'.", "leave one out"),
        ("profile create p --api-url foo", 2, "'foo' is no address of a server.", "write one such as"),
        ("run", 2, "Say which flow: --name, --id or --path.", "see eparch get flows"),
        ("run --path x.py --watch", 2, "--watch is for runs on the server; --path runs the flow here.", "leave one"),
    ],
)
def test_a_wrong_call_says_what_is_wrong_and_what_to_do(
    eparch: Program, runs: TemporaryServer, words: str, code: int, error: str, hint: str
) -> None:
    done = eparch(*words.split())
    assert (done.code, done.out) == (code, "")
    assert done.error.startswith(f"error: {error}")
    assert done.hint.startswith(f"hint: {hint}")


def test_colours_and_cuts_are_for_terminals_alone(eparch: Program, runs: TemporaryServer) -> None:
    piped = eparch.ok("get", "flow-runs", "--flow", "small")
    assert "\x1b" not in piped
    shown = eparch.at_terminal("get", "flow-runs", "--flow", "small", columns=110)
    assert "\x1b[38;2;39;177;255mSuccess" in shown.out
    assert "\x1b" not in eparch.at_terminal("get", "flow-runs", "--flow", "none").out
    flows = eparch.at_terminal("get", "flows", columns=70).out.splitlines()
    assert max(map(len, flows)) <= 70


def test_a_run_that_nobody_would_take_is_told_so(eparch: Program, runs: TemporaryServer) -> None:
    done = eparch("run", "-n", "small", "--label", "gpu", "--label", "big", "--at", "2031-01-01T00:00+00:00")
    assert done.code == 0
    assert "no agent is alive that takes runs with labels big, gpu; start one: eparch agent start local" in done.err
    (made,) = eparch.json("get", "flow-runs", "--label", "gpu", "--state", "Scheduled")
    assert made["id"] == done.out.strip()
    assert made["scheduled_start_time"].startswith("2031-01-01T00:00:00")
    assert "Cancelled" in eparch("cancel", made["id"]).err


def test_a_name_that_several_have_is_not_guessed(eparch: Program, runs: TemporaryServer) -> None:
    for _ in range(2):
        eparch.ok("run", "-n", "small", "--run-name", "twin")
    done = eparch("describe", "flow-run", "twin")
    assert done.code == 1
    assert done.error.startswith("error: 2 flow runs are called 'twin'; the newest is ")


def test_a_flow_file_runs_without_a_server(eparch: Program, flow_file: Path) -> None:
    done = eparch(
        "run", "--path", flow_file, "--name", "squares", "--param", "n=3", EPARCH_API_URL="http://127.0.0.1:1"
    )
    assert done.code == 0, done
    assert "Flow squares ended: Success" in done.err
    failed = eparch("run", "--path", flow_file, "-n", "squares", "--param", "n=5")
    assert failed.code == 3
    several = eparch("run", "--path", flow_file)
    assert several.code == 2
    assert "There are several flows in" in several.error


def test_a_file_without_a_flow_is_a_wrong_call(eparch: Program, tmp_path: Path) -> None:
    plain = tmp_path / "plain.py"
    plain.write_text("x = 1\n")
    done = eparch("run", "--path", plain)
    assert (done.code, done.error) == (2, f"error: There is no flow in {plain}.")
    missing = eparch("run", "--path", tmp_path / "plan.py")
    assert (missing.code, missing.hint) == (2, f"hint: did you mean '{plain}'?")
