"""A connection that is lost and heals; pages that are live."""

from pathlib import Path

from playwright.sync_api import expect

from tests.databases import SQLiteDatabases
from tests.server.conftest import running
from tests.server_process import ServerProcess
from tests.ui.conftest import OpenVisit, StartServer
from tests.ui.samples import Samples, seed_for_pages

CREATE = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"
LOST = "The connection to the server is lost"


def test_a_change_shows_without_a_reload(start_seeded: StartServer, open_visit: OpenVisit) -> None:
    with start_seeded("--no-services-enabled") as server:
        visit = open_visit(server.url)
        visit.go("/projects")
        requests: list[str] = []
        visit.page.on("request", lambda request: requests.append(request.url))
        Samples(server.url).ask(CREATE, name="made elsewhere")
        expect(visit.page.get_by_text("made elsewhere")).to_be_visible()
        # It came over the one connection that the tab has.
        assert requests == []
        visit.check()


def test_a_lost_connection_shows_and_heals(tmp_path: Path, run_folder: Path, open_visit: OpenVisit) -> None:
    with SQLiteDatabases(tmp_path, run_folder).fresh(seed=seed_for_pages) as url:
        with running(url, tmp_path, "--no-services-enabled") as server:
            visit = open_visit(server.url)
            visit.go("/projects")
            expect(visit.page.get_by_text("machine-learning")).to_be_visible()
            server.stop()
        expect(visit.page.get_by_text(LOST)).to_be_visible()
        # What was there stays to be read, and trying by hand does no harm.
        expect(visit.page.get_by_text("machine-learning")).to_be_visible()
        visit.page.get_by_role("button", name="Try now").click()
        expect(visit.page.get_by_text(LOST)).to_be_visible()

        again = ServerProcess(url, tmp_path, "--no-services-enabled", port=server.port)
        try:
            again.wait_ready()
            Samples(again.url).ask(CREATE, name="made after the break")
            expect(visit.page.get_by_text("made after the break")).to_be_visible(timeout=60_000)
            expect(visit.page.get_by_text(LOST)).to_have_count(0)
            visit.forgive("ERR_CONNECTION_REFUSED", "WebSocket", "ERR_CONNECTION_RESET")
            visit.check()
            again.stop()
        finally:
            again.kill()
