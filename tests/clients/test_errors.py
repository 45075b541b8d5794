"""Errors have the form that the published client understands; it raises what its users expect."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.clients.api import Api
from tests.clients.guest import Guest


@pytest.fixture(scope="module")
def outcomes(guest: Guest) -> dict[str, Any]:
    """What the client raised or returned, under the name of each case of probe_errors.py."""
    probed: dict[str, Any] = guest.run("probe_errors.py")
    return probed


@pytest.mark.parametrize(
    ("case", "raised", "text"),
    [
        ("unknown field", "ClientError", "GRAPHQL_VALIDATION_FAILED"),
        ("syntax error", "ClientError", "GRAPHQL_PARSE_FAILED"),
        ("state of an unknown run", "ObjectNotFoundError", "not found"),
        ("info of an unknown run", "ClientError", "Flow run ID not found"),
        ("state for an unknown run", "ClientError", "State update failed"),
        ("a run of an unknown flow", "ClientError", "not found"),
        ("hello", "returned", "hello"),
    ],
)
def test_the_client_raises_what_its_users_expect(outcomes: dict[str, Any], case: str, raised: str, text: str) -> None:
    found, message = outcomes[case]
    assert found == raised, message
    assert text in message


def test_the_client_finds_the_project_that_it_cannot_create_again(outcomes: dict[str, Any]) -> None:
    assert outcomes["a project again"] == ["returned", outcomes["project"]]


# Each is an error after which nothing of the operation is done.
REFUSED_AS_A_WHOLE = {
    "syntax": ("query { hello", None, "GRAPHQL_PARSE_FAILED"),
    "unknown field": ("query { nope }", None, "GRAPHQL_VALIDATION_FAILED"),
    "unknown column": ("query { flow { nope } }", None, "GRAPHQL_VALIDATION_FAILED"),
    "unknown operator": ('query { flow(where: {name: {_is: "x"}}) { id } }', None, "GRAPHQL_VALIDATION_FAILED"),
    "missing variable": (
        "query($id: uuid!) { flow_by_pk(id: $id) { id } }",
        {},
        "BAD_USER_INPUT",
    ),
    "unknown input field": (
        "mutation($input: create_project_input!) { create_project(input: $input) { id } }",
        {"input": {"name": "x", "colour": "red"}},
        "BAD_USER_INPUT",
    ),
}


@pytest.mark.parametrize("case", REFUSED_AS_A_WHOLE)
def test_an_operation_that_is_not_valid_is_answered_with_400_and_a_code(api: Api, case: str) -> None:
    document, variables, code = REFUSED_AS_A_WHOLE[case]
    response = api.post(document, variables)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/json")
    answer = response.json()
    assert "data" not in answer
    assert answer["errors"]
    for error in answer["errors"]:
        assert isinstance(error["message"], str)
        assert error["extensions"]["code"] == code


# Each is refused by a rule of the server: the client looks at these only with the code 200.
REFUSED_BY_A_RULE = {
    "unknown flow run": ("set_flow_run_states", {"states": [{"flow_run_id": "?", "state": {"type": "Running"}}]}),
    "unknown task run": ("set_task_run_states", {"states": [{"task_run_id": "?", "state": {"type": "Running"}}]}),
    "unknown state": ("set_flow_run_states", {"states": [{"flow_run_id": "?", "state": {"type": "Weird"}}]}),
    "unknown flow": ("create_flow_run", {"flow_id": "?"}),
    "unknown project": ("create_flow", {"project_id": "?", "serialized_flow": {"name": "x"}}),
    "unknown task": ("get_or_create_task_run_info", {"flow_run_id": "?", "task_id": "?"}),
    "unknown task run for an artifact": ("create_task_run_artifact", {"task_run_id": "?", "kind": "link", "data": {}}),
    "unknown run to cancel": ("cancel_flow_run", {"flow_run_id": "?"}),
    "not a compressed flow": ("create_flow_from_compressed_string", {"project_id": "?", "serialized_flow": "x"}),
}
_SELECTIONS = {
    "set_flow_run_states": "states { id }",
    "set_task_run_states": "states { id }",
    "cancel_flow_run": "state",
}


@pytest.mark.parametrize("case", REFUSED_BY_A_RULE)
def test_what_a_rule_refuses_is_answered_with_200_and_a_message(api: Api, case: str) -> None:
    mutation, fields = REFUSED_BY_A_RULE[case]
    selection = _SELECTIONS.get(mutation, "id")
    document = f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {selection} }} }}"
    response = api.post(document, {"input": _with_unknown_ids(fields)})
    assert response.status_code == 200
    answer = response.json()
    assert answer["data"] == {mutation: None}
    (error,) = answer["errors"]
    assert error["path"] == [mutation]
    assert isinstance(error["extensions"]["code"], str)
    # These words mean something else to the client, wherever they stand.
    for word in ("API_ERROR", "UNAUTHENTICATED", "Malformed Authorization header", "VERSION_LOCKING_ERROR"):
        assert word not in str(error)


@pytest.mark.parametrize("path", ["/", "/graphql", "/graphql/"])
def test_the_api_answers_at_every_path_at_which_the_published_client_looks_for_it(api: Api, path: str) -> None:
    response = httpx.post(api.url + path, json={"query": "query { hello }", "variables": "null"})
    assert response.status_code == 200
    assert list(response.json()) == ["data"]


def test_credentials_of_a_client_that_has_some_do_no_harm_without_authentication(api: Api) -> None:
    headers = {"Authorization": "Bearer KEY123", "X-PREFECT-CORE-VERSION": "1.4.1"}
    response = httpx.post(api.url, json={"query": "query { tenant { id } }"}, headers=headers)
    assert response.status_code == 200
    assert response.json()["data"]["tenant"]


def test_an_id_of_the_wrong_kind_finds_nothing(api: Api) -> None:
    for literal in ('"not a uuid"', f'"{uuid4()}"', '""'):
        assert api.ask(f"query {{ flow(where: {{ id: {{ _eq: {literal} }} }}) {{ id }} }}") == []
        assert api.ask(f"query {{ flow_run(where: {{ id: {{ _eq: {literal} }} }}) {{ id }} }}") == []


def test_text_beyond_the_basic_plane_survives_as_the_client_writes_it(api: Api) -> None:
    # The client writes string literals as JSON: escaped, with surrogate pairs.
    api.mutate("create_project", "id", name="rocket 🚀 “é”\n")
    document = 'query { project(where: {name: {_eq: "rocket \\ud83d\\ude80 \\u201c\\u00e9\\u201d\\n"}}) { name } }'
    assert api.ask(document) == [{"name": "rocket 🚀 “é”\n"}]


def _with_unknown_ids(value: Any) -> Any:
    """Return `value` with a new id in the place of every "?"."""
    if isinstance(value, dict):
        return {key: _with_unknown_ids(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_unknown_ids(item) for item in value]
    return str(uuid4()) if value == "?" else value
