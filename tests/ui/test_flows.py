"""The list of flows: its orders and filters, and what is changed for many at once."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.server_process import ServerProcess
from tests.ui.browser import NARROW, Visit
from tests.ui.conftest import OpenVisit
from tests.ui.samples import Samples
from tests.waiting import wait_until


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


def flow_names(visit: Visit) -> list[str]:
    return visit.page.locator("main tbody tr td:nth-child(2) a").all_inner_texts()


def shares(visit: Visit) -> list[float]:
    """Return the shares of success shown, in per cent."""
    rates = visit.page.locator("main tbody td:nth-child(4)").all_inner_texts()
    return [float(rate.split()[0]) for rate in rates if rate != "–"]


def head(visit: Visit, name: str) -> None:
    visit.page.get_by_role("columnheader", name=name).get_by_role("button").click()
    visit.wait_ready()


def test_the_worst_and_the_soonest_come_first_and_a_link_keeps_the_order(
    seeded: ServerProcess, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url)
    visit.go("/flows")
    head(visit, "Success, typical")
    expect(visit.page).to_have_url(re.compile("sort=success"))
    # The address changes first, the rows follow.
    wait_until(lambda: shares(visit) == sorted(shares(visit)), "the worst first")
    assert shares(visit)[0] < 100
    worst = flow_names(visit)
    head(visit, "Success, typical")
    wait_until(lambda: [name for name in flow_names(visit) if name != worst[0]] != worst[1:], "another order")
    visit.page.go_back()
    wait_until(lambda: flow_names(visit) == worst, "the first order")

    other = open_visit(seeded.url)
    other.go("/flows?sort=next")
    soonest = samples_next(Samples(seeded.url))
    wait_until(lambda: flow_names(other)[: len(soonest)] == soonest, "the soonest first")
    expect(other.page.get_by_role("columnheader", name="Schedule, next run")).to_have_attribute(
        "aria-sort", "ascending"
    )
    visit.check()
    other.check()


@pytest.mark.parametrize("path", ["/flows", "/agents"])
def test_rows_of_two_lines_have_room_for_them(seeded: ServerProcess, open_visit: OpenVisit, path: str) -> None:
    visit = open_visit(seeded.url)
    visit.go(path)
    box = visit.page.locator("main tbody tr").first.bounding_box()
    assert box is not None
    # Two lines of text and their padding, in pixels.
    assert box["height"] >= 44


def test_on_a_phone_an_order_is_chosen_where_heads_are_left_out(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url, NARROW)
    visit.go("/flows")
    visit.page.get_by_label("Sorted by").select_option("Success, typical")
    expect(visit.page).to_have_url(re.compile("sort=success"))
    visit.page.get_by_role("button", name="Turn downward").click()
    expect(visit.page).to_have_url(re.compile("down=1"))
    expect(visit.page.get_by_role("button", name="Turn upward")).to_be_visible()
    visit.check_accessible()
    visit.check()


def samples_next(samples: Samples) -> list[str]:
    """Return the names of the current flows that have a run ahead, the soonest first."""
    found = samples.ask(
        """query ($now: timestamptz!) { flow(where: {archived: {_eq: false}}, order_by: {name: asc}) {
          name
          next: flow_runs(
            where: {state: {_eq: "Scheduled"}, scheduled_start_time: {_gte: $now}}
            order_by: {scheduled_start_time: asc}, limit: 1
          ) { scheduled_start_time }
        } }""",
        now=datetime.now(UTC).isoformat(),
    )["flow"]
    planned = [(flow["next"][0]["scheduled_start_time"], flow["name"]) for flow in found if flow["next"]]
    # Python's sort keeps the order of names among those of one instant.
    return [name for _, name in sorted(planned, key=lambda each: each[0])]


def test_flows_are_found_by_the_labels_of_their_runs(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/flows")
    before = visit.page.locator("main tbody tr").count()
    visit.page.get_by_role("button", name="Label").click()
    visit.page.get_by_role("checkbox", name="gpu", exact=True).check()
    expect(visit.page).to_have_url(re.compile("label=gpu"))
    visit.page.keyboard.press("Escape")
    visit.wait_ready()
    rows = visit.page.locator("main tbody tr")
    wait_until(lambda: 0 < rows.count() < before, "fewer rows")
    expect(rows.filter(has_text="gpu")).to_have_count(rows.count())
    visit.page.go_back()
    expect(rows).to_have_count(before)
    visit.check()


@pytest.mark.parametrize(
    ("action", "document", "done"),
    [
        ("Archive", "flow_archive_one", "1 flow archived"),
        ("Bring back", "flow_unarchive_one", "1 flow current again"),
        ("Run now", "flow_start", "1 flow will run"),
        ("Pause schedules", "flow_schedule_off", "1 flow will not run by schedule"),
        ("Resume schedules", "flow_schedule_on", "1 flow run by schedule again"),
    ],
)
def test_what_could_not_be_changed_is_named_and_all_is_one_request(
    action: str, document: str, done: str, server: ServerProcess, visit: Visit
) -> None:
    samples = Samples(server.url)
    names = choose_two(samples, action)
    sent: list[str] = []

    def delete_one_meanwhile(route: Route) -> None:
        if document in (route.request.post_data or ""):
            sent.append(route.request.post_data or "")
            for flow in versions(samples, names[0]):
                samples.ask("mutation ($id: UUID!) { delete_flow(input: {flow_id: $id}) { success } }", id=flow["id"])
        route.continue_()

    visit.page.route("**/graphql", delete_one_meanwhile)
    visit.go("/flows?archived=1" if action == "Bring back" else "/flows")
    for name in names:
        row = visit.page.locator("main tbody tr").filter(has=visit.page.get_by_role("link", name=name, exact=True))
        row.get_by_label("Select this row").check()
    press(visit, action)
    confirm(visit, action)
    dialog = visit.page.get_by_role("dialog", name="1 flow left as it was")
    expect(dialog.get_by_role("alert")).to_contain_text(names[0])
    expect(dialog).to_contain_text(f"{done}; not so:")
    expect(visit.page.get_by_role("status").get_by_text(f"{done}.")).to_be_visible()
    assert len(sent) == 1
    visit.check_accessible()
    visit.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(visit.page.get_by_role("toolbar")).to_have_count(0)
    left = versions(samples, names[1])
    assert left
    if action == "Archive":
        assert all(flow["archived"] for flow in left)
    elif action == "Bring back":
        assert [flow["archived"] for flow in left].count(False) == 1
    elif action != "Run now":
        current = next(flow for flow in left if not flow["archived"])
        assert current["is_schedule_active"] is (action == "Resume schedules")
    visit.forgive("answered with errors")
    visit.check()


def versions(samples: Samples, name: str) -> list[dict[str, Any]]:
    query = "query ($n: String) { flow(where: {name: {_eq: $n}}) { id archived is_schedule_active } }"
    found: list[dict[str, Any]] = samples.ask(query, n=name)["flow"]
    return found


def choose_two(samples: Samples, action: str) -> list[str]:
    """Return the names of two flows that an action means something for, after making them so."""
    names = scheduled_flows(samples, active=True)[:2] if "schedules" in action else scored(samples)
    change = {"Bring back": "archive_flow", "Resume schedules": "set_schedule_inactive"}.get(action)
    for flow in [flow for name in names for flow in versions(samples, name)] if change else []:
        samples.ask(f"mutation ($id: UUID!) {{ {change}(input: {{flow_id: $id}}) {{ success }} }}", id=flow["id"])
    assert len(names) == 2
    return names


def scored(samples: Samples) -> list[str]:
    """Return the two flows whose names begin so; neither needs parameters."""
    found = samples.ask('{ flow(where: {name: {_like: "score-%"}, archived: {_eq: false}}) { name } }')["flow"]
    return sorted(flow["name"] for flow in found)
