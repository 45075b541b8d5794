"""In charge of the list of the web UI's pages: a row is enough to have a page loaded, looked at and judged.

Not in charge of what is asked of each (`test_pages`). A route of ui/src/app/router.ts without a row fails
tests/architecture.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        path: its address; names in braces stand for ids of the seeded database (`Samples`).
        route: the path of the route in the router that it shows.
        heading: the text of its h1; None where the seeded database decides.
        shows: texts, beside the heading, that are there once the page has its data.
        is_picture: whether it is on a picture of the documentation.
    """

    path: str
    route: str
    heading: str | None = None
    shows: tuple[str, ...] = ()
    is_picture: bool = True

    @property
    def name(self) -> str:
        """A name for files and tests."""
        return re.sub(r"[^a-z0-9]+", "-", self.path).strip("-") or "home"


PAGES = (
    Page("/", "/", "Dashboard"),
    Page("/runs", "/runs", "Runs", shows=("Scheduled",)),
    Page("/runs?states=Failed&q=wide", "/runs", "Runs", shows=("wide-octopus",), is_picture=False),
    Page("/flows", "/flows", "Flows", shows=("Last runs", "Every")),
    Page("/flows?archived=1&q=zzz", "/flows", "Flows", shows=("No flow is archived",), is_picture=False),
    Page("/flow/{flow}", "/flow/:id(${ID})", shows=("README", "Last runs")),
    Page("/flow/{flow}?tab=runs", "/flow/:id(${ID})", shows=("planned",), is_picture=False),
    Page("/flow/{flow}?tab=schematic", "/flow/:id(${ID})", is_picture=False),
    Page("/flow/{flow}?tab=tasks", "/flow/:id(${ID})", shows=("Task", "tasks"), is_picture=False),
    Page("/flow/{flow}?tab=schedule", "/flow/:id(${ID})", shows=("Policies", "times in Athens")),
    Page("/flow/{flow}?tab=backfills", "/flow/:id(${ID})", shows=("A backfill makes",), is_picture=False),
    Page("/flow/{flow}?tab=versions", "/flow/:id(${ID})", shows=("Difference",), is_picture=False),
    Page("/flow/{flow}?tab=settings", "/flow/:id(${ID})", shows=("Lazarus", "Code storage"), is_picture=False),
    Page("/flow/{hostile_flow}", "/flow/:id(${ID})", shows=("window.hostile",), is_picture=False),
    Page("/flow/{flow}/run", "/flow/:id(${ID})/run", shows=("Parameters", "Run config")),
    Page("/flow/{flow}/run?view=json", "/flow/:id(${ID})/run", shows=("Parameters",), is_picture=False),
    Page("/flow/{hostile_flow}/run", "/flow/:id(${ID})/run", shows=("window.hostile",), is_picture=False),
    Page("/flow-run/{flow_run}", "/flow-run/:id(${ID})", shows=("Restart from failed", "Its log")),
    Page("/flow-run/{wide_run}?critical=1", "/flow-run/:id(${ID})", "wide-octopus", shows=("Critical path",)),
    Page("/flow-run/{flow_run}?tab=schematic", "/flow-run/:id(${ID})", shows=("began at",)),
    Page("/flow-run/{wide_run}?tab=logs", "/flow-run/:id(${ID})", "wide-octopus", shows=("lines",)),
    Page("/flow-run/{flow_run}?tab=history", "/flow-run/:id(${ID})", shows=("Running",), is_picture=False),
    Page("/flow-run/{flow_run}?tab=artifacts", "/flow-run/:id(${ID})", is_picture=False),
    Page("/flow-run/{flow_run}?tab=details", "/flow-run/:id(${ID})", shows=("Last heartbeat",), is_picture=False),
    Page("/flow-run/{running_run}", "/flow-run/:id(${ID})", shows=("Cancel",), is_picture=False),
    Page("/flow-run/{late_run}", "/flow-run/:id(${ID})", shows=("Run now",), is_picture=False),
    Page("/flow-run/{hostile_run}", "/flow-run/:id(${ID})", shows=("window.hostile",), is_picture=False),
    Page("/task-run/{task_run}", "/task-run/:id(${ID})", shows=("Before it", "Attempts")),
    Page("/task-run/{task_run}?tab=log", "/task-run/:id(${ID})", shows=("lines",), is_picture=False),
    Page("/task-run/{task_run}?tab=state", "/task-run/:id(${ID})", shows=("Trigger",), is_picture=False),
    Page("/task-run/{hostile_task_run}", "/task-run/:id(${ID})", shows=("Attempts",), is_picture=False),
    Page("/task-run/{hostile_task_run}?tab=artifacts", "/task-run/:id(${ID})", is_picture=False),
    Page("/agents", "/agents", "Agents", shows=("warehouse-1", "comes nearest and lacks")),
    Page("/limits", "/limits", "Concurrency limits", shows=("warehouse", "of 4 taken")),
    Page("/projects", "/projects", "Projects", shows=("machine-learning", "window.hostile")),
    Page("/key-values", "/key-values", "Key-value store", shows=("ingest/last-day",)),
    Page("/secrets", "/secrets", "Secrets", shows=("There are no secrets yet",)),
    Page("/calendar", "/calendar", "Calendar", shows=("wide-octopus", "All of this day")),
    Page("/calendar?month=2026-02&day=2026-02-14", "/calendar", "Calendar", shows=("14 February",), is_picture=False),
    Page("/api", "/api", "API console", shows=("Query", "failed_runs")),
    Page("/server", "/server", "Server", shows=("SQLite 3", "Logs are kept", "API console")),
    Page("/nothing-here", "/:rest(.*)*", shows=(), is_picture=False),
)

# Routes that lead elsewhere and show nothing of their own.
REDIRECTS = frozenset({"/:tenant/:kind(flow|flow-run|task-run)/:id(${ID})"})
