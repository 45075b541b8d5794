"""Agents: the same attributes are the same agent."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest

from eparch.core.errors import BadInput, Forbidden, NotFound
from eparch.core.principals import Principal
from eparch.core.transitions import made_state
from eparch.database.tables import agent, agent_config, flow_run
from eparch.operations.agents import agent_fingerprint
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.samples import make_project, register

CALLER = Principal(TENANT, core_version="1.4.1")


def test_what_an_agent_says_is_stored(backend: Backend) -> None:
    made = backend.run("register_agent", CALLER, type="LocalAgent", name="mine", labels=["b", "a"], tenant_id=TENANT)
    row = backend.row(agent, made["id"])
    assert (row["tenant_id"], row["type"], row["name"], row["core_version"]) == (TENANT, "LocalAgent", "mine", "1.4.1")
    assert (row["labels"], row["agent_config_id"], row["last_queried"]) == (["a", "b"], None, backend.now)


@pytest.mark.parametrize("given", [{}, {"labels": None, "name": None, "agent_config_id": None, "tenant_id": None}])
def test_most_may_be_left_out(backend: Backend, given: dict[str, None]) -> None:
    row = backend.row(agent, backend.run("register_agent", type="DockerAgent", **given)["id"])
    assert (row["labels"], row["name"], row["core_version"], row["tenant_id"]) == ([], None, None, TENANT)


def test_the_same_attributes_are_the_same_agent(backend: Backend) -> None:
    ids = {
        backend.run("register_agent", CALLER, type="LocalAgent", name="n", labels=list(labels))["id"]
        for labels in [*permutations("abc"), "aabbcc"]
    }
    assert len(ids) == 1
    assert backend.count(agent) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"type": "DockerAgent"},
        {"name": "other"},
        {"name": None},
        {"name": ""},
        {"labels": ["a"]},
        {"labels": []},
        {"labels": ["ab"]},
        {"core_version": None},
        {"core_version": "1.4.0"},
    ],
)
def test_anything_else_is_another_agent(backend: Backend, other: dict[str, Any]) -> None:
    first = {"type": "LocalAgent", "name": "n", "labels": ["a", "b"], "core_version": "1.4.1"}
    ids = []
    for each in (first, {**first, **other}, first):
        caller = Principal(TENANT, core_version=each["core_version"])
        given = {name: value for name, value in each.items() if name != "core_version"}
        ids.append(backend.run("register_agent", caller, **given)["id"])
    assert ids[0] == ids[2] != ids[1]
    assert backend.count(agent) == 2


def test_agents_belong_to_a_tenant(backend: Backend) -> None:
    mine = backend.run("register_agent", type="LocalAgent")["id"]
    theirs = backend.run("register_agent", Principal(OTHER_TENANT), type="LocalAgent")["id"]
    assert mine != theirs
    assert backend.run("delete_agent", agent_id=theirs) == {"success": False}
    with pytest.raises(Forbidden):
        backend.run("register_agent", type="LocalAgent", tenant_id=OTHER_TENANT)


def test_a_second_registration_is_a_sign_of_life_and_may_bring_a_config(backend: Backend) -> None:
    config_id = backend.run("create_agent_config", name="c")["id"]
    first = backend.run("register_agent", type="LocalAgent")["id"]
    now = backend.move_clock(hours=1)
    assert backend.run("register_agent", type="LocalAgent", agent_config_id=config_id)["id"] == first
    row = backend.row(agent, first)
    assert (row["agent_config_id"], row["last_queried"], row["updated"]) == (config_id, now, now)
    assert row["created"] < now
    backend.run("register_agent", type="LocalAgent")
    assert backend.row(agent, first)["agent_config_id"] is None


def test_a_config_must_be_the_tenants(backend: Backend) -> None:
    theirs = backend.run("create_agent_config", Principal(OTHER_TENANT))["id"]
    for config_id in (theirs, UNKNOWN):
        with pytest.raises(NotFound, match="Invalid agent config ID"):
            backend.run("register_agent", type="LocalAgent", agent_config_id=config_id)
    assert backend.count(agent) == 0


def test_agents_that_register_at_once_are_one(backend: Backend) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: backend.run("register_agent", type="LocalAgent", labels=["a"]), range(40)))
    assert len({each["id"] for each in made}) == 1
    assert backend.count(agent) == 1


def test_a_deleted_agent_leaves_its_runs(backend: Backend) -> None:
    agent_id = backend.run("register_agent", type="LocalAgent")["id"]
    flow_id = register(backend, make_project(backend))
    run_id = backend.run("create_flow_run", flow_id=flow_id)["id"]
    caller = Principal(TENANT, agent_id=agent_id)
    states = [{"flow_run_id": run_id, "state": dict(made_state("Submitted", "").document)}]
    backend.run("set_flow_run_states", caller, states=states)
    assert backend.row(flow_run, run_id)["agent_id"] == agent_id
    assert backend.run("delete_agent", agent_id=agent_id) == {"success": True}
    assert backend.run("delete_agent", agent_id=agent_id) == {"success": False}
    assert backend.row(flow_run, run_id)["agent_id"] is None


def test_a_config_is_made_changed_and_deleted(backend: Backend) -> None:
    config_id = backend.run("create_agent_config")["id"]
    row = backend.row(agent_config, config_id)
    assert (row["name"], row["settings"], row["tenant_id"]) == (None, {}, TENANT)
    assert backend.run("update_agent_config", agent_config_id=config_id, name="n", settings={"a": 1})["success"]
    assert backend.run("update_agent_config", agent_config_id=config_id, name=None, settings={"b": 2})["success"]
    assert backend.run("update_agent_config", agent_config_id=config_id)["success"]
    row = backend.row(agent_config, config_id)
    assert (row["name"], row["settings"]) == ("n", {"b": 2})
    agent_id = backend.run("register_agent", type="LocalAgent", agent_config_id=config_id)["id"]
    assert backend.run("delete_agent_config", agent_config_id=config_id) == {"success": True}
    assert backend.row(agent, agent_id)["agent_config_id"] is None
    assert backend.run("delete_agent_config", agent_config_id=config_id) == {"success": False}
    assert backend.run("update_agent_config", agent_config_id=config_id, name="x") == {"success": False}


def test_a_config_is_an_object_of_one_tenant(backend: Backend) -> None:
    config_id = backend.run("create_agent_config", settings={"a": 1})["id"]
    with pytest.raises(BadInput, match="JSON object"):
        backend.run("create_agent_config", settings=["a"])
    with pytest.raises(BadInput, match="JSON object"):
        backend.run("update_agent_config", agent_config_id=config_id, settings="a")
    them = Principal(OTHER_TENANT)
    assert backend.run("update_agent_config", them, agent_config_id=config_id, settings={}) == {"success": False}
    assert backend.run("delete_agent_config", them, agent_config_id=config_id) == {"success": False}
    assert backend.row(agent_config, config_id)["settings"] == {"a": 1}


def test_the_fingerprint_of_an_agent_never_changes() -> None:
    # It is in people's databases: if this fails, every agent would register a second time.
    assert agent_fingerprint("n", "LocalAgent", "1.4.1", ["a"]) == (
        "7f924dba001d15eb40ec55dd28415ce15418d4d0a187c5f30e684b4969c45bde"
    )
    assert agent_fingerprint(None, "LocalAgent", None, []) != agent_fingerprint("", "LocalAgent", "", [])
