"""The page of a task run: neighbours lead on, its children are found by state."""

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
