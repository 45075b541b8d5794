"""The timeline of a run: what is drawn, what the address keeps of it, what is said where nothing can be drawn."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.server_process import ServerProcess
from tests.ui.browser import NARROW, WIDE
from tests.ui.conftest import OpenVisit, StartServer
from tests.ui.samples import Samples

CREATE = "mutation ($flow: UUID!) { create_flow_run(input: {flow_id: $flow}) { id } }"
SET_STATES = """
mutation ($run: UUID!, $running: JSON!, $task_run: UUID!, $state: JSON!) {
  set_flow_run_states(input: {states: [{flow_run_id: $run, state: $running}]}) { states { status } }
  set_task_run_states(input: {states: [{task_run_id: $task_run, state: $state}]}) { states { status } }
}
"""
SEEN = re.compile(r"[?&]seen=\d")
NOT_SEEN = re.compile(r"^((?!seen=).)*$")

# The canvas as it is once fonts are there and whatever is to be drawn has been drawn.
PICTURE = """async () => {
  await document.fonts.ready
  for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame)
  return document.querySelector('main canvas').toDataURL()
}"""
SHOWS = "(picture) => document.querySelector('main canvas').toDataURL() === picture"

# Whether some of the canvas has about the colour of a state.
HAS_COLOR = """(state) => {
  const canvas = document.querySelector('main canvas')
  if (canvas === null) return false
  const probe = document.createElement('i')
  probe.style.color = `var(--state-${state})`
  document.body.append(probe)
  const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number)
  probe.remove()
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })
  copy.drawImage(canvas, 0, 0)
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
  let found = 0
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] > 100 && wanted.every((part, index) => Math.abs(data[at + index] - part) < 8)) found += 1
  }
  return found > 10
}"""


def timeline(page: Page) -> Locator:
    """Return the region that is scrolled and that takes the keys."""
    return page.get_by_role("region", name="Timeline. Plus and minus zoom")


def test_a_link_shows_the_part_that_was_zoomed_to_and_back_undoes_it(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{wide_run}"))
    page = visit.page
    whole = page.evaluate(PICTURE)
    page.get_by_role("button", name="Zoom in").click()
    expect(page).to_have_url(SEEN)
    first = page.url
    page.get_by_role("button", name="Zoom in").click()
    expect(page).not_to_have_url(first)
    zoomed = page.evaluate(PICTURE)
    assert zoomed != whole

    other = open_visit(seeded.url)
    other.go(page.url.removeprefix(seeded.url))
    other.page.wait_for_function(SHOWS, arg=zoomed)

    page.go_back()
    expect(page).to_have_url(NOT_SEEN)
    page.wait_for_function(SHOWS, arg=whole)
    page.go_forward()
    page.wait_for_function(SHOWS, arg=zoomed)
    page.get_by_role("button", name="All of the run").click()
    expect(page).to_have_url(NOT_SEEN)
    page.wait_for_function(SHOWS, arg=whole)
    visit.check()
    other.check()


def test_dragging_and_the_wheel_move_in_time_without_steps_for_back(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{wide_run}"))
    page = visit.page
    entries = page.evaluate("history.length")
    plot = page.locator("main canvas")
    plot.hover(position={"x": 400, "y": 40})
    page.mouse.down()
    plot.hover(position={"x": 280, "y": 60})
    page.mouse.up()
    expect(page).to_have_url(SEEN)
    dragged = page.url
    page.keyboard.down("Shift")
    page.mouse.wheel(0, 150)
    page.keyboard.up("Shift")
    expect(page).not_to_have_url(dragged)
    assert page.evaluate("history.length") == entries
    visit.check()


def test_keys_zoom_and_pan(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{wide_run}"))
    page = visit.page
    timeline(page).focus()
    page.keyboard.press("+")
    expect(page).to_have_url(SEEN)
    zoomed = page.url
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(zoomed)
    page.keyboard.press("0")
    expect(page).to_have_url(NOT_SEEN)
    visit.check()


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_rule_beside_the_names_reaches_down_to_the_end(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit, width: int
) -> None:
    visit = open_visit(seeded.url, width=width)
    visit.go(samples.path("/flow-run/{flow_run}"))
    visit.page.wait_for_function("document.querySelector('main .rule').offsetHeight > 0")
    # In one question: what is above may still be growing.
    rule, frame = timeline(visit.page).evaluate(
        """(frame) => [frame.querySelector('.rule'), frame].map((element) => {
          const { top, bottom } = element.getBoundingClientRect()
          return [top, bottom]
        })"""
    )
    assert rule == pytest.approx(frame, abs=1)
    visit.check()


def test_a_row_tells_of_itself_and_leads_on(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/flow-run/{wide_run}"))
    page = visit.page
    folded = page.get_by_role("button", name="Children of")
    plot = page.locator("main canvas")
    y = folded.evaluate("(button) => button.closest('li').offsetTop + 13")
    plot.hover(position={"x": 300, "y": y})
    expect(page.locator(".tip")).to_contain_text("success")
    plot.click(position={"x": 300, "y": y})
    expect(folded).to_have_attribute("aria-expanded", "true")
    expect(page).to_have_url(re.compile("open="))
    plot.hover(position={"x": 300, "y": y + 26})
    expect(page.locator(".tip")).to_contain_text("[0]")
    plot.click(position={"x": 300, "y": y + 26})
    page.wait_for_url("**/task-run/*")
    visit.check()


@pytest.mark.parametrize("state", ["Paused", "Queued", "Retrying"])
def test_what_waits_before_it_begins_is_drawn_and_told(
    start_seeded: StartServer, open_visit: OpenVisit, state: str
) -> None:
    with start_seeded("--no-services-enabled") as server:
        samples = Samples(server.url)
        run_id = samples.ask(CREATE, flow=samples.path("{flow}"))["create_flow_run"]["id"]
        query = "query ($id: uuid) { task_run(where: {flow_run_id: {_eq: $id}, map_index: {_lt: 0}}, limit: 1) { id } }"
        task_run_id = samples.ask(query, id=run_id)["task_run"][0]["id"]
        visit = open_visit(server.url)
        visit.go(f"/flow-run/{run_id}")
        page = visit.page
        expect(page.get_by_role("region", name="Timeline of this run")).to_contain_text("has begun")
        waits = {"type": state, "start_time": "2100-01-01T00:00:00+00:00"}
        samples.ask(SET_STATES, run=run_id, running={"type": "Running"}, task_run=task_run_id, state=waits)
        page.wait_for_function(HAS_COLOR, arg=state)
        link = page.locator(f'main a[href$="{task_run_id}"]').first
        link.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        expect(link).to_be_focused()
        expect(page.locator(".tip")).to_contain_text("waiting since")
        visit.check()


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_late_run_says_so_where_there_is_nothing_to_draw(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit, width: int
) -> None:
    visit = open_visit(seeded.url, width=width)
    visit.go(samples.path("/flow-run/{late_run}"))
    pane = visit.page.get_by_role("region", name="Timeline of this run")
    expect(pane).to_contain_text("Late by")
    expect(pane).to_contain_text("It was to start at")
    expect(pane.locator("canvas")).to_have_count(0)
    visit.check_accessible()
    pane.get_by_role("link", name="See them on the schematic").click()
    expect(visit.page).to_have_url(re.compile("tab=schematic"))
    visit.check()
