"""What is set on the page of a flow is set; a backfill is looked at, begun and cancelled."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import Visit
from tests.ui.samples import Samples

FLOW = """
{ flow(where: {name: {_eq: "publish-sessions"}, archived: {_eq: false}}) {
  id is_schedule_active flow_group { id schedule description settings labels overlap_policy backfills { state } }
} }
"""


@pytest.fixture
def samples(server: ServerProcess) -> Samples:
    return Samples(server.url)


def flow(samples: Samples) -> Any:
    return samples.ask(FLOW)["flow"][0]


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name, exact=True).click()


def told(visit: Visit, text: str) -> None:
    expect(visit.page.get_by_text(text).first).to_be_visible()


def test_a_schedule_is_looked_at_and_set(visit: Visit, samples: Samples) -> None:
    visit.go(f"/flow/{flow(samples)['id']}?tab=schedule")
    press(visit, "Change")
    expression = visit.page.get_by_label("Expression")
    expression.fill("61 * * * *")
    told(visit, "is not a cron expression")
    expect(visit.page.get_by_role("button", name="Set the schedule")).to_be_disabled()
    expression.fill("30 7 * * mon-fri")
    visit.page.get_by_label("Time zone").fill("Asia/Tokyo")
    told(visit, "07:30 Asia/Tokyo")
    visit.check_accessible()
    press(visit, "Set the schedule")
    told(visit, "The schedule is set.")
    told(visit, "Set here, in place of what the flow brought.")
    clock = flow(samples)["flow_group"]["schedule"]["clocks"][0]
    assert (clock["cron"], clock["start_date"]["tz"]) == ("30 7 * * mon-fri", "Asia/Tokyo")
    visit.page.get_by_label("When an earlier run has not ended").select_option("queue")
    told(visit, "The policy is set.")
    assert flow(samples)["flow_group"]["overlap_policy"] == "queue"
    press(visit, "Pause")
    told(visit, "Paused: it makes no runs.")
    assert flow(samples)["is_schedule_active"] is False
    press(visit, "Back to what the flow brought")
    told(visit, "Daily at 12:43")
    assert flow(samples)["flow_group"]["schedule"] is None
    visit.forgive("is not a cron expression")
    visit.check()


def test_settings_are_changed(visit: Visit, samples: Samples) -> None:
    visit.go(f"/flow/{flow(samples)['id']}?tab=settings")
    visit.page.get_by_label("Version lock").click()
    told(visit, "Version lock: on.")
    assert flow(samples)["flow_group"]["settings"]["version_locking_enabled"] is True
    press(visit, "Change the labels")
    visit.page.get_by_label("Labels, between commas").fill("x, y")
    press(visit, "Set")
    told(visit, "The labels are set.")
    assert flow(samples)["flow_group"]["labels"] == ["x", "y"]
    visit.page.get_by_role("link", name="Overview", exact=True).click()
    press(visit, "Edit the README")
    visit.page.get_by_label("README, in markdown").fill("# On call\n\n<script>window.hostile = 1</script>")
    press(visit, "Keep")
    expect(visit.page.get_by_role("heading", name="On call")).to_be_visible()
    visit.check()


def test_a_backfill_is_looked_at_begun_and_cancelled(visit: Visit, samples: Samples) -> None:
    visit.go(f"/flow/{flow(samples)['id']}?tab=backfills")
    press(visit, "New backfill")
    visit.page.get_by_label("First instant").fill("2020-01-01T00:00")
    visit.page.get_by_label("Last instant").fill("2020-01-03T23:00")
    press(visit, "Look first")
    told(visit, "3 runs")
    assert flow(samples)["flow_group"]["backfills"] == []
    visit.check_accessible()
    press(visit, "Begin")
    told(visit, "of 3")
    press(visit, "Cancel")
    press(visit, "Cancel it")
    told(visit, "The backfill is cancelled.")
    assert [each["state"] for each in flow(samples)["flow_group"]["backfills"]] == ["Cancelled"]
    visit.check()


def test_what_is_planned_stands_apart_from_what_ran(visit: Visit, samples: Samples) -> None:
    visit.go(f"/flow/{flow(samples)['id']}?tab=runs")
    rows = visit.page.locator("main tbody")
    expect(rows.get_by_text("Success").first).to_be_visible()
    visit.page.get_by_role("link", name=re.compile(r"^\d+ planned$")).click()
    expect(visit.page).to_have_url(re.compile("planned=1"))
    expect(rows.get_by_text("Success")).to_have_count(0)
    expect(rows.get_by_text("Scheduled").first).to_be_visible()
    visit.check_accessible()
    visit.page.go_back()
    expect(rows.get_by_text("Success").first).to_be_visible()
    visit.check()


def test_a_paused_run_is_held_up_and_not_about_to_run(visit: Visit, samples: Samples) -> None:
    made = samples.ask(
        'mutation ($flow: UUID!) { create_flow_run(input: {flow_id: $flow, flow_run_name: "on-hold"}) { id } }',
        flow=flow(samples)["id"],
    )["create_flow_run"]["id"]
    samples.ask(
        """mutation ($id: UUID!, $state: JSON!) {
          set_flow_run_states(input: {states: [{flow_run_id: $id, state: $state}]}) { states { status } }
        }""",
        id=made,
        state={"type": "Paused", "start_time": "2099-01-01T00:00:00Z"},
    )
    visit.go("/")
    panels = visit.page.locator("section.panel")
    held = panels.filter(has=visit.page.get_by_role("heading", name="Late and waiting"))
    expect(held.get_by_role("listitem").filter(has_text="on-hold")).to_contain_text("approv")
    expect(panels.filter(has=visit.page.get_by_role("heading", name="Upcoming"))).not_to_contain_text("on-hold")
    visit.check()
