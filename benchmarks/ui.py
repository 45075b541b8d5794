"""The web UI in Chromium on a seeded database: how soon it can be used, how smoothly it scrolls, how much it asks.

    python benchmarks/ui.py                       # seeds 100,000 runs, 10,000 task runs of one, 1,000,000 log lines
    python benchmarks/ui.py --size small          # the same on little data, to try the program
    python benchmarks/ui.py --database-url URL    # on a database that `seed.py` has filled

In charge of what is measured in a browser; not in charge of the data (`seeding`) nor of the server's own figures. Needs
`make ui` and a Chromium. Each figure is a median over `--repeat`; a tab is fresh each time, `warm` ones have the files.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from machine import describe_machine
from playwright.sync_api import Browser, Page, sync_playwright
from processes import HOST, ManagedProcess, free_port, wait_until_healthy
from seeding.sizes import SIZES
from seeding.world import WIDE_RUN, seed

_SCROLL_S = 3.0
_IDLE_S = 10.0

# Answers the instant, in milliseconds since the page was asked for, at which a part of it can be used.
_READY = """(selector) => {
  const busy = document.querySelector('main .skeleton, main [aria-busy=true]')
  return document.querySelector(selector) !== null && busy === null ? performance.now() : null
}"""

# Scrolls an element steadily for a while and answers the times between frames.
_SCROLL = """([selector, seconds, pixels]) => new Promise((resolve) => {
  const element = document.querySelector(selector)
  const frames = []
  const begun = performance.now()
  let last = begun
  const step = (now) => {
    frames.push(now - last)
    last = now
    element.scrollTop += pixels
    if (now - begun < seconds * 1000) requestAnimationFrame(step)
    else resolve({frames: frames.slice(1), top: element.scrollTop})
  }
  requestAnimationFrame(step)
})"""

_SCRIPTS = """() => performance.getEntriesByType('resource')
  .filter(({name}) => name.endsWith('.js')).reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0)"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and the bar that it must meet."""

    name: str
    value: float
    unit: str
    bar: float
    is_more_better: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.bar if self.is_more_better else self.value <= self.bar


