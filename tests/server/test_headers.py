"""The headers of Prefect's clients: which tenant, which agent, which version."""

import pytest

from tests.server.wire import ask
from tests.server_process import ServerProcess

PROJECTS = "{ project { name tenant { slug } } }"


def make_tenant(server: ServerProcess, slug: str) -> str:
    document = "mutation ($i: create_tenant_input!) { create_tenant(input: $i) { id } }"
    answer = ask(server.port, document, {"i": {"name": slug, "slug": slug}}).json()
    tenant_id: str = answer["data"]["create_tenant"]["id"]
    return tenant_id


@pytest.mark.parametrize("shown", [str, str.upper, lambda tenant_id: f" {tenant_id} ", lambda t: t.replace("-", "")])
def test_the_header_chooses_the_tenant(each_server: ServerProcess, shown: object) -> None:
    assert callable(shown)
    slug = f"tenant-{id(shown)}"
    # A new tenant can be used as soon as its id is known.
    header = shown(make_tenant(each_server, slug))
    create = 'mutation { create_project(input: {name: "of a tenant"}) { id } }'
    assert "errors" not in ask(each_server.port, create, x_prefect_tenant_id=header).json()
    projects = ask(each_server.port, PROJECTS, x_prefect_tenant_id=header).json()["data"]["project"]
    assert projects == [{"name": "of a tenant", "tenant": {"slug": slug}}]
    others = ask(each_server.port, PROJECTS).json()["data"]["project"]
    assert all(project["tenant"]["slug"] != slug for project in others)


def test_without_the_header_the_oldest_tenant_is_meant(each_server: ServerProcess) -> None:
    make_tenant(each_server, "a-younger-one")
    assert (
        "errors"
        not in ask(each_server.port, 'mutation { create_project(input: {name: "of the first"}) { id } }').json()
    )
    projects = ask(each_server.port, PROJECTS).json()["data"]["project"]
    assert {project["tenant"]["slug"] for project in projects} == {"default"}


@pytest.mark.parametrize("tenant", ["00000000-0000-4000-8000-0000000000ff", "x", "null", "'; DROP TABLE tenant", "é"])
def test_an_unknown_tenant_is_told_as_clients_expect_it(server: ServerProcess, tenant: str) -> None:
    response = ask(server.port, "{ hello }", x_prefect_tenant_id=tenant)
    # Prefect's client looks for this word in the errors of an answer with status 200.
    assert (response.status, response.codes) == (200, ["UNAUTHENTICATED"])
    assert response.json()["data"] is None


def test_a_tenant_that_was_deleted_is_unknown(each_server: ServerProcess) -> None:
    tenant_id = make_tenant(each_server, "short-lived")
    delete = "mutation ($i: delete_tenant_input!) { delete_tenant(input: $i) { success } }"
    answer = ask(
        each_server.port, delete, {"i": {"tenant_id": tenant_id, "confirm": True}}, x_prefect_tenant_id=tenant_id
    )
    assert answer.json() == {"data": {"delete_tenant": {"success": True}}}
    assert ask(each_server.port, "{ hello }", x_prefect_tenant_id=tenant_id).codes == ["UNAUTHENTICATED"]


def test_an_agent_is_seen_when_it_asks_for_runs(each_server: ServerProcess) -> None:
    register = 'mutation { register_agent(input: {type: "LocalAgent", name: "seen", labels: ["x"]}) { id } }'
    registered = ask(each_server.port, register, x_prefect_core_version="1.4.1").json()
    agent_id = registered["data"]["register_agent"]["id"]
    find = "query ($id: uuid) { agent(where: {id: {_eq: $id}}) { core_version last_queried } }"

    (before,) = ask(each_server.port, find, {"id": agent_id}).json()["data"]["agent"]
    poll = 'mutation { get_runs_in_queue(input: {labels: ["x"]}) { flow_run_ids } }'
    for header in (agent_id.upper(), "x", "00000000-0000-4000-8000-0000000000ff", ""):
        answer = ask(each_server.port, poll, x_prefect_agent_id=header).json()
        assert answer == {"data": {"get_runs_in_queue": {"flow_run_ids": []}}}
    (after,) = ask(each_server.port, find, {"id": agent_id}).json()["data"]["agent"]
    assert before["core_version"] == after["core_version"] == "1.4.1"
    assert before["last_queried"] is None or before["last_queried"] < after["last_queried"]
    assert after["last_queried"] is not None


def test_other_headers_of_clients_change_nothing(server: ServerProcess) -> None:
    headers = {
        "authorization": "Bearer abc",
        "x_prefect_core_version": "1.4.1é",
        "x_prefect_ui": "true",
        "x_backend": "SERVER",
        "x_prefect_heartbeat_id": "1",
        "x_prefect_user_id": "x",
        "cookie": "a=b",
        "x_long": "y" * 8_000,
    }
    assert ask(server.port, "{ hello }", **headers).json() == {"data": {"hello": "👋"}}
