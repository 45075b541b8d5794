"""Every request that was captured from a published client gets the answer that this client can use.

The captures are replayed as they went over the wire: the headers, and the body with its variables as JSON within JSON.
"""

from collections.abc import Iterator

import pytest

from tests.clients.api import Api
from tests.clients.shapes import check_answer
from tests.clients.wire_cases import CASES, LATER, REFUSALS, Case, Refusal
from tests.clients.wire_world import SAMPLES, Sample, World
from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def quiet_api(quiet_server: ServerProcess) -> Iterator[Api]:
    api = Api(quiet_server.url)
    yield api
    api.close()


@pytest.fixture
def world(quiet_api: Api) -> Iterator[World]:
    world = World(quiet_api)
    yield world
    world.close()


def test_every_capture_is_in_one_of_the_tables() -> None:
    named = [case.name for case in CASES] + [refusal.name for refusal in REFUSALS] + list(LATER)
    assert sorted(named) == sorted(path.stem for path in SAMPLES.glob("*.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_captured_request_gets_an_answer_of_the_right_shape(world: World, case: Case) -> None:
    case.given(world)
    response = world.send(case.name)
    answer = response.json()
    assert response.status_code == 200, answer
    assert list(answer) == ["data"], answer
    check_answer(Sample.load(case.name).document, answer["data"])
    (value,) = answer["data"].values()
    case.check(value, world)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_captured_request_that_is_refused_is_told_why_in_the_words_that_the_client_knows(
    world: World, refusal: Refusal
) -> None:
    refusal.given(world)
    response = world.send(refusal.name)
    answer = response.json()
    # With another code than 200 the client would not look for the words.
    assert response.status_code == 200, answer
    (error,) = answer["errors"]
    if refusal.message.endswith("."):
        assert error["message"] == refusal.message
    else:
        assert refusal.message in error["message"]
    assert isinstance(error["extensions"]["code"], str)
    assert all(value is None for value in (answer["data"] or {}).values())


@pytest.mark.parametrize("name", LATER)
def test_a_captured_request_for_what_is_not_served_yet_is_refused_as_a_whole(quiet_api: Api, name: str) -> None:
    root, _ = LATER[name]
    sample = Sample.load(name)
    if "X-PREFECT-TENANT-ID" in sample.headers:
        sample.headers["X-PREFECT-TENANT-ID"] = quiet_api.ask("query { tenant { id } }")[0]["id"]
    response = quiet_api.send(sample.method, sample.path, sample.headers, sample.body)
    assert response.status_code == 400
    answer = response.json()
    assert "data" not in answer
    assert any(f"'{root}'" in error["message"] for error in answer["errors"]), answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


def test_variables_may_be_absent_null_an_object_or_text(quiet_api: Api) -> None:
    find = "query($slug: String) { tenant(where: {slug: {_eq: $slug}}) { slug } }"
    for variables, expected in (
        ({"slug": "default"}, 1),
        ('{"slug": "default"}', 1),
        ({"slug": "no such tenant"}, 0),
        ('{"slug": "no such tenant"}', 0),
    ):
        answer = quiet_api.post_body({"query": find, "variables": variables})
        assert len(answer.json()["data"]["tenant"]) == expected, variables
    for body in ({"query": find, "variables": "null"}, {"query": find, "variables": None}, {"query": find}):
        assert quiet_api.post_body(body).json()["data"]["tenant"]
