"""Make the pictures of the documentation: every page of the web UI, in both themes, on a seeded database.

    make pictures      # writes docs/images

In charge of the pictures alone; which pages there are stands in `pages`. Their text is that of a database that is made
for them, so it changes with every run; commit them when the pages have changed.
"""

import base64
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, get_args

from playwright.sync_api import Page, sync_playwright

from benchmarks.seeding.sizes import Sizes
from benchmarks.seeding.world import seed
from tests.chromium import find_chromium
from tests.server_process import ServerProcess
from tests.ui.browser import Theme, visiting
from tests.ui.pages import PAGES
from tests.ui.samples import Samples

IMAGES: Final = Path(__file__).resolve().parent.parent.parent / "docs/images"

_QUALITY: Final = 82
_SIZES: Final = Sizes(60, 12_000, 6_000, 800, 20_000, 60_000, is_hostile=0)


def main(names: list[str]) -> int:
    """Write the pictures of the pages with these names, of all where there are none."""
    IMAGES.mkdir(exist_ok=True)
    pages = [page for page in PAGES if page.is_picture and (not names or page.name in names)]
    with tempfile.TemporaryDirectory(prefix="eparch-pictures-") as made:
        folder = Path(made)
        url = f"sqlite:///{folder / 'pictures.sqlite'}"
        seed(url, _SIZES, now=datetime.now(UTC))
        server = ServerProcess(url, folder)
        try:
            server.wait_ready()
            samples = Samples(server.url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
                for theme in get_args(Theme):
                    for page in pages:
                        with visiting(browser, server.url, theme=theme) as visit:
                            visit.go(samples.path(page.path))
                            # Fonts and charts are drawn after the data have come.
                            visit.page.wait_for_load_state("networkidle")
                            path = IMAGES / f"{page.name}-{theme}.webp"
                            path.write_bytes(_picture(visit.page))
                            print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size / 1000:.0f} kB")
                browser.close()
            server.stop()
        finally:
            server.kill()
    return 0


def _picture(page: Page) -> bytes:
    """Return what is in the window, as WebP, which Playwright itself does not write."""
    session = page.context.new_cdp_session(page)
    answer = session.send("Page.captureScreenshot", {"format": "webp", "quality": _QUALITY})
    return base64.b64decode(answer["data"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
