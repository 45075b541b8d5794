"""The palette, the shortcuts, and pages without a mouse."""

import re

from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples


def test_the_palette_finds_pages_runs_and_ids(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/")
    page = visit.page
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox")
    expect(field).to_be_focused()
    field.fill("wide")
    expect(page.get_by_role("option", name=re.compile("wide-octopus"))).to_be_visible()
    visit.check_accessible()
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_have_text("wide-octopus")

    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill(samples.path("{flow_run}"))
    expect(page.get_by_role("option").filter(has_text="run").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(samples.path("/flow-run/{flow_run}")))

    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("runs")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("main h1")).to_have_text("Runs")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.get_by_role("combobox")).to_have_count(0)
    visit.check()


def test_keys_lead_to_pages_and_their_list_tells_which(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/")
    page = visit.page
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Runs")
    visit.check_accessible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.locator("main h1")).to_have_text("Runs")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("g?t")
    expect(page.get_by_role("searchbox")).to_have_value("g?t")
    page.get_by_role("searchbox").blur()
    before = page.locator("html").get_attribute("data-theme")
    page.keyboard.press("t")
    expect(page.locator("html")).not_to_have_attribute("data-theme", str(before))
    visit.check()


def test_a_span_is_marked_on_the_histogram_with_keys_and_let_go_with_back(
    seeded: ServerProcess, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url)
    visit.go("/")
    page = visit.page
    page.locator(".histogram").focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    expect(page.get_by_role("button", name="Back to now")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Back to now")).to_have_count(0)
    visit.check()
