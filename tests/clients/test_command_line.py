"""The command line of the published client shows and steers what is on the server."""

import json
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any

import pytest

from tests.clients.agent import AgentProcess
from tests.clients.api import Api
from tests.clients.conftest import PROJECT
from tests.clients.guest import Guest
from tests.waiting import wait_until

RUN_NAME = "seen from the command line"


@pytest.fixture(scope="module")
def finished_run(api: Api, flows: dict[str, str], agent: AgentProcess) -> str:
    """A finished run of the flow "parameters" with the name RUN_NAME."""
    run = api.create_flow_run(flows["parameters"], flow_run_name=RUN_NAME, parameters={"who": "you", "n": 3})
    agent.poke()
    api.wait_for_state(run, "Success")
    api.wait_for_log(run, "Flow run SUCCESS")
    return run


def cells(line: str) -> list[str]:
    """Return the cells of a line of a printed table, which are two or more spaces apart."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def table(text: str) -> list[list[str]]:
    """Return the rows of a printed table, without its head."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [cells(line) for line in lines[1:]]


def test_get_flows_lists_the_newest_version_of_each_flow_by_name(guest: Guest, flows: dict[str, str]) -> None:
    rows = table(guest.cli("get", "flows", "--project", PROJECT, "--limit", "100"))
    assert {row[0] for row in rows} >= set(flows)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    (row,) = table(guest.cli("get", "flows", "--name", "mapping", "--project", PROJECT))
    assert row[:2] == ["mapping", "1"]
    assert {flows["mapping"], PROJECT} <= set(row)


def test_get_flows_can_list_all_versions(guest: Guest) -> None:
    for _ in range(2):
        guest.register("versions", "family")
    newest = table(guest.cli("get", "flows", "--name", "child", "--project", "versions"))
    assert [row[1] for row in newest] == ["2"]
    every = table(guest.cli("get", "flows", "--name", "child", "--project", "versions", "--all-versions"))
    assert [row[1] for row in every] == ["2", "1"]
    one = table(guest.cli("get", "flows", "--name", "child", "--project", "versions", "--all-versions", "-v", "1"))
    assert [row[1] for row in one] == ["1"]


def test_get_flow_runs_lists_runs_newest_first(guest: Guest, finished_run: str) -> None:
    rows = table(guest.cli("get", "flow-runs", "--flow", "parameters", "--project", PROJECT))
    assert RUN_NAME in [row[0] for row in rows]
    started = table(guest.cli("get", "flow-runs", "--flow", "parameters", "--started"))
    (row,) = [row for row in started if row[0] == RUN_NAME]
    assert row[1:3] == ["parameters", "Success"]
    assert finished_run in row


def test_get_tasks_lists_the_tasks_of_a_flow(guest: Guest, flows: dict[str, str]) -> None:
    rows = table(guest.cli("get", "tasks", "--flow-name", "mapping", "--project", PROJECT))
    assert {row[0] for row in rows} == {"n", "count_to", "square", "add"}
    (square,) = [row for row in rows if row[0] == "square"]
    assert "True" in square


def test_get_projects_counts_the_flows_of_each_project(guest: Guest, flows: dict[str, str]) -> None:
    guest.cli("create", "project", "an empty project", "--description", "for counting")
    rows = {row[0]: row for row in table(guest.cli("get", "projects"))}
    assert rows["an empty project"][1] == "0"
    assert rows["an empty project"][-1] == "for counting"
    assert int(rows[PROJECT][1]) >= len(flows)
    assert [row[0] for row in table(guest.cli("get", "projects", "--name", PROJECT))] == [PROJECT]


def test_get_logs_prints_the_log_of_a_run_by_name_or_id(guest: Guest, finished_run: str) -> None:
    by_name = guest.cli("get", "logs", "--name", RUN_NAME)
    assert "Flow run SUCCESS: all reference tasks succeeded" in by_name
    assert "INFO" in by_name
    assert guest.cli("get", "logs", "--id", finished_run) == by_name


