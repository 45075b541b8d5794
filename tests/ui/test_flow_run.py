"""A flow run: what can be done with it, what its views show, and a flow that runs while somebody looks."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Locator, expect

from eparch import Flow, task, unmapped
from eparch.testing import temporary_server
from tests.server_process import ServerProcess
from tests.ui.browser import Visit
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples

STATE = "query ($id: uuid!) { flow_run_by_pk(id: $id) { name state labels state_message states { state } } }"


@pytest.fixture
def samples(server: ServerProcess) -> Samples:
    return Samples(server.url)


def open_run(visit: Visit, samples: Samples, name: str) -> str:
    """Open the page of a seeded run and return its id."""
    path = samples.path(f"/flow-run/{{{name}}}")
    visit.go(path)
    return path.rpartition("/")[2]


def more(visit: Visit, name: str) -> Locator:
    """Choose from the menu of further actions; return the dialog that asks."""
    visit.page.get_by_role("button", name="More actions").click()
    visit.page.get_by_role("menuitem", name=name).click()
    return visit.page.get_by_role("dialog")


def test_a_run_is_renamed_and_labelled(server: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(server.url)
    run_id = open_run(visit, samples, "late_run")
    dialog = more(visit, "Rename…")
    dialog.get_by_label("Name").fill("the late one")
    dialog.get_by_role("button", name="Rename").click()
    expect(visit.page.locator("main h1")).to_have_text("the late one")
    dialog = more(visit, "Labels…")
    dialog.get_by_role("textbox").fill("etl, prod")
    dialog.get_by_role("button", name="Set labels").click()
    expect(visit.page.locator("main").get_by_text("etl", exact=True)).to_be_visible()
    run = samples.ask(STATE, id=run_id)["flow_run_by_pk"]
    assert (run["name"], run["labels"]) == ("the late one", ["etl", "prod"])
    visit.check()


def test_a_run_is_cancelled_marked_and_deleted(server: ServerProcess, samples: Samples, open_visit: OpenVisit) -> None:
    visit = open_visit(server.url)
    run_id = open_run(visit, samples, "late_run")
    more(visit, "Cancel").get_by_role("button", name="Cancel the run").click()
    expect(visit.page.get_by_text("The run is cancelled.")).to_be_visible()
    dialog = more(visit, "Mark as…")
    dialog.get_by_role("radio", name=re.compile("^Success")).check()
    dialog.get_by_label("Why, for the history").fill("done by hand")
    dialog.get_by_role("button", name="Set state").click()
    expect(visit.page.locator("main").get_by_text("done by hand")).to_be_visible()
    run = samples.ask(STATE, id=run_id)["flow_run_by_pk"]
    assert [state["state"] for state in run["states"]][-2:] == ["Cancelled", "Success"]

    more(visit, "Delete…").get_by_role("button", name="Delete", exact=True).click()
    expect(visit.page.get_by_text("The run is deleted.")).to_be_visible()
    assert samples.ask(STATE, id=run_id) == {"flow_run_by_pk": None}


def test_a_failed_run_is_restarted_from_where_it_failed(
    server: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(server.url)
    run_id = open_run(visit, samples, "flow_run")
    query = "query ($id: uuid) { task_run(where: {flow_run_id: {_eq: $id}}) { id state } }"
    before = {one["id"]: one["state"] for one in samples.ask(query, id=run_id)["task_run"]}
    visit.page.get_by_role("button", name="Restart from failed").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Restart").click()
    expect(visit.page.get_by_role("button", name="Run now")).to_be_visible()
    after = {one["id"]: one["state"] for one in samples.ask(query, id=run_id)["task_run"]}
    assert samples.ask(STATE, id=run_id)["flow_run_by_pk"]["state"] == "Scheduled"
    failed = {run for run, state in before.items() if state in ("Failed", "TriggerFailed", "TimedOut")}
    assert failed
    assert {after[run] for run in failed} == {"Pending"}
    # What succeeded before the failure is not done again.
    assert any(state == after[run] == "Success" for run, state in before.items())
    visit.check()


def test_the_log_is_filtered_by_level_and_text(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go(Samples(seeded.url).path("/flow-run/{wide_run}?tab=logs"))
    log = visit.page.get_by_role("log")
    expect(log).to_contain_text("Beginning Flow run")
    visit.page.get_by_role("navigation", name="Level, at least").get_by_role("link", name="Error").click()
    expect(log).to_contain_text("Exception encountered")
    expect(log).not_to_contain_text("Beginning Flow run")
    visit.page.get_by_role("navigation", name="Level, at least").get_by_role("link", name="All").click()
    visit.page.get_by_role("searchbox", name="Find in the log").fill("partition")
    expect(log.locator("mark").first).to_have_text("partition")
    visit.check()


def test_a_flow_is_watched_while_it_runs(open_visit: OpenVisit) -> None:
    may_end = threading.Event()

    @task
    def numbers() -> list[int]:
        return [1, 2, 3]

    @task(name="wait")
    def wait(number: int, factor: int) -> int:
        assert may_end.wait(60)
        return number * factor

    with Flow("watched") as flow:
        wait.map(numbers(), unmapped(2))

    with temporary_server() as server, ThreadPoolExecutor(1) as pool:
        run_id = server.create_run(flow)
        visit = open_visit(server.url)
        visit.go(f"/flow-run/{run_id}")
        expect(visit.page.get_by_role("button", name="Run now")).to_be_visible()
        carried_out = pool.submit(server.carry_out, run_id, flow)
        try:
            # What it does shows on the page that was open before it began.
            expect(visit.page.locator("main dd").get_by_text("Running")).to_be_visible()
            expect(visit.page.get_by_role("button", name="Cancel")).to_be_visible()
        finally:
            may_end.set()
        assert carried_out.result(60).is_successful()
        expect(visit.page.locator("main dd").get_by_text("Success")).to_be_visible()
        visit.page.get_by_role("navigation", name="Views of this run").get_by_role("link", name="History").click()
        visit.wait_ready()
        for state in ("Scheduled", "Running", "Success"):
            expect(visit.page.get_by_role("region", name="History").get_by_text(state).first).to_be_visible()
        visit.check()
