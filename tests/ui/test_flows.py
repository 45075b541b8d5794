"""The list of flows: what is changed for many at once is changed, and an address shows the same again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import Visit
from tests.ui.conftest import OpenVisit, StartServer
from tests.ui.samples import Samples


@pytest.fixture
def server(start_seeded: StartServer) -> Iterator[ServerProcess]:
    with start_seeded("--no-services-enabled") as server:
        yield server


@pytest.fixture
def visit(server: ServerProcess, open_visit: OpenVisit) -> Visit:
    return open_visit(server.url)


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name, exact=True).click()


def confirm(visit: Visit, name: str) -> None:
    visit.page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def scheduled_flows(samples: Samples, active: bool) -> list[str]:
    where = {"archived": {"_eq": False}, "schedule": {"_is_null": False}, "is_schedule_active": {"_eq": active}}
    found = samples.ask("query ($w: flow_bool_exp) { flow(where: $w, order_by: {name: asc}) { name } }", w=where)
    return [flow["name"] for flow in found["flow"]]


def test_schedules_are_paused_for_many_at_once(server: ServerProcess, visit: Visit) -> None:
    samples = Samples(server.url)
    active = scheduled_flows(samples, active=True)
    assert active
    visit.go("/flows?schedule=on")
    expect(visit.page.locator("main tbody tr")).to_have_count(len(active))
    visit.page.get_by_label("Select all rows shown").check()
    press(visit, "Pause schedules")
    visit.check_accessible()
    confirm(visit, "Pause schedules")
    expect(visit.page.get_by_text("No flows match these filters.")).to_be_visible()
    assert scheduled_flows(samples, active=True) == []
    visit.check()


def test_a_flow_is_archived_and_brought_back(server: ServerProcess, visit: Visit) -> None:
    visit.go("/flows?q=score-every-customer")
    visit.page.get_by_label("Select this row").check()
    press(visit, "Archive")
    confirm(visit, "Archive")
    expect(visit.page.get_by_text("No flows match these filters.")).to_be_visible()
    visit.page.get_by_role("link", name="Archived", exact=True).click()
    expect(visit.page.get_by_role("link", name="score-every-customer", exact=True)).to_be_visible()
    visit.page.get_by_label("Select this row").check()
    press(visit, "Bring back")
    confirm(visit, "Bring back")
    expect(visit.page.get_by_text("No flow is archived.")).to_be_visible()
    visit.page.go_back()
    expect(visit.page.get_by_role("link", name="score-every-customer", exact=True)).to_be_visible()
    visit.check()


def test_chosen_flows_get_a_run_each(server: ServerProcess, visit: Visit) -> None:
    samples = Samples(server.url)
    count = "{ flow_run_aggregate { aggregate { count } } }"
    before = samples.ask(count)["flow_run_aggregate"]["aggregate"]["count"]
    visit.go("/flows?q=score-")
    expect(visit.page.locator("main tbody tr")).to_have_count(2)
    visit.page.get_by_label("Select all rows shown").check()
    press(visit, "Run now")
    confirm(visit, "Run now")
    expect(visit.page.get_by_text("2 flows will run.")).to_be_visible()
    assert samples.ask(count)["flow_run_aggregate"]["aggregate"]["count"] == before + 2
    visit.check()
