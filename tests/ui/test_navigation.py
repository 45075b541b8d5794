"""The way around: the rail, the keyboard, back and forward, and addresses that show the same to others."""

import re

from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import NARROW, Visit
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples


def places(visit: Visit) -> list[tuple[str, str]]:
    """Return the names and addresses in the rail."""
    links = visit.page.get_by_role("navigation", name="Pages").get_by_role("link").all()
    return [(link.inner_text().strip(), link.get_attribute("href") or "") for link in links]


def test_every_place_of_the_rail_is_a_page_of_that_name(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs")
    found = places(visit)
    assert len(found) >= 7
    for name, path in found:
        visit.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).click()
        expect(visit.page).to_have_url(re.compile(re.escape(seeded.url + path) + r"(\?.*)?$"))
        visit.wait_ready()
        expect(visit.page).to_have_title(re.compile("Eparch"))
        expect(visit.page.locator("main h1")).to_have_text(name)
    visit.check()


def test_back_and_forward_walk_the_pages(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/projects")
    rail = visit.page.get_by_role("navigation", name="Pages")
    rail.get_by_role("link", name="Agents").click()
    expect(visit.page.locator("main h1")).to_have_text("Agents")
    visit.page.go_back()
    expect(visit.page.locator("main h1")).to_have_text("Projects")
    visit.page.go_forward()
    expect(visit.page.locator("main h1")).to_have_text("Agents")
    visit.wait_ready()
    visit.check()


def test_a_link_restores_the_filters(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/projects")
    visit.page.get_by_role("searchbox", name="Find projects").fill("learn")
    expect(visit.page).to_have_url(re.compile(r"[?&]q=learn\b"))
    expect(visit.page.locator("tbody tr")).to_have_count(1)

    colleague = open_visit(seeded.url)
    colleague.page.goto(visit.page.url)
    colleague.wait_ready()
    expect(colleague.page.get_by_role("searchbox", name="Find projects")).to_have_value("learn")
    expect(colleague.page.locator("tbody tr")).to_have_count(1)
    colleague.check()


def test_filters_of_runs_are_steps_that_back_undoes(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs?states=Success")
    expect(visit.page.locator("tbody").get_by_text("Success").first).to_be_visible()
    expect(visit.page.locator("tbody").get_by_text("Failed")).to_have_count(0)
    visit.page.get_by_role("button", name="Next page").click()
    expect(visit.page).to_have_url(re.compile(r"page=2"))
    visit.page.go_back()
    expect(visit.page).not_to_have_url(re.compile(r"page="))
    visit.wait_ready()
    visit.check()


def test_the_keyboard_alone_is_enough(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs")
    keyboard = visit.page.keyboard
    keyboard.press("Tab")
    expect(visit.page.locator(":focus")).to_have_text("To the page")
    for _ in range(40):
        keyboard.press("Tab")
        if visit.page.locator(":focus").inner_text().strip() == "Projects":
            break
    keyboard.press("Enter")
    expect(visit.page.locator("main h1")).to_have_text("Projects")
    visit.wait_ready()

    visit.page.get_by_role("button", name="New project").focus()
    keyboard.press("Enter")
    dialog = visit.page.get_by_role("dialog", name="New project")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Name")).to_be_focused()
    keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    visit.check()


def test_the_rail_opens_on_a_phone(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url, NARROW)
    visit.go("/projects")
    link = visit.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Agents")
    expect(link).to_be_hidden()
    visit.page.get_by_role("button", name="Menu", exact=True).click()
    link.click()
    expect(visit.page.locator("main h1")).to_have_text("Agents")
    expect(link).to_be_hidden()
    visit.wait_ready()
    visit.check()


def test_a_chosen_theme_is_kept(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url, theme="light")
    visit.go("/projects")
    root = visit.page.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    visit.page.get_by_role("button", name="Theme").click()
    visit.page.get_by_role("menuitemcheckbox", name="Dark").click()
    expect(root).to_have_attribute("data-theme", "dark")
    visit.page.reload()
    expect(root).to_have_attribute("data-theme", "dark")
    visit.wait_ready()
    visit.check()


def test_the_chosen_tab_is_in_sight_on_a_phone(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url, NARROW)
    visit.go(samples.path("/flow/{flow}?tab=settings"))
    tabs = visit.page.get_by_role("navigation", name="Views of this flow")
    expect(tabs.get_by_role("link", name="Settings")).to_be_in_viewport(ratio=0.95)
    tabs.get_by_role("link", name="Versions").click()
    expect(tabs.get_by_role("link", name="Versions")).to_be_in_viewport(ratio=0.95)
    visit.wait_ready()
    visit.check()


def test_an_unknown_address_leads_back_to_the_pages(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/nothing/at-all")
    expect(visit.page.locator("main")).to_contain_text("/nothing/at-all")
    visit.page.get_by_role("link", name="To the runs").click()
    expect(visit.page.locator("main h1")).to_have_text("Runs")
    visit.wait_ready()
    visit.check()


def test_the_dashboard_leads_to_all_runs_of_a_list(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/")
    visit.page.get_by_role("link", name="All runs: late and waiting").click()
    expect(visit.page.get_by_role("link", name="Late", exact=True)).to_have_attribute("aria-current", "page")
    visit.wait_ready()
    visit.page.go_back()
    visit.page.get_by_role("link", name="All runs: failures").click()
    expect(visit.page).to_have_url(re.compile("states=Failed"))
    expect(visit.page.locator("main tbody").get_by_text("Success")).to_have_count(0)
    visit.wait_ready()
    visit.check()
