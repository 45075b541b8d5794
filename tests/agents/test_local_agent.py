"""The local agent: takes runs, starts them warm or cold, watches over them, and says what became of those that died."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eparch.agents.local import LocalAgent
from eparch.client.client import Client
from eparch.run_configs import DockerRun, LocalRun
from eparch.testing import TemporaryServer
from tests.agents.agents import WAIT_S_MAX, Agents
from tests.clients.guest import ENVIRONMENT as GUEST
from tests.sdk.server.rows import flow_run
from tests.waiting import wait_until


@pytest.fixture
def agents(server: TemporaryServer, tmp_path: Path) -> Iterator[Agents]:
    with Agents(server, tmp_path) as made:
        yield made


@pytest.mark.parametrize("options", [[], ["--cold"]], ids=["warm", "cold"])
def test_a_run_is_started_in_its_environment(agents: Agents, options: list[str]) -> None:
    flow = agents.flow("obedient")
    folder = agents.folder / "work"
    folder.mkdir()
    flow.run_config = LocalRun(working_dir=str(folder), env={"OWN": "of the run"})
    with agents.started(*options):
        runs = [agents.server.create_run(flow, word=f"word{n}") for n in range(3)]
        rows = [agents.wait_for(run_id, "Success", "Failed") for run_id in runs]
    assert [row["state"] for row in rows] == ["Success"] * 3
    assert [entry["state"] for entry in rows[0]["states"]] == ["Scheduled", "Submitted", "Running", "Success"]
    assert f"told word0 {folder}" in {line["message"] for line in rows[0]["logs"]}
    assert len({pid for _, pid, _ in agents.marked()}) == 3, "each run has a process of its own"


@pytest.mark.parametrize("options", [[], ["--cold"]], ids=["warm", "cold"])
@pytest.mark.parametrize(
    ("how", "ending"), [("killed", "was killed by signal SIGKILL"), ("exits", "ended with exit code 7")]
)
def test_a_run_whose_process_dies_fails_and_says_what_it_died_of(
    agents: Agents, options: list[str], how: str, ending: str
) -> None:
    with agents.started(*options):
        row = agents.wait_for(agents.run("naughty", how=how), "Failed", "Success")
    assert row["serialized_state"]["message"] == f"The process of the flow run {ending}."
    (said,) = [line["message"] for line in row["logs"] if line["name"] == "eparch.agent"]
    assert "Its last lines of output:" in said
    assert "printed first" in said
    assert "the secret is ***" in said


@pytest.mark.parametrize("options", [[], ["--cold"]], ids=["warm", "cold"])
def test_a_file_called_as_a_module_of_the_standard_library_is_not_taken_for_it(
    agents: Agents, options: list[str]
) -> None:
    for name in ("random", "tempfile", "secrets"):
        (agents.folder / f"{name}.py").write_text("raise SystemExit('a file of the user')\n")
    with agents.started(*options):
        assert agents.wait_for(agents.run("obedient"), "Success", "Failed")["state"] == "Success"


def test_a_run_that_listens_is_cancelled_at_once(agents: Agents) -> None:
    with agents.started():
        run_id = agents.run("naughty", how="endless")
        agents.wait_until(lambda: any(mark[0] == "endless" for mark in agents.marked()))
        agents.server.client.change("cancel_flow_run", {"flow_run_id": run_id}, "state")
        before = time.monotonic()
        row = agents.wait_for(run_id, "Cancelled", "Failed")
    assert row["serialized_state"]["message"] == "Flow run is cancelled: the task in progress was interrupted."
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(("how", "ending"), [("stubborn", "terminated"), ("deaf", "killed")])
def test_a_run_that_does_not_listen_is_ended_step_by_step(agents: Agents, how: str, ending: str) -> None:
    with agents.started("--grace", "1.5"):
        run_id = agents.run("naughty", how=how)
        agents.wait_until(lambda: any(mark[0] == how for mark in agents.marked()))
        agents.server.client.change("cancel_flow_run", {"flow_run_id": run_id}, "state")
        row = agents.wait_for(run_id, "Cancelled", "Failed")
    assert row["serialized_state"]["message"] == f"Flow run is cancelled: its process was {ending}"


def test_an_agent_that_is_told_to_stop_lets_its_runs_end(agents: Agents) -> None:
    with agents.started() as process:
        run_id = agents.run("naughty", how="for a while")
        agents.wait_until(lambda: len(agents.marked()) == 2)
        process.send_signal(signal.SIGTERM)
        later = agents.run("obedient")
        assert process.wait(WAIT_S_MAX) == 0
    assert flow_run(agents.server, run_id)["state"] == "Success"
    assert flow_run(agents.server, later)["state"] == "Scheduled"


def test_a_run_goes_on_when_its_agent_is_killed_and_can_still_be_cancelled(agents: Agents) -> None:
    with agents.started() as process:
        first = agents.run("naughty", how="for a while")
        second = agents.run("naughty", how="endless")
        agents.wait_until(lambda: len(agents.marked()) == 4)
        process.kill()
        process.wait()
        assert agents.wait_for(first, "Success", "Failed")["state"] == "Success"
        agents.server.client.change("cancel_flow_run", {"flow_run_id": second}, "state")
        assert agents.wait_for(second, "Cancelled", "Failed")["state"] == "Cancelled"


def test_the_process_for_warm_starts_may_die(agents: Agents) -> None:
    with agents.started():
        first = agents.run("obedient", word="before")
        assert agents.wait_for(first, "Success", "Failed")["state"] == "Success"
        (_, _, nursery), *_ = agents.marked()
        os.kill(int(nursery), signal.SIGKILL)
        second = agents.run("obedient", word="after")
        assert agents.wait_for(second, "Success", "Failed")["state"] == "Success"


def test_an_agent_runs_no_more_at_once_than_it_may(agents: Agents) -> None:
    with agents.started("--limit", "1"):
        runs = [agents.run("naughty", how="for a while") for _ in range(2)]
        agents.wait_until(lambda: len(agents.marked()) == 2)
        states = sorted(flow_run(agents.server, run_id)["state"] for run_id in runs)
        assert states == ["Running", "Scheduled"]
        for run_id in runs:
            agents.wait_for(run_id, "Success")


def test_an_agent_takes_no_runs_with_other_labels(agents: Agents) -> None:
    flow = agents.flow("naughty")
    assert flow.storage is not None
    flow.storage.labels.append("gpu")
    with agents.started():
        other = agents.server.create_run(flow, how="not at all")
        own = agents.run("obedient", word="own")
        agents.wait_for(own, "Success")
        assert flow_run(agents.server, other)["state"] == "Scheduled"


def test_a_run_config_of_another_agent_fails_the_run_and_says_so(agents: Agents) -> None:
    flow = agents.flow("obedient")
    flow.run_config = DockerRun(image="x")
    with agents.started():
        row = agents.wait_for(agents.server.create_run(flow), "Failed")
    assert "A LocalAgent cannot start a DockerRun" in row["serialized_state"]["message"]


def test_a_missing_folder_fails_the_run_and_says_so(agents: Agents) -> None:
    flow = agents.flow("obedient")
    flow.run_config = LocalRun(working_dir="/nowhere/at/all")
    with agents.started():
        row = agents.wait_for(agents.server.create_run(flow), "Failed")
    assert "there is no folder /nowhere/at/all" in row["serialized_state"]["message"]


def test_a_flow_of_prefect_is_started_with_prefects_own_command(agents: Agents) -> None:
    if not (GUEST / "bin/prefect").exists():
        pytest.fail(f"there is no published client in {GUEST}; run: make guest", pytrace=False)
    program = textwrap.dedent(
        f"""
        import sys
        from prefect import Flow, task
        from prefect.storage import Local
        @task
        def hello():
            return "from Prefect"
        with Flow("of prefect") as flow:
            hello()
        flow.storage = Local(directory={str(agents.folder)!r}, add_default_labels=False)
        print(flow.register("tests", labels=[{agents.folder.name!r}], no_url=True))
        """
    )
    agents.server.register(agents.flow("obedient"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(agents.folder),
        "PREFECT__BACKEND": "server",
        "PREFECT__CLOUD__API": agents.server.url,
    }
    python = str(GUEST / "bin/python")
    done = subprocess.run([python, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    flow_id = done.stdout.split()[-1]
    create = {"flow_id": flow_id}
    with agents.started():
        run_id = agents.server.client.change("create_flow_run", create, "id")["id"]
        row = agents.wait_for(run_id, "Failed", "Success")
        assert "--prefect-python" in row["serialized_state"]["message"]
    with agents.started("--prefect-python", python):
        run_id = agents.server.client.change("create_flow_run", create, "id")["id"]
        row = agents.wait_for(run_id, "Failed", "Success")
    assert row["state"] == "Success"


class Impatient(LocalAgent):
    """A local agent that often says that it is alive."""

    alive_s = 0.1


def test_an_agent_that_asks_for_nothing_still_says_that_it_is_alive(agents: Agents) -> None:
    label, name = agents.folder.name, f"busy {agents.folder.name}"
    environment = {"MARKS": str(agents.marks)}
    agent = Impatient(
        name, [label], limit=1, env=environment, is_warm=False, hostname_label=False, client=Client(agents.server.url)
    )

    def seen() -> str:
        query = "query($name: String) { agent(where: {name: {_eq: $name}}) { last_queried } }"
        (row,) = agents.server.client.ask(query, {"name": name})["agent"]
        return str(row["last_queried"])

    working = threading.Thread(target=agent.run)
    working.start()
    try:
        run_id = agents.run("patient")
        agents.wait_until(lambda: len(agents.marked()) == 50)
        at_its_limit = seen()
        agents.wait_until(lambda: seen() > at_its_limit)
        agent.stop()
        agents.wait_until(lambda: not agent.takes_runs)
        stopping = seen()
        agents.wait_until(lambda: seen() > stopping)
    finally:
        agents.be_ready()
        agent.stop()
        working.join()
    assert flow_run(agents.server, run_id)["state"] == "Success"


def test_an_agent_without_a_server_says_so_at_once_and_goes_on_trying(tmp_path: Path, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}"
    log = tmp_path / "agent.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "eparch.agents", "local", "--cold"],
            env={**os.environ, "EPARCH_API_URL": url},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: log.read_text().count("cannot register") > 1, "a second try")
        said = log.read_text()
        assert f"The agent cannot register, and tries again in 0.5 s: No server answers at {url}" in said
        assert "Hint: start one: eparch server start" in said
        assert "takes runs from" not in said
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
