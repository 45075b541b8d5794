"""The page of a task run: neighbours lead on, its children are found by state."""

import re

from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples

FAILED_CHILD = """
{ task_run(where: {map_index: {_gte: 0}, state: {_eq: "Failed"}}, limit: 1) { flow_run_id task_id } }
"""
PARENT = """
query ($run: uuid, $task: uuid) {
  task_run(where: {flow_run_id: {_eq: $run}, task_id: {_eq: $task}, map_index: {_eq: -1}}) { id }
}
"""
CHILDREN = """
query ($run: uuid, $task: uuid) {
  all: task_run_aggregate(where: {flow_run_id: {_eq: $run}, task_id: {_eq: $task}, map_index: {_gte: 0}}) {
    aggregate { count }
  }
  failed: task_run(
    where: {flow_run_id: {_eq: $run}, task_id: {_eq: $task}, map_index: {_gte: 0}, state: {_eq: "Failed"}}
    order_by: {map_index: asc}
  ) { id name }
}
"""


def test_children_are_found_by_state(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    child = samples.ask(FAILED_CHILD)["task_run"][0]
    ids = {"run": child["flow_run_id"], "task": child["task_id"]}
    parent = samples.ask(PARENT, **ids)["task_run"][0]
    found = samples.ask(CHILDREN, **ids)
    visit = open_visit(seeded.url)
    visit.go(f"/task-run/{parent['id']}")
    expect(visit.page.get_by_text(f"of {found['all']['aggregate']['count']:,} children")).to_be_visible()
    visit.page.get_by_role("button", name="State").click()
    visit.page.get_by_role("dialog").get_by_label("Failed").check()
    visit.page.keyboard.press("Escape")
    expect(visit.page.get_by_text(f"of {len(found['failed'])} children")).to_be_visible()
    assert "states=Failed" in visit.page.url
    visit.page.get_by_role("link", name=found["failed"][0]["name"], exact=True).click()
    visit.page.wait_for_url(f"**/task-run/{found['failed'][0]['id']}*")
    visit.wait_ready()
    expect(visit.page.locator("main h1")).to_have_text(found["failed"][0]["name"])
    visit.check()


def test_neighbours_lead_on(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go(samples.path("/task-run/{task_run}"))
    neighbour = visit.page.get_by_label("Neighbours").get_by_role("link").first
    name = neighbour.inner_text().strip()
    neighbour.click()
    expect(visit.page.locator("main h1")).to_have_text(name)
    visit.check()


def test_a_child_leads_to_its_parent_and_the_next_of_its_kind(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    run_id = samples.path("{wide_run}")
    ids = {
        one["map_index"]: one["id"]
        for one in samples.ask(
            "query ($id: uuid) { task_run(where: {flow_run_id: {_eq: $id}, map_index: {_lt: 3, _gte: 0}}, limit: 3)"
            " { id map_index } }",
            id=run_id,
        )["task_run"]
    }
    visit = open_visit(seeded.url)
    visit.go(f"/task-run/{ids[0]}")
    near = visit.page.get_by_label("Neighbours")
    expect(near.get_by_role("link", name="[-1]")).to_have_count(0)
    near.get_by_role("link", name="[1]", exact=True).click()
    visit.page.wait_for_url(f"**/task-run/{ids[1]}")
    expect(near.get_by_role("link", name="[2]", exact=True)).to_be_visible()
    near.get_by_role("link", name="Parent").click()
    views = visit.page.get_by_role("navigation", name="Views of this task run")
    expect(views.get_by_role("link", name="Mapped children 120")).to_be_visible()
    visit.page.get_by_role("link", name=re.compile(r"^\d+ success$")).click()
    expect(visit.page).to_have_url(re.compile("states=Success"))
    visit.wait_ready()
    visit.check()


def test_tabs_tell_how_much_there_is(seeded: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    with_artifacts = samples.ask("{ task_run_artifact(limit: 1) { task_run_id } }")["task_run_artifact"][0]
    visit.go(f"/task-run/{with_artifacts['task_run_id']}")
    views = visit.page.get_by_role("navigation", name="Views of this task run")
    expect(views.get_by_role("link", name=re.compile(r"^Artifacts \d+$"))).to_be_visible()
    visit.go(samples.path("/flow-run/{wide_run}"))
    views = visit.page.get_by_role("navigation", name="Views of this run")
    expect(views.get_by_role("link", name=re.compile(r"^Logs 2,\d\d\d$"))).to_be_visible()
    visit.check()
