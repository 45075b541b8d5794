"""What waits for somebody is approved where one reads that it waits, and a task run is given another state."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples

SET_RUN = """
mutation ($id: UUID!, $state: JSON!) {
  set_flow_run_states(input: {states: [{flow_run_id: $id, state: $state}]}) { states { status } }
}
"""
SET_TASK = """
mutation ($id: UUID!, $state: JSON!) {
  set_task_run_states(input: {states: [{task_run_id: $id, state: $state}]}) { states { status } }
}
"""
LAST = "query ($id: uuid!) { task_run_by_pk(id: $id) { state state_message } }"
PAUSED = {"type": "Paused", "message": 'Trigger function is "manual_only"'}


@pytest.fixture
def samples(server: ServerProcess) -> Samples:
    return Samples(server.url)


def paused_task_run(samples: Samples) -> dict[str, Any]:
    """Let a task run of a run that runs wait for approval, and return it."""
    query = "query ($id: uuid) { task_run(where: {flow_run_id: {_eq: $id}}, limit: 1) { id task { name } } }"
    found: dict[str, Any] = samples.ask(query, id=samples.path("{running_run}"))["task_run"][0]
    samples.ask(SET_TASK, id=found["id"], state=PAUSED)
    return found


def test_a_paused_run_is_approved(server: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    run_id = samples.path("{late_run}")
    samples.ask(SET_RUN, id=run_id, state={"type": "Paused", "message": "Until Monday."})
    visit = open_visit(server.url)
    visit.go(f"/flow-run/{run_id}")
    why = visit.page.get_by_role("region", name="Why it is not running")
    expect(why).to_contain_text("paused until somebody approves")
    visit.check_accessible()
    why.get_by_role("button", name="Approve").focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_text("The run goes on.")).to_be_visible()
    expect(why).not_to_contain_text("approves")
    state = samples.ask("query ($id: uuid!) { flow_run_by_pk(id: $id) { state } }", id=run_id)["flow_run_by_pk"]
    assert state["state"] == "Resume"
    visit.check()


def test_a_paused_task_run_is_approved_on_the_page_of_its_run(
    server: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    task_run = paused_task_run(samples)
    visit = open_visit(server.url)
    visit.go(samples.path("/flow-run/{running_run}"))
    name = task_run["task"]["name"]
    visit.page.get_by_role("button", name=f"Approve {name}").click()
    expect(visit.page.get_by_text(f"{name} is approved.")).to_be_visible()
    expect(visit.page.get_by_role("button", name=f"Approve {name}")).to_have_count(0)
    assert samples.ask(LAST, id=task_run["id"])["task_run_by_pk"]["state"] == "Resume"
    visit.check()


def test_a_paused_task_run_is_approved_on_its_own_page(
    server: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    task_run = paused_task_run(samples)
    visit = open_visit(server.url)
    visit.go(f"/task-run/{task_run['id']}")
    visit.page.get_by_role("button", name="Approve").click()
    expect(visit.page.get_by_text("Approved by a person.").first).to_be_visible()
    expect(visit.page.get_by_role("button", name="Approve")).to_have_count(0)
    visit.check()


def test_a_task_run_is_marked_with_the_reason(server: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(server.url)
    visit.go(samples.path("/task-run/{task_run}"))
    visit.page.get_by_role("button", name="More actions").click()
    visit.page.get_by_role("menuitem", name="Mark as…").click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Set state")).to_be_disabled()
    dialog.get_by_role("radio", name="Success").check()
    visit.check_accessible()
    dialog.get_by_label("Why, for the history").fill("<b>loaded by hand</b>")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_text("The task run is Success.")).to_be_visible()
    expect(visit.page.get_by_role("region", name="History")).to_contain_text("<b>loaded by hand</b>")
    told = samples.ask(LAST, id=samples.path("{task_run}"))["task_run_by_pk"]
    assert told == {"state": "Success", "state_message": "<b>loaded by hand</b>"}
    visit.check()
