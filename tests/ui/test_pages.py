"""Every page, in both themes and both widths: it loads, says what it is about, fits, and can be used by everybody."""

import pytest
from playwright.sync_api import expect

from tests.server_process import ServerProcess
from tests.ui.browser import NARROW, WIDE, Theme
from tests.ui.conftest import OpenVisit
from tests.ui.pages import PAGES, Page
from tests.ui.samples import Samples


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_loads_and_axe_finds_nothing(
    seeded: ServerProcess, samples: Samples, open_visit: OpenVisit, page: Page, width: int, theme: Theme
) -> None:
    visit = open_visit(seeded.url, width, theme)
    visit.go(samples.path(page.path))
    if page.heading is not None:
        expect(visit.page.locator("main h1")).to_have_text(page.heading)
    for text in page.shows:
        expect(visit.page.locator("main").get_by_text(text).filter(visible=True).first).to_be_visible()
    visit.check()
    visit.check_accessible()
