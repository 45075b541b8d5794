"""The log of a run and of a task run: what is shown of it, and moving about in it."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.server_process import ServerProcess
from tests.ui.browser import NARROW, WIDE, Visit
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples

COUNT = "query ($w: log_bool_exp) { log_aggregate(where: $w) { aggregate { count } } }"


def count_of(samples: Samples, **where: str) -> int:
    """Return how many lines the server has of `flow_run_id` or `task_run_id`."""
    given = {name: {"_eq": value} for name, value in where.items()}
    count: int = samples.ask(COUNT, w=given)["log_aggregate"]["aggregate"]["count"]
    return count


def open_log(visit: Visit, path: str, lines: int) -> Locator:
    """Open a log and return it once all of it is counted."""
    visit.go(path)
    expect(visit.page.get_by_text(f"{lines:,} lines")).to_be_visible()
    return visit.page.get_by_role("log")


def test_lines_are_loaded_wherever_one_scrolls(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    count = count_of(samples, flow_run_id=samples.path("{wide_run}"))
    log = open_log(visit, samples.path("/flow-run/{wide_run}?tab=logs"), count)
    expect(log).to_contain_text("Beginning Flow run")
    visit.page.get_by_role("button", name="Jump").click()
    visit.page.get_by_role("menuitem", name="To the end").click()
    expect(log).to_contain_text("Flow run FAILED")
    # Far from both ends, where nothing has been asked for yet.
    log.evaluate("log => log.scrollTop = log.scrollHeight / 2")
    expect(log.locator("time").first).to_be_visible()
    expect(log.locator(".wait")).to_have_count(0)
    expect(log).not_to_contain_text("Beginning Flow run")
    log.focus()
    visit.page.keyboard.press("Home")
    expect(log).to_contain_text("Beginning Flow run")
    visit.check()


def test_the_first_error_is_found_and_marked(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    count = count_of(samples, flow_run_id=samples.path("{wide_run}"))
    log = open_log(visit, samples.path("/flow-run/{wide_run}?tab=logs"), count)
    visit.page.get_by_role("button", name="Jump").click()
    visit.page.get_by_role("menuitem", name="To the first error").click()
    expect(log.locator(".marked")).to_contain_text("Exception encountered")
    visit.check_accessible()
    visit.check()


def test_lines_of_one_task_run_are_chosen(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    run_id = samples.path("{wide_run}")
    open_log(visit, f"/flow-run/{run_id}?tab=logs", count_of(samples, flow_run_id=run_id))
    child = samples.ask(
        'query ($id: uuid) { task_run(where: {flow_run_id: {_eq: $id}, state: {_eq: "Failed"}}, limit: 1)'
        " { id map_index task { name } } }",
        id=run_id,
    )["task_run"][0]
    name = child["task"]["name"] + (f" [{child['map_index']}]" if child["map_index"] >= 0 else "")
    visit.page.get_by_role("button", name="Task run").click()
    dialog = visit.page.get_by_role("dialog", name="Filter by task run")
    dialog.get_by_role("searchbox").fill(name)
    dialog.get_by_label(name, exact=True).click()
    expect(visit.page.get_by_text(f"{count_of(samples, task_run_id=child['id'])} lines")).to_be_visible()
    assert f"task_run={child['id']}" in visit.page.url
    # The page of the task run has the same lines, without saying with each whose it is.
    log = open_log(visit, f"/task-run/{child['id']}?tab=log", count_of(samples, task_run_id=child["id"]))
    expect(log).to_contain_text("Exception encountered")
    expect(visit.page.get_by_role("button", name="Task run")).to_have_count(0)
    visit.check()


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_long_lines_are_broken_where_that_is_wanted(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit, width: int
) -> None:
    visit = open_visit(seeded.url, width)
    visit.go(samples.path("/flow-run/{hostile_run}?tab=logs"))
    log = visit.page.get_by_role("log")
    expect(log).to_contain_text("window.hostile")
    assert log.evaluate("log => log.scrollWidth - log.clientWidth") > 0
    visit.page.get_by_role("button", name="Wrap lines").click()
    expect(visit.page).to_have_url(re.compile("wrap=1"))
    visit.page.wait_for_function("log => log.scrollWidth <= log.clientWidth", arg=log.element_handle())
    visit.check()
