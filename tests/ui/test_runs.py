"""The list of runs, and what can be done with many of them at once."""

import re

from playwright.sync_api import Page, expect

from tests.server_process import ServerProcess
from tests.ui.conftest import OpenVisit, StartServer
from tests.ui.samples import Samples


def rows(page: Page, text: str = "") -> int:
    return page.locator("main tbody tr").filter(has_text=text).count()


def test_filters_stand_in_the_address_and_come_back_with_it(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs")
    page = visit.page
    page.get_by_role("button", name="State").click()
    page.get_by_role("checkbox", name="Failed").check()
    expect(page).to_have_url(re.compile(r"states=Failed"))
    page.keyboard.press("Escape")
    page.get_by_role("searchbox", name="Find runs or flows").fill("wide")
    expect(page).to_have_url(re.compile(r"q=wide"))
    expect(page.locator("main tbody tr")).to_have_count(1)
    address = page.url

    page.go_back()
    expect(page.get_by_role("searchbox", name="Find runs or flows")).to_have_value("")
    page.go_forward()
    other = open_visit(seeded.url)
    other.go(address.removeprefix(seeded.url))
    expect(other.page.locator("main tbody tr")).to_have_count(1)
    expect(other.page.get_by_role("searchbox", name="Find runs or flows")).to_have_value("wide")
    visit.check()
    other.check()


def test_a_view_is_kept_under_its_name_and_can_be_forgotten(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs?states=Failed&q=wide")
    page = visit.page
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name").fill("Octopuses")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("navigation", name="Views").get_by_role("link", name="All").click()
    expect(page.locator("main tbody tr").nth(1)).to_be_visible()

    visit.go("/runs")  # as if on another day
    page.get_by_role("link", name="Octopuses").click()
    expect(page).to_have_url(re.compile(r"states=Failed"))
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.get_by_role("button", name="This view").click()
    page.get_by_role("menuitem", name="Forget this view").click()
    expect(page.get_by_role("link", name="Octopuses")).to_have_count(0)
    visit.check()


def test_chosen_runs_are_cancelled_and_the_list_shows_it(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        visit = open_visit(server.url)
        visit.go("/runs?states=Waiting")
        page = visit.page
        names = [page.locator("main tbody tr a").nth(index).inner_text() for index in (0, 2)]
        boxes = page.get_by_role("checkbox", name="Select this row")
        before = Samples(server.url).ask(
            'query { flow_run_aggregate(where: {state: {_eq: "Cancelled"}}) { aggregate { count } } }'
        )["flow_run_aggregate"]["aggregate"]["count"]
        boxes.nth(0).check()
        page.locator("main tbody tr").nth(2).get_by_role("checkbox").check()
        page.get_by_role("toolbar").get_by_role("button", name="Cancel").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=True).click()
        expect(page.get_by_text("2 runs cancelled, or told to stop.")).to_be_visible()
        after = Samples(server.url).ask(
            'query { flow_run_aggregate(where: {state: {_eq: "Cancelled"}}) { aggregate { count } } }'
        )["flow_run_aggregate"]["aggregate"]["count"]
        assert after == before + 2
        assert len(names) == 2
        visit.check()


def test_everything_that_the_filters_find_is_deleted(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        visit = open_visit(server.url)
        visit.go("/runs?states=Failed")
        page = visit.page
        page.get_by_role("checkbox", name="Select all rows shown").check()
        everything = page.get_by_role("button", name=re.compile("^Choose all"))
        if everything.count() > 0:
            everything.click()
        page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text("No runs match these filters")).to_be_visible(timeout=60_000)
        failed = Samples(server.url).ask('query { flow_run(where: {state: {_eq: "Failed"}}, limit: 1) { id } }')
        assert failed == {"flow_run": []}
        visit.check()
