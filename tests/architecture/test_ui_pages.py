"""Every page of the web UI is looked at by its tests."""

import re

from tests.architecture.tracked import ROOT
from tests.ui.pages import PAGES, REDIRECTS


def test_every_route_has_a_row_among_the_pages_that_are_tested() -> None:
    router = (ROOT / "ui/src/app/router.ts").read_text(encoding="utf-8")
    routes = set(re.findall(r"""\bpath: ['"`]([^'"`]+)['"`]""", router))
    assert len(routes) > 2, "the routes are written in another way; read them from there"
    tested = {page.route for page in PAGES}
    assert sorted(routes - tested - REDIRECTS) == [], "add a row to tests/ui/pages.py"
    assert sorted((tested | REDIRECTS) - routes) == [], "a row of tests/ui/pages.py is for a route that is gone"
