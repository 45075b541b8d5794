"""A run is made from the form: what is typed is what it gets, and what is wrong is told before anything is sent."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import Visit
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples

FLOW = """
query { flow(where: {name: {_eq: "publish-sessions"}, archived: {_eq: false}}) { id name parameters } }
"""
NEWEST = """
query ($id: uuid!) {
  flow_run_by_pk(id: $id) { name parameters labels context scheduled_start_time run_config priority }
}
"""


def made_run(visit: Visit, samples: Samples) -> dict[str, Any]:
    """Wait for the page of the run that was made, and return the run."""
    visit.page.wait_for_url("**/flow-run/*")
    visit.wait_ready()
    run: dict[str, Any] = samples.ask(NEWEST, id=visit.page.url.rsplit("/", 1)[1])["flow_run_by_pk"]
    return run


def submit(visit: Visit, name: str = "Run") -> None:
    visit.page.get_by_role("button", name=name, exact=True).click()


def test_a_run_gets_what_was_typed_and_can_be_repeated(server: ServerProcess, visit: Visit) -> None:
    samples = Samples(server.url)
    flow = samples.ask(FLOW)["flow"][0]
    visit.go(f"/flow/{flow['id']}/run")
    visit.page.get_by_label("day", exact=True).fill("2026-02-03")
    visit.page.get_by_label("full_refresh", exact=True).check()
    visit.page.get_by_label("Name", exact=True).fill("by-hand")
    visit.page.get_by_label("Labels").fill("eu, gpu")
    visit.page.get_by_label("Context, as JSON").fill('{"why": "a test"}')
    expect(visit.page.get_by_text("2 parameters set for this run.")).to_be_visible()
    submit(visit)
    run = made_run(visit, samples)
    assert run["name"] == "by-hand"
    assert {**run["parameters"]} == {"day": "2026-02-03", "full_refresh": True}
    assert run["labels"] == ["eu", "gpu"]
    assert run["context"] == {"why": "a test"}

    visit.page.get_by_role("button", name="More").click()
    visit.page.get_by_role("menuitem", name="Run anew, with changes").click()
    expect(visit.page.get_by_label("day", exact=True)).to_have_value("2026-02-03")
    expect(visit.page.get_by_label("Labels")).to_have_value("eu, gpu")
    submit(visit)
    visit.page.wait_for_url("**/flow-run/*")
    assert made_run(visit, samples)["parameters"] == run["parameters"]
    visit.check()


def test_what_is_wrong_is_told_and_nothing_is_sent(server: ServerProcess, visit: Visit) -> None:
    flow = Samples(server.url).ask(FLOW)["flow"][0]
    visit.go(f"/flow/{flow['id']}/run?view=json")
    visit.page.get_by_label("Parameters, as JSON").fill('{"dya": 1}')
    submit(visit)
    expect(visit.page.get_by_text("The flow has no parameter dya.")).to_be_visible()
    expect(visit.page.get_by_text("1 field must be mended first.")).to_be_visible()
    visit.page.get_by_label("Later").check()
    visit.page.get_by_label("Time, in Athens").fill("2020-01-01T00:00")
    expect(visit.page.get_by_text("This is past")).to_be_visible()
    assert "/run?" in visit.page.url
    visit.check_accessible()
    visit.check()


def test_a_run_is_planned_in_the_zone_of_the_page(server: ServerProcess, visit: Visit) -> None:
    samples = Samples(server.url)
    flow = samples.ask(FLOW)["flow"][0]
    visit.go(f"/flow/{flow['id']}/run")
    visit.page.get_by_label("Later").check()
    visit.page.get_by_label("Time, in Athens").fill("2099-07-01T06:30")
    submit(visit, "Plan the run")
    assert made_run(visit, samples)["scheduled_start_time"].startswith("2099-07-01T03:30:00")
    visit.check()


PARAMETERS = [
    {"name": "rows", "required": False, "default": 10},
    {"name": "source", "required": False, "default": "orders"},
    {"name": "options", "required": False, "default": {"deep": True}},
    {"name": "key", "required": True, "default": None},
]
MAKE_FLOW = """
mutation ($flow: JSON!, $project: UUID!) { create_flow(input: {serialized_flow: $flow, project_id: $project}) { id } }
"""


@pytest.fixture
def needy_flow(server: ServerProcess) -> str:
    """The id of a flow with a parameter of each kind, one of them required."""
    samples = Samples(server.url)
    flow = {
        "name": "needy",
        "__version__": "1.4.1",
        "parameters": PARAMETERS,
        "tasks": [{"slug": "one", "name": "one"}],
        "edges": [],
        "storage": {"type": "Local"},
        "run_config": {"type": "LocalRun", "labels": ["etl"], "env": None},
    }
    project = samples.ask("{ project(limit: 1) { id } }")["project"][0]["id"]
    flow_id: str = samples.ask(MAKE_FLOW, flow=flow, project=project)["create_flow"]["id"]
    return flow_id


def test_each_field_says_what_is_wrong_with_it_until_it_is_mended(
    server: ServerProcess, visit: Visit, needy_flow: str
) -> None:
    page = visit.page
    visit.go(f"/flow/{needy_flow}/run")
    runs = "query ($id: uuid) { flow_run(where: {flow_id: {_eq: $id}}) { id } }"
    submit(visit)
    expect(page.get_by_text("The flow needs a value here.")).to_be_visible()
    expect(page.get_by_text("1 field must be mended first.")).to_be_visible()

    page.get_by_label("rows", exact=True).fill("many")
    expect(page.get_by_text("many is not a number.")).to_be_visible()
    expect(page.get_by_label("rows", exact=True)).to_have_attribute("aria-invalid", "true")
    page.get_by_label("options", exact=True).fill('{"deep": ')
    page.get_by_label("Priority").fill("high")
    expect(page.get_by_text("A priority is a whole number")).to_be_visible()
    page.get_by_label("Context, as JSON").fill("[1]")
    expect(page.get_by_text("This must be an object")).to_be_visible()
    page.get_by_label("Run config, as JSON").fill("")
    expect(page.get_by_text("A run cannot be without its run config")).to_be_visible()
    expect(page.get_by_text("6 fields must be mended first.")).to_be_visible()
    submit(visit)
    visit.check_accessible()
    assert Samples(server.url).ask(runs, id=needy_flow) == {"flow_run": []}

    page.get_by_role("button", name="Back to the default of rows").click()
    page.get_by_role("button", name="Back to the default of options").click()
    page.get_by_label("key", exact=True).fill('"k-1"')
    page.get_by_label("Priority").fill("5")
    page.get_by_label("Context, as JSON").fill("")
    page.get_by_label("Run config, as JSON").fill('{"type": "LocalRun", "labels": ["etl"], "env": {"DEBUG": "1"}}')
    submit(visit)
    run = made_run(visit, Samples(server.url))
    assert run["parameters"]["key"] == "k-1"
    assert run["priority"] == 5
    assert run["run_config"]["env"] == {"DEBUG": "1"}
    visit.check()


def test_what_is_typed_in_one_view_stands_in_the_other(server: ServerProcess, visit: Visit, needy_flow: str) -> None:
    page = visit.page
    visit.go(f"/flow/{needy_flow}/run")
    page.get_by_label("rows", exact=True).fill("25")
    page.get_by_label("key", exact=True).fill("[1, 2]")
    page.get_by_role("link", name="JSON", exact=True).click()
    editor = page.get_by_label("Parameters, as JSON")
    expect(editor).to_contain_text('"rows": 25')
    editor.fill('{"rows": 30, "source": "returns", "options": {"deep": true}, "key": [1, 2]}')
    page.get_by_role("link", name="Form", exact=True).click()
    expect(page.get_by_label("rows", exact=True)).to_have_value("30")
    expect(page.get_by_label("source", exact=True)).to_have_value("returns")
    page.go_back()
    expect(editor).to_contain_text('"source": "returns"')
    expect(page.get_by_text("3 parameters set for this run.")).to_be_visible()
    submit(visit)
    made = made_run(visit, Samples(server.url))
    assert {**made["parameters"]} == {"rows": 30, "source": "returns", "key": [1, 2], "options": {"deep": True}}
    assert made["labels"] == ["etl"]
    visit.check()


def test_an_earlier_run_is_chosen_from_the_form_and_a_link_keeps_the_choice(
    server: ServerProcess, visit: Visit, open_visit: OpenVisit, needy_flow: str
) -> None:
    samples = Samples(server.url)
    made = samples.ask(
        """mutation ($flow: UUID!) { create_flow_run(input: {
          flow_id: $flow, flow_run_name: "first-try", parameters: {key: "a", rows: 7}, labels: ["gpu"]
          context: {why: "a test"}
        }) { id } }""",
        flow=needy_flow,
    )["create_flow_run"]["id"]
    samples.ask(
        """mutation ($id: UUID!, $state: JSON!) {
          set_flow_run_states(input: {states: [{flow_run_id: $id, state: $state}]}) { states { id } }
        }""",
        id=made,
        state={"type": "Running", "message": "Running."},
    )
    visit.go(f"/flow/{needy_flow}/run")
    visit.page.get_by_role("button", name="Repeat").click()
    visit.page.get_by_role("radio", name="first-try").click()
    for one in (visit, open_visit(server.url)):
        if one is not visit:
            one.go(visit.page.url.removeprefix(server.url))
        expect(one.page.get_by_label("rows", exact=True)).to_have_value("7")
        expect(one.page.get_by_label("key", exact=True)).to_have_value('"a"')
        expect(one.page.get_by_label("Labels")).to_have_value("gpu")
        expect(one.page.get_by_label("Context, as JSON")).to_contain_text('"why": "a test"')
        one.check()
    visit.page.go_back()
    expect(visit.page.get_by_label("rows", exact=True)).to_have_value("10")
    expect(visit.page.get_by_label("Labels")).to_have_value("etl")
    visit.check()
