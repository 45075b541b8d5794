"""Agents of the published client take the runs that are meant for them, each run once."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.clients.agent import AgentProcess
from tests.clients.api import Api, instant
from tests.clients.guest import Guest

Runner = Callable[..., str]


@pytest.fixture(scope="module")
def labelled_agent(guest: Guest) -> Iterator[AgentProcess]:
    """An agent started with labels on its command line."""
    agent = AgentProcess(guest, "labelled", ("gpu", "big"))
    try:
        yield agent.wait_ready()
    finally:
        agent.stop()


def test_an_agent_is_listed_with_its_labels_and_the_time_of_its_last_poll(
    api: Api, labelled_agent: AgentProcess
) -> None:
    labelled_agent.poke()
    (row,) = api.ask('query { agent(where: {name: {_eq: "labelled"}}) { type name labels core_version last_queried } }')
    assert (row["type"], row["core_version"], sorted(row["labels"])) == ("LocalAgent", "1.4.1", ["big", "gpu"])
    assert abs(instant(row["last_queried"]) - datetime.now(UTC)) < timedelta(seconds=30)


def test_a_labelled_run_goes_to_the_agent_that_has_its_labels(
    api: Api, flows: dict[str, str], agent: AgentProcess, labelled_agent: AgentProcess
) -> None:
    run = api.create_flow_run(flows["labelled"])
    assert api.flow_run(run, "labels")["labels"] == ["gpu"]
    agent.poke()
    labelled_agent.poke()
    api.wait_for_state(run, "Success")
    assert api.flow_run(run, "agent { name }")["agent"]["name"] == "labelled"


def test_a_run_without_labels_goes_to_an_agent_without_labels(
    api: Api, flows: dict[str, str], agent: AgentProcess, labelled_agent: AgentProcess
) -> None:
    run = api.create_flow_run(flows["names"])
    labelled_agent.poke()
    agent.poke()
    api.wait_for_state(run, "Success")
    assert api.flow_run(run, "agent { name }")["agent"]["name"] == "plain"


def test_a_run_with_a_label_that_no_agent_has_waits(
    api: Api, flows: dict[str, str], agent: AgentProcess, labelled_agent: AgentProcess, execute: Runner
) -> None:
    run = api.create_flow_run(flows["labelled"], labels=["gpu", "nobody"])
    later = api.create_flow_run(flows["labelled"], labels=["gpu"])
    labelled_agent.poke()
    api.wait_for_state(later, "Success")  # so the agent has looked
    execute("names")  # and so has the other
    assert api.states(run) == ["Scheduled"]
    api.mutate("cancel_flow_run", "state", flow_run_id=run)


def test_labels_of_the_run_override_those_of_the_flow(api: Api, execute: Runner) -> None:
    run = execute("labelled", labels=[])
    assert api.flow_run(run, "labels agent { name }") == {"labels": [], "agent": {"name": "plain"}}


def test_an_agents_environment_reaches_the_run_and_the_runs_own_wins(
    api: Api, flows: dict[str, str], guest: Guest
) -> None:
    agent = AgentProcess(guest, "coloured", ("coloured",), "--env", "EPARCH_TEST_COLOUR=of the agent")
    try:
        agent.wait_ready()
        plain = api.create_flow_run(flows["labelled"], labels=["coloured"])
        own = api.create_flow_run(flows["environment"], labels=["coloured"])
        agent.poke()
        for run, colour in ((plain, "of the agent"), (own, "of the flow")):
            api.wait_for_state(run, "Success")
            assert json.loads(api.result(run, "read_environment-1")) == colour
    finally:
        agent.stop()


def test_two_agents_that_race_for_the_same_runs_execute_each_run_once(
    api: Api, flows: dict[str, str], guest: Guest
) -> None:
    racers = [AgentProcess(guest, f"racer {number}", ("race",)) for number in (1, 2)]
    try:
        for racer in racers:
            racer.wait_ready()
        runs = [api.create_flow_run(flows["names"], labels=["race"]) for _ in range(8)]
        for racer in racers:
            racer.poke()
        for run in runs:
            api.wait_for_state(run, "Success", deadline_s=120)
    finally:
        for racer in racers:
            racer.stop()
    for run in runs:
        assert api.states(run) == ["Scheduled", "Submitted", "Running", "Success"]
        assert guest.marked(run, "named") == 1