def test_describe_prints_flows_tasks_and_runs_as_json(guest: Guest, finished_run: str) -> None:
    def described(*arguments: str) -> Any:
        return json.loads(guest.cli("describe", *arguments))

    flow = described("flows", "--name", "parameters", "--project", PROJECT)
    assert (flow["name"], flow["version"], flow["project"]) == ("parameters", 1, {"name": PROJECT})
    assert (flow["archived"], flow["environment"], flow["storage"]["type"]) == (False, None, "Local")
    assert {parameter["name"] for parameter in flow["parameters"]} == {"n", "who"}

    tasks = guest.cli("describe", "tasks", "--name", "long retry", "--project", PROJECT)
    assert '"slug": "succeed_later-1"' in tasks
    assert '"max_retries": 1' in tasks

    run = described("flow-runs", "--name", RUN_NAME, "--flow-name", "parameters")
    assert (run["name"], run["flow"], run["parameters"]) == (RUN_NAME, {"name": "parameters"}, {"who": "you", "n": 3})
    assert run["serialized_state"]["type"] == "Success"


def test_run_starts_a_run_and_watches_it_to_its_end(
    api: Api, guest: Guest, flows: dict[str, str], agent: AgentProcess, poked: None
) -> None:
    said = guest.cli(
        *["run", "--name", "parameters", "--project", PROJECT, "--watch"],
        *["--run-name", "watched", "--param", "n=4", "--param", 'who="me"'],
    )
    assert "Flow run succeeded!" in said
    assert "Beginning Flow run for 'parameters'" in said
    (run,) = api.ask('query { flow_run(where: {name: {_eq: "watched"}}) { id state parameters } }')
    assert (run["state"], run["parameters"]) == ("Success", {"n": 4, "who": "me"})


def test_run_of_a_flow_that_does_not_exist_is_refused_in_plain_words(guest: Guest) -> None:
    said = guest.cli("run", "--name", "no such flow", "--project", PROJECT, expected_code=1)
    assert "No results found while querying for flows" in said
    assert "Traceback" not in said


def test_run_execute_does_without_an_agent(api: Api, guest: Guest, flows: dict[str, str]) -> None:
    said = guest.cli("run", "--id", flows["names"], "--execute", "--run-name", "agentless", "--param", "number=6")
    assert "Flow run succeeded!" in said
    (run,) = api.ask('query { flow_run(where: {name: {_eq: "agentless"}}) { id state labels agent { name } } }')
    assert (run["state"], run["agent"]) == ("Success", None)
    assert any(label.startswith("agentless-run-") for label in run["labels"])
    assert api.result(run["id"], "named-1") == "12"


def test_run_twice_with_one_idempotency_key_is_one_run(api: Api, guest: Guest, flows: dict[str, str]) -> None:
    command = ["run", "--id", flows["names"], "--idempotency-key", "once", "--quiet", "--label", "nobody"]
    assert guest.cli(*command) == guest.cli(*command)
    runs = api.ask('query { flow_run(where: {idempotency_key: {_eq: "once"}}) { id } }')
    assert len(runs) == 1


def test_projects_are_created_once_and_deleted_with_what_is_in_them(api: Api, guest: Guest) -> None:
    name = "short-lived"
    assert f"{name} created" in guest.cli("create", "project", name)
    find = "query($name: String) { project(where: {name: {_eq: $name}}) { id } }"
    (project,) = api.ask(find, name=name)
    # The client answers a second creation with the project that exists.
    guest.cli("create", "project", name)
    assert "already exists" in guest.cli("create", "project", name, "--skip-if-exists")
    assert api.ask(find, name=name) == [project]
    flow_id = guest.register(name, "family")["child"]

    assert f"{name} deleted" in guest.cli("delete", "project", name)
    assert api.ask(find, name=name) == []
    assert api.ask("query($id: uuid!) { flow_by_pk(id: $id) { id } }", id=flow_id) is None
    assert api.ask("query($id: uuid!) { task(where: {flow_id: {_eq: $id}}) { id } }", id=flow_id) == []
    assert f"Project {name} not found" in guest.cli("delete", "project", name)


@pytest.fixture
def poked(api: Api, agent: AgentProcess) -> Iterator[None]:
    """Wake the agent as soon as there is a scheduled run, while a command waits for it."""
    done = Event()

    def poke() -> None:
        find = 'query { flow_run(where: {state: {_eq: "Scheduled"}, auto_scheduled: {_eq: false}}) { id labels } }'
        wait_until(lambda: done.is_set() or any(not run["labels"] for run in api.ask(find)), "a scheduled run")
        agent.poke()

    thread = Thread(target=poke)
    thread.start()
    yield
    done.set()
    thread.join()