def main() -> int:
    """Measure, print a table and a line of JSON; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="ui")
    parser.add_argument("--database-url", help="a seeded database to use in place of a new one")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eparch-ui-bench-") as folder:
        url = arguments.database_url or f"sqlite:///{folder}/seeded.sqlite"
        if arguments.database_url is None:
            print("seeding", file=sys.stderr)
            seed(url, SIZES[arguments.size], now=datetime.now(UTC))
        with _server(url, Path(folder)) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
            figures = list(_measure(browser, address, arguments.repeat))
            version = browser.version
            browser.close()
            machine = describe_machine(Path(folder))
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        sign = "at least" if figure.is_more_better else "at most"
        verdict = "met" if figure.is_met else "MISSED"
        print(f"{figure.name:<{width}}  {figure.value:>9,.1f} {figure.unit:<9} {sign} {figure.bar:,.0f}: {verdict}")
    rows = {figure.name: round(figure.value, 2) for figure in figures}
    told = {
        "database": arguments.database_url or arguments.size,
        "chromium": version,
        "load_1min": os.getloadavg()[0],
        "machine": machine,
    }
    print(json.dumps({**told, "figures": rows}))
    return 0 if all(figure.is_met for figure in figures) else 1


def _measure(browser: Browser, address: str, repeat: int) -> Iterator[Figure]:
    wide = _id_of(address, WIDE_RUN)
    cold, warm, scripts = [], [], 0.0
    for _ in range(repeat):
        with _tab(browser) as page:
            cold.append(_ready_ms(page, f"{address}/", "main h1"))
            scripts = page.evaluate(_SCRIPTS)
            warm.append(_ready_ms(page, f"{address}/", "main h1"))
    yield Figure("dashboard usable, first visit", statistics.median(cold), "ms", 1_000)
    yield Figure("dashboard usable, files in the cache", statistics.median(warm), "ms", 1_000)
    yield Figure("dashboard JavaScript, compressed", scripts / 1000, "kB", 200)
    opened = []
    for _ in range(repeat):
        with _tab(browser) as page:
            opened.append(_ready_ms(page, f"{address}/flow-run/{wide}", "main canvas"))
    yield Figure("wide run opened", statistics.median(opened), "ms", 1_500)
    for name, tab, part, pixels in (("timeline", "timeline", "main .fold", 40), ("log", "logs", "main .line time", 60)):
        rates, slow = [], []
        for _ in range(repeat):
            with _tab(browser) as page:
                # An element that scrolls is there before what it scrolls: the time until then is not scrolled at all.
                _ready_ms(page, f"{address}/flow-run/{wide}?tab={tab}", part)
                if tab == "timeline":
                    page.locator(part).first.click()
                else:
                    # Until they are counted, only the first lines are there to scroll over.
                    page.get_by_text(re.compile(r"^[\d,]+ lines$")).wait_for(timeout=60_000)
                scrolled = page.evaluate(_SCROLL, ["main .scroller", _SCROLL_S, pixels])
                frames = scrolled["frames"]
                # Little of what was asked for may be missing: pixels that an element could not go are not scrolled.
                assert scrolled["top"] >= 0.8 * pixels * len(frames), (
                    f"the {name} came to {scrolled['top']} pixels only"
                )
                rates.append(1000 * len(frames) / sum(frames))
                slow.append(statistics.quantiles(frames, n=20)[-1])
        yield Figure(f"{name} scrolled", statistics.median(rates), "frames/s", 50, is_more_better=True)
        yield Figure(f"{name} scrolled, 95th frame of 100", statistics.median(slow), "ms", 50)
    for name, path in (("dashboard", "/"), ("wide run", f"/flow-run/{wide}")):
        yield Figure(f"{name}: requests in {_IDLE_S:.0f} s without a change", _idle(browser, address + path), "", 0)


def _idle(browser: Browser, url: str) -> int:
    sent: list[str] = []
    with _tab(browser) as page:
        page.on("request", lambda request: sent.append(request.url))
        page.on("websocket", lambda socket: socket.on("framesent", lambda payload: sent.append(str(payload)[:200])))
        _ready_ms(page, url, "main h1")
        page.wait_for_load_state("networkidle")
        # Whatever was asked for at the beginning has been asked by now.
        page.wait_for_timeout(3_000)
        sent.clear()
        page.wait_for_timeout(_IDLE_S * 1_000)
        # An answer to the server's ping is no question.
        asked = [each for each in sent if '"pong"' not in each]
    for each in asked:
        print(f"asked at {url}: {each}", file=sys.stderr)
    return len(asked)


def _ready_ms(page: Page, url: str, selector: str) -> float:
    page.goto(url, wait_until="commit")
    ready: float = page.wait_for_function(_READY, arg=selector, timeout=60_000).json_value()
    return ready


@contextmanager
def _tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def _server(database_url: str, folder: Path) -> Iterator[str]:
    port = free_port()
    program = Path(sys.executable).parent / "eparch"
    command: list[str | Path] = [program, "server", "start", "--port", str(port), "--database-url", database_url]
    # What services do would be a change.
    process = ManagedProcess([*command, "--no-services-enabled"], log_path=folder / "server.log", directory=folder)
    try:
        address = f"http://{HOST}:{port}"
        wait_until_healthy(process, f"{address}/health")
        yield address
    finally:
        process.stop()


def _id_of(address: str, name: str) -> str:
    query = "query ($name: String) { flow_run(where: {name: {_eq: $name}}) { id } }"
    answer = httpx.post(f"{address}/graphql", json={"query": query, "variables": {"name": name}}).json()
    run_id: str = answer["data"]["flow_run"][0]["id"]
    return run_id


if __name__ == "__main__":
    sys.exit(main())
