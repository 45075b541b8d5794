"""What can be done on the pages around flows: it is done, it shows, and what goes wrong is told."""

import re

from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import Visit
from tests.ui.samples import Samples


def press(visit: Visit, name: str) -> None:
    visit.page.get_by_role("button", name=name, exact=True).click()


def test_the_queue_is_paused_and_goes_on(server: ServerProcess, visit: Visit) -> None:
    samples = Samples(server.url)
    visit.go("/agents")
    press(visit, "Pause the queue")
    expect(visit.page.get_by_text("The work queue is paused: agents are offered nothing").first).to_be_visible()
    assert samples.ask("{ tenant { settings } }")["tenant"][0]["settings"]["work_queue_paused"] is True
    press(visit, "Let the queue go on")
    expect(visit.page.get_by_text("comes nearest and lacks").first).to_be_visible()
    assert samples.ask("{ tenant { settings } }")["tenant"][0]["settings"]["work_queue_paused"] is False
    visit.check()


def test_an_agent_is_forgotten_after_a_question(server: ServerProcess, visit: Visit) -> None:
    visit.go("/agents")
    press(visit, "Forget gpu-box")
    press(visit, "Keep it")
    expect(visit.page.get_by_role("row", name="gpu-box")).to_be_visible()
    press(visit, "Forget gpu-box")
    press(visit, "Forget it")
    expect(visit.page.get_by_text("gpu-box was forgotten.")).to_be_visible()
    expect(visit.page.get_by_role("row", name="gpu-box")).to_have_count(0)
    assert Samples(server.url).ask('{ agent(where: {name: {_eq: "gpu-box"}}) { id } }') == {"agent": []}
    visit.check()


def test_a_project_is_made_changed_and_deleted(server: ServerProcess, visit: Visit) -> None:
    visit.go("/projects")
    press(visit, "New project")
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("Name").fill("weather")
    dialog.get_by_label("Description").fill("Rain and wind.")
    dialog.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_role("row", name="weather")).to_contain_text("Rain and wind.")

    press(visit, "Change weather")
    dialog.get_by_label("Name").fill("climate")
    dialog.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_role("row", name="climate")).to_contain_text("Rain and wind.")
    expect(visit.page.get_by_role("row", name="weather")).to_have_count(0)

    # A deletion wants the name.
    press(visit, "Delete climate")
    delete = dialog.get_by_role("button", name="Delete it")
    expect(delete).to_be_disabled()
    dialog.get_by_role("textbox").fill("climate")
    delete.click()
    expect(visit.page.get_by_role("row", name="climate")).to_have_count(0)
    assert Samples(server.url).ask('{ project(where: {name: {_eq: "climate"}}) { id } }') == {"project": []}
    visit.check()


def test_a_name_that_is_taken_is_told(visit: Visit) -> None:
    visit.go("/projects")
    press(visit, "New project")
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("analytics")
    dialog.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_text("there is one with the same name already")).to_be_visible()
    # What was typed is not lost.
    expect(dialog.get_by_label("Name")).to_have_value("analytics")
    visit.forgive("answered with errors")
    visit.check()


def test_a_pair_is_set_and_not_overwritten_by_who_has_not_seen_it(server: ServerProcess, visit: Visit) -> None:
    visit.go("/key-values")
    press(visit, "New pair")
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("Key").fill("answer")
    dialog.get_by_label("Value, as JSON").fill("forty-two")
    expect(dialog.get_by_text("Text stands in double quotes")).to_be_visible()
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("Value, as JSON").fill('{"is": 42}')
    dialog.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_role("row", name="answer")).to_contain_text('{"is":42}')

    press(visit, "Change answer")
    elsewhere = 'mutation { set_key_value(input: {key: "answer", value: 43}) { id } }'
    Samples(server.url).ask(elsewhere)
    dialog.get_by_label("Value, as JSON").fill("44")
    dialog.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_text("version").filter(visible=True).last).to_be_visible()
    expect(visit.page.get_by_role("row", name="answer", include_hidden=True)).to_contain_text("43")
    dialog.get_by_role("button", name="Cancel").click()

    press(visit, "Delete answer")
    dialog.get_by_role("button", name="Delete it").click()
    expect(visit.page.get_by_role("row", name="answer")).to_have_count(0)
    visit.forgive("answered with errors")
    visit.check()


