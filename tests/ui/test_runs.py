"""The list of runs, and what can be done with many of them at once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.server_process import ServerProcess
from tests.ui.conftest import OpenVisit, StartServer
from tests.ui.samples import Samples


def rows(page: Page, text: str = "") -> int:
    return page.locator("main tbody tr").filter(has_text=text).count()


def test_filters_stand_in_the_address_and_come_back_with_it(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs")
    page = visit.page
    page.get_by_role("button", name="State").click()
    page.get_by_role("checkbox", name="Failed").check()
    expect(page).to_have_url(re.compile(r"states=Failed"))
    page.keyboard.press("Escape")
    page.get_by_role("searchbox", name="Find runs or flows").fill("wide")
    expect(page).to_have_url(re.compile(r"q=wide"))
    expect(page.locator("main tbody tr")).to_have_count(1)
    address = page.url

    page.go_back()
    expect(page.get_by_role("searchbox", name="Find runs or flows")).to_have_value("")
    page.go_forward()
    other = open_visit(seeded.url)
    other.go(address.removeprefix(seeded.url))
    expect(other.page.locator("main tbody tr")).to_have_count(1)
    expect(other.page.get_by_role("searchbox", name="Find runs or flows")).to_have_value("wide")
    visit.check()
    other.check()


def test_a_view_is_kept_under_its_name_and_can_be_forgotten(seeded: ServerProcess, open_visit: OpenVisit) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs?states=Failed&q=wide")
    page = visit.page
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name").fill("Octopuses")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("navigation", name="Views").get_by_role("link", name="All").click()
    expect(page.locator("main tbody tr").nth(1)).to_be_visible()

    visit.go("/runs")  # as if on another day
    page.get_by_role("link", name="Octopuses").click()
    expect(page).to_have_url(re.compile(r"states=Failed"))
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.get_by_role("button", name="This view").click()
    page.get_by_role("menuitem", name="Forget this view").click()
    expect(page.get_by_role("link", name="Octopuses")).to_have_count(0)
    visit.check()


def test_chosen_runs_are_cancelled_and_the_list_shows_it(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        visit = open_visit(server.url)
        visit.go("/runs?states=Waiting")
        page = visit.page
        names = [page.locator("main tbody tr a").nth(index).inner_text() for index in (0, 2)]
        boxes = page.get_by_role("checkbox", name="Select this row")
        before = Samples(server.url).ask(
            'query { flow_run_aggregate(where: {state: {_eq: "Cancelled"}}) { aggregate { count } } }'
        )["flow_run_aggregate"]["aggregate"]["count"]
        boxes.nth(0).check()
        page.locator("main tbody tr").nth(2).get_by_role("checkbox").check()
        page.get_by_role("toolbar").get_by_role("button", name="Cancel").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel", exact=True).click()
        expect(page.get_by_text("2 runs cancelled, or told to stop.")).to_be_visible()
        after = Samples(server.url).ask(
            'query { flow_run_aggregate(where: {state: {_eq: "Cancelled"}}) { aggregate { count } } }'
        )["flow_run_aggregate"]["aggregate"]["count"]
        assert after == before + 2
        assert len(names) == 2
        visit.check()


def test_everything_that_the_filters_find_is_deleted(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        visit = open_visit(server.url)
        visit.go("/runs?states=Success")
        page = visit.page
        page.get_by_role("checkbox", name="Select all rows shown").check()
        page.get_by_role("button", name=re.compile("^Choose all")).click()
        page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text("No runs match these filters")).to_be_visible(timeout=60_000)
        left = Samples(server.url).ask('query { flow_run(where: {state: {_eq: "Success"}}, limit: 1) { id } }')
        assert left == {"flow_run": []}
        visit.check()


def test_what_is_planned_stands_beside_the_list_and_not_before_it(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit
) -> None:
    visit = open_visit(seeded.url)
    visit.go("/runs")
    page = visit.page
    planned = samples.ask(
        """query ($at: timestamptz!) {
          flow_run_aggregate(where: {scheduled_start_time: {_gte: $at}}) { aggregate { count } }
        }""",
        at=(datetime.now(UTC) + timedelta(minutes=2)).isoformat(),
    )["flow_run_aggregate"]["aggregate"]["count"]
    assert planned > 0
    instants = [time.get_attribute("datetime") for time in page.locator("main tbody td:nth-child(6) time").all()]
    assert instants == sorted(instants, reverse=True, key=str)
    assert datetime.fromisoformat(str(instants[0])) < datetime.now(UTC) + timedelta(minutes=2)
    page.get_by_role("link", name=re.compile(r"^\d+ planned$")).click()
    expect(page).to_have_url(re.compile("states=Waiting"))
    expect(page.get_by_role("navigation", name="Views").get_by_role("link", name="Planned")).to_have_count(1)
    visit.wait_ready()
    expect(page.locator("main tbody").get_by_text("Success")).to_have_count(0)
    visit.check()


def test_a_run_that_was_just_started_is_on_the_list_at_once(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        samples = Samples(server.url)
        visit = open_visit(server.url)
        visit.go("/runs")
        flow = samples.ask('{ flow(where: {name: {_eq: "publish-sessions"}, archived: {_eq: false}}) { id } }')["flow"]
        samples.ask(
            'mutation ($id: UUID!) { create_flow_run(input: {flow_id: $id, flow_run_name: "just-now"}) { id } }',
            id=flow[0]["id"],
        )
        # What a schedule has made for the next minute may stand before it.
        expect(visit.page.locator("main tbody tr").filter(has_text="just-now")).to_have_count(1)
        visit.check()


def test_waiting_runs_are_made_due_and_others_left(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        samples = Samples(server.url)
        flow = samples.ask('{ flow(where: {name: {_eq: "publish-sessions"}, archived: {_eq: false}}) { id } }')["flow"]
        made = [
            samples.ask(
                """mutation ($flow: UUID!, $name: String!, $at: DateTime) {
                  create_flow_run(input: {flow_id: $flow, flow_run_name: $name, scheduled_start_time: $at}) { id }
                }""",
                flow=flow[0]["id"],
                name=name,
                at="2099-01-01T00:00:00Z",
            )["create_flow_run"]["id"]
            for name in ("due-one", "due-two")
        ]
        cancelled = """mutation ($id: UUID!) { cancel_flow_run(input: {flow_run_id: $id}) { state } }"""
        samples.ask(cancelled, id=made[1])
        visit = open_visit(server.url)
        visit.go("/runs?q=due-&states=Waiting,Cancelled")
        page = visit.page
        expect(page.locator("main tbody tr")).to_have_count(2)
        page.get_by_role("checkbox", name="Select all rows shown").check()
        page.get_by_role("toolbar").get_by_role("button", name="Run now").click()
        visit.check_accessible()
        page.get_by_role("dialog").get_by_role("button", name="Run now", exact=True).click()
        expect(page.get_by_text("1 run due now; 1 left as they were.")).to_be_visible()
        found = samples.ask(
            "query ($ids: [uuid!]) { flow_run(where: {id: {_in: $ids}}) { name state state_start_time } }", ids=made
        )["flow_run"]
        states = {run["name"]: (run["state"], run["state_start_time"]) for run in found}
        assert states["due-one"][0] == "Scheduled"
        assert states["due-one"][1] < "2099"
        assert states["due-two"][0] == "Cancelled"
        visit.check()


@pytest.mark.parametrize(
    ("action", "document", "states", "done"),
    [
        ("Delete", "delete_one_run", "Failed", "2 runs deleted; not so:"),
        ("Cancel", "cancel_one_run", "Waiting", "2 runs cancelled, or told to stop; not so:"),
        ("Run now", "set_many_run_states", "Waiting", "2 runs due now; not so:"),
    ],
)
def test_a_change_that_fails_for_one_run_names_it_and_is_made_for_the_others(
    action: str, document: str, states: str, done: str, start_seeded: StartServer, open_visit: OpenVisit
) -> None:
    with start_seeded("--no-services-enabled") as server:
        samples = Samples(server.url)
        visit = open_visit(server.url)
        page = visit.page
        gone: list[str] = []

        def delete_one_meanwhile(route: Route) -> None:
            body = route.request.post_data_json if document in (route.request.post_data or "") else None
            if body and not gone:
                variables = body[0]["variables"]
                gone.append(variables["states"][0]["flow_run_id"] if "states" in variables else variables["id"])
                one = "mutation ($id: UUID!) { delete_flow_run(input: {flow_run_id: $id}) { success } }"
                samples.ask(one, id=gone[0])
            route.continue_()

        page.route("**/graphql", delete_one_meanwhile)
        visit.go(f"/runs?states={states}")
        chosen = {}
        for index in range(3):
            row = page.locator("main tbody tr").nth(index)
            row.get_by_role("checkbox").check()
            link = row.get_by_role("link").first
            chosen[(link.get_attribute("href") or "").rsplit("/", 1)[1]] = link.inner_text()
        page.get_by_role("toolbar").get_by_role("button", name=action).click()
        page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()
        dialog = page.get_by_role("dialog", name="1 run left as it was")
        expect(dialog).to_contain_text(done)
        expect(dialog.get_by_role("alert").get_by_role("listitem")).to_have_count(1)
        expect(dialog.get_by_role("alert")).to_contain_text(chosen[gone[0]])
        visit.check_accessible()
        dialog.get_by_role("button", name="Close").last.click()
        expect(page.get_by_role("toolbar")).to_have_count(0)
        left = samples.ask(
            "query ($ids: [uuid!]) { flow_run(where: {id: {_in: $ids}}) { state state_message } }", ids=list(chosen)
        )["flow_run"]
        if action == "Delete":
            assert left == []
        elif action == "Cancel":
            assert [run["state"] for run in left] == ["Cancelled"] * 2
        else:
            assert [run["state_message"] for run in left] == ["Run now, by a person."] * 2
        visit.forgive("answered with errors")
        visit.check()
