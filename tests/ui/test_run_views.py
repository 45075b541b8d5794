"""What the page of a flow run tells and gives away."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import NARROW
from tests.ui.conftest import OpenVisit, StartServer
from tests.ui.samples import Samples


def test_a_run_that_goes_on_is_cancelled_and_the_page_tells(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        visit = open_visit(server.url)
        visit.go(Samples(server.url).path("/flow-run/{running_run}"))
        page = visit.page
        page.get_by_role("button", name="Cancel", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel the run").click()
        expect(page.locator("main dl").first).to_contain_text("Cancelling")
        visit.check()


def test_a_late_run_tells_why_and_can_be_made_due(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{late_run}"))
    expect(visit.page.get_by_role("region", name="Why it is not running")).to_contain_text("legacy")
    visit.check()


def test_all_of_the_log_can_be_taken_along(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{wide_run}?tab=logs&level=error"))
    page = visit.page
    page.get_by_role("button", name="Download").click()
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="Everything").click()
    file = waiting.value.path().read_text(encoding="utf-8")
    count = samples.ask(
        "query ($id: uuid) { log_aggregate(where: {flow_run_id: {_eq: $id}}) { aggregate { count } } }",
        id=samples.path("{wide_run}"),
    )["log_aggregate"]["aggregate"]["count"]
    assert len(re.findall(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 ", file, flags=re.MULTILINE)) == count
    visit.check()


def test_a_failure_is_followed_on_the_schematic(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{flow_run}?tab=schematic"))
    page = visit.page
    page.locator(".failures").get_by_role("button").first.click()
    aside = page.get_by_role("complementary", name="The chosen task")
    expect(aside).to_contain_text("Failed")
    expect(page).to_have_url(re.compile("task="))
    page.keyboard.press("Escape")
    expect(aside).to_have_count(0)
    visit.check()


def test_a_failed_run_tells_its_error_and_where_it_happened(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{flow_run}"))
    failures = visit.page.get_by_role("region", name="Why it failed")
    first = failures.get_by_role("listitem").first
    link = first.get_by_role("link").first
    task_run_id = (link.get_attribute("href") or "").rpartition("/")[2]
    query = "query ($id: uuid!) { task_run_by_pk(id: $id) { state state_message } }"
    told = samples.ask(query, id=task_run_id)["task_run_by_pk"]
    assert told["state"] == "Failed"
    expect(first).to_contain_text(told["state_message"].splitlines()[0])
    first.get_by_role("link", name="Its log").click()
    expect(visit.page.get_by_role("log")).to_contain_text("Exception encountered")
    assert f"task_run={task_run_id}" in visit.page.url
    visit.check()


@pytest.mark.parametrize("run", ["flow_run", "wide_run"])
def test_on_a_phone_the_schematic_begins_where_the_run_failed(
    run: str, seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url, NARROW)
    visit.go(samples.path(f"/flow-run/{{{run}}}?tab=schematic"))
    page = visit.page
    name = page.locator(".failures").get_by_role("button").first.inner_text().strip()
    expect(page.locator("[data-node]").filter(has_text=name).first).to_be_in_viewport()
    visit.check()


def test_a_planned_run_says_when_it_starts_as_its_reader_tells_the_time(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    planned = samples.ask(
        """query ($now: timestamptz!) { flow_run(
          where: {state: {_eq: "Scheduled"}, scheduled_start_time: {_gte: $now}}
          order_by: {scheduled_start_time: desc}, limit: 1
        ) { id } }""",
        now=datetime.now(UTC).isoformat(),
    )["flow_run"][0]["id"]
    visit = open_visit(seeded.url, NARROW)
    visit.go(f"/flow-run/{planned}?tab=details")
    why = visit.page.get_by_role("region", name="Why it is not running")
    expect(why).to_contain_text(re.compile(r"It is planned for .*\d \(in \d+ \w+\)\."))
    expect(why).not_to_contain_text("+00:00")
    visit.check_accessible()
    visit.check()


def test_a_short_name_shares_its_line_with_what_can_be_done(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url, NARROW)
    visit.go(samples.path("/task-run/{task_run}"))
    name = visit.page.locator("main h1").bounding_box()
    menu = visit.page.get_by_role("button", name="More actions").bounding_box()
    assert name is not None
    assert menu is not None
    assert menu["y"] < name["y"] + name["height"]
