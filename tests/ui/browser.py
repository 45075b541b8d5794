"""In charge of a page in a real browser, and of noting what goes wrong on it; not in charge of what is looked at."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

AXE = Path(__file__).resolve().parent.parent.parent / "ui/node_modules/axe-core/axe.min.js"

Theme = Literal["light", "dark"]
WIDE, NARROW = 1280, 390
HEIGHTS = {WIDE: 900, NARROW: 844}


@dataclass
class Visit:
    """A tab that looks at one server. What goes wrong in it is noted in `troubles`, a sentence each."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))
        self.page.on("requestfailed", self._note_failure)
        self.page.on("response", self._note_response)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._note_frame))

    def go(self, path: str) -> None:
        """Load an address and wait until its data are there."""
        self.page.goto(self.url + path)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the page has a heading, and nothing on it is still to come."""
        expect(self.page.locator("main h1")).to_be_visible()
        expect(self.page.locator("main .skeleton")).to_have_count(0)
        expect(self.page.locator("main [aria-busy=true]")).to_have_count(0)

    def check(self) -> None:
        """Assert that nothing went wrong, nothing hostile has run and nothing stands out of the window."""
        assert not self.troubles, "\n".join(self.troubles)
        assert self.page.evaluate("window.hostile") is None
        too_wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert too_wide <= 0, f"the page is {too_wide} pixels wider than the window"

    def check_accessible(self) -> None:
        """Assert that axe finds nothing."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [_told(violation) for violation in found["violations"]]
        assert not told, "\n".join(told)

    def forgive(self, *words: str) -> None:
        """Forget troubles that hold one of `words`: a test has brought them about."""
        self.troubles = [trouble for trouble in self.troubles if not any(word in trouble for word in words)]

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _note_failure(self, request: Request) -> None:
        # A page that is left takes back what it has asked for.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"{request.method} {request.url}: {request.failure}")

    def _note_response(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.request.method} {response.url}: {response.status}")
        elif response.headers.get("content-type", "").startswith("application/json"):
            self._note_errors(response)

    def _note_frame(self, payload: str | bytes) -> None:
        message = json.loads(payload)
        told = message.get("payload") or {}
        if message["type"] == "error" or (isinstance(told, dict) and "errors" in told):
            self.troubles.append(f"told with errors: {json.dumps(told)[:500]}")

    def _note_errors(self, response: Response) -> None:
        body = response.body() if response.status == 200 else b"{}"
        answer = json.loads(body)
        for one in answer if isinstance(answer, list) else [answer]:
            if "errors" in one:
                self.troubles.append(f"answered with errors: {json.dumps(one['errors'])[:500]}")


@contextmanager
def visiting(browser: Browser, url: str, width: int = WIDE, theme: Theme = "light", **options: Any) -> Iterator[Visit]:
    """Open a tab with nothing remembered from others, and close it."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHTS[width]},
        color_scheme=theme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Athens",
        **options,
    )
    try:
        yield Visit(context.new_page(), url)
    finally:
        context.close()


def _told(violation: dict[str, Any]) -> str:
    where = "; ".join(f"{' '.join(node['target'])}: {node['html'][:160]}" for node in violation["nodes"][:3])
    return f"{violation['id']} ({violation['help']}): {where}"
