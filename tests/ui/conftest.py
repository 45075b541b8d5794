"""In charge of a browser, of a server on a seeded database, and of tabs; for the tests in this folder.

The pages see the database only through the API, which gives the same bytes on SQLite and PostgreSQL (tests/graphql,
tests/properties), so these tests run on SQLite alone.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from eparch.server.pages import FOLDER
from tests.chromium import MissingChromium, find_chromium
from tests.databases import SQLiteDatabases
from tests.server.conftest import running
from tests.server_process import ServerProcess
from tests.ui.browser import WIDE, Theme, Visit, visiting
from tests.ui.samples import Samples, seed_for_pages

OpenVisit = Callable[..., Visit]
StartServer = Callable[..., AbstractContextManager[ServerProcess]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            # One browser and one server, in one worker.
            item.add_marker(pytest.mark.xdist_group("ui"))


# Not for the whole session: while it lives its event loop counts as running, which asynchronous tests cannot bear.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        program = find_chromium()
    except MissingChromium as error:
        _fail_or_skip(str(error))
    if not (FOLDER / "index.html").exists():
        _fail_or_skip("the web UI has not been built; run: make ui")
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers do not give; the pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def seeded(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Iterator[ServerProcess]:
    """A server on a seeded database that nothing changes by itself."""
    folder = tmp_path_factory.mktemp("seeded")
    databases = SQLiteDatabases(folder, run_folder)
    with databases.fresh(seed=seed_for_pages) as url, running(url, folder, "--no-services-enabled") as server:
        yield server


@pytest.fixture(scope="package")
def samples(seeded: ServerProcess) -> Samples:
    return Samples(seeded.url)


@pytest.fixture
def open_visit(browser: Browser) -> Iterator[OpenVisit]:
    """Open a tab at a server: `open_visit(server.url, width=NARROW, theme="dark")`."""
    with ExitStack() as stack:

        def open_one(url: str, width: int = WIDE, theme: Theme = "light") -> Visit:
            return stack.enter_context(visiting(browser, url, width, theme))

        yield open_one


@pytest.fixture
def start_seeded(tmp_path: Path, run_folder: Path) -> StartServer:
    """Start a server of a test's own on a copy of the seeded database: for tests that change or stop it."""

    @contextmanager
    def start(*options: str) -> Iterator[ServerProcess]:
        databases = SQLiteDatabases(tmp_path, run_folder)
        with databases.fresh(seed=seed_for_pages) as url, running(url, tmp_path, *options) as server:
            yield server

    return start


@pytest.fixture
def server(start_seeded: StartServer) -> Iterator[ServerProcess]:
    """A server of a test's own on seeded data, without services: what a test changes nothing else does."""
    with start_seeded("--no-services-enabled") as server:
        yield server


@pytest.fixture
def visit(server: ServerProcess, open_visit: OpenVisit) -> Visit:
    """A tab at the test's own server."""
    return open_visit(server.url)


def _fail_or_skip(reason: str) -> None:
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