def test_a_secret_is_kept_and_its_value_never_shown(server: ServerProcess, visit: Visit) -> None:
    received: list[str] = []
    visit.page.on("websocket", lambda socket: socket.on("framereceived", lambda payload: received.append(str(payload))))
    visit.go("/secrets")
    visit.page.get_by_role("button", name="New secret").first.click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("WAREHOUSE_PASSWORD")
    dialog.get_by_label("Value").fill("correct horse")
    dialog.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_role("row", name="WAREHOUSE_PASSWORD")).to_be_visible()
    expect(dialog).to_have_count(0)
    assert "correct horse" not in visit.page.content()
    assert received != []
    assert all("correct horse" not in payload for payload in received)
    assert Samples(server.url).ask('{ secret_value(name: "WAREHOUSE_PASSWORD") }') == {"secret_value": "correct horse"}

    press(visit, "Delete WAREHOUSE_PASSWORD")
    dialog.get_by_role("button", name="Delete it").click()
    expect(visit.page.get_by_text("There are no secrets yet.")).to_be_visible()
    visit.check()


def test_the_console_runs_completes_and_remembers(visit: Visit) -> None:
    visit.go("/api")
    editor = visit.page.get_by_role("textbox", name="Operation")
    expect(editor).to_be_visible()
    editor.click()
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.type("query mine($n: Int) { flow_gr")
    completion = visit.page.locator(".cm-tooltip-autocomplete").get_by_text("flow_group", exact=True).first
    expect(completion).to_be_visible()
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.insert_text("query mine($n: Int) { project(limit: $n) { name } }")
    variables = visit.page.get_by_role("textbox", name="Variables, as JSON")
    variables.click()
    visit.page.keyboard.insert_text('{"n": 1')
    expect(visit.page.get_by_text("This is not JSON")).to_be_visible()
    visit.page.keyboard.insert_text("}")
    visit.page.keyboard.press("Control+Enter")
    expect(visit.page.get_by_role("textbox", name="Answer")).to_contain_text('"name": "analytics"')

    press(visit, "History")
    expect(visit.page.get_by_role("complementary", name="History").get_by_text("mine")).to_be_visible()
    press(visit, "Docs")
    docs = visit.page.get_by_role("complementary", name="Schema")
    docs.get_by_role("searchbox").fill("cancel_flow_run")
    docs.get_by_role("button", name="Mutation.cancel_flow_run").click()
    expect(docs.get_by_text("cancel_flow_run", exact=True)).to_be_visible()
    visit.page.reload()
    visit.wait_ready()
    expect(visit.page.get_by_role("textbox", name="Operation")).to_contain_text("query mine")
    visit.check()


def test_the_calendar_leads_to_a_day(visit: Visit) -> None:
    visit.go("/calendar")
    visit.page.get_by_role("link", name="The month before").click()
    expect(visit.page).to_have_url(re.compile("month="))
    visit.page.get_by_role("link", name=re.compile(r"^15 \w+:")).click()
    expect(visit.page).to_have_url(re.compile("day="))
    visit.wait_ready()
    visit.page.get_by_role("link", name="Today").click()
    expect(visit.page.locator("[aria-current=date]")).to_be_visible()
    visit.check()


def test_a_limit_is_set_and_shows_who_holds_its_slots(server: ServerProcess, visit: Visit) -> None:
    visit.go("/limits")
    press(visit, "New limit")
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("Flow runs with a label").check()
    dialog.get_by_label("Label", exact=True).fill("prod")
    dialog.get_by_label("How many at once").fill("many")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_label("How many at once").fill("3")
    dialog.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_text("At most 3 at once for prod.")).to_be_visible()
    # Those that run already hold slots of a new limit.
    query = '{ flow_concurrency_limit(where: {name: {_eq: "prod"}}) { limit slots { flow_run { name } } } }'
    (limit,) = Samples(server.url).ask(query)["flow_concurrency_limit"]
    assert limit["limit"] == 3
    holders = visit.page.get_by_role("list", name="Who holds slots of prod")
    for slot in limit["slots"]:
        expect(holders.get_by_text(slot["flow_run"]["name"])).to_be_visible()

    press(visit, "Take the limit of prod away")
    dialog.get_by_role("button", name="Take it away").click()
    expect(visit.page.get_by_text("prod has no limit any more.")).to_be_visible()
    expect(visit.page.get_by_role("heading", name="prod", exact=True)).to_have_count(0)
    visit.check()
