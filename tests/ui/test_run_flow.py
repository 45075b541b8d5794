"""A run is made from the form: what is typed is what it gets, and what is wrong is told before anything is sent."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import Visit
from tests.ui.conftest import OpenVisit, StartServer
from tests.ui.samples import Samples

FLOW = """
query { flow(where: {name: {_eq: "publish-sessions"}, archived: {_eq: false}}) { id name parameters } }
"""
NEWEST = """
query ($id: uuid!) {
  flow_run_by_pk(id: $id) { name parameters labels context scheduled_start_time run_config priority }
}
"""


@pytest.fixture
def server(start_seeded: StartServer) -> Iterator[ServerProcess]:
    with start_seeded("--no-services-enabled") as server:
        yield server


@pytest.fixture
def visit(server: ServerProcess, open_visit: OpenVisit) -> Visit:
    return open_visit(server.url)


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
