"""In charge of names, texts and links as somebody who means ill would write them; not in charge of who shows them.

Everything that a flow can write is here: whoever shows it must show it as text, whole or cut, and stay usable.
"""

from __future__ import annotations

from collections.abc import Iterator

from .flows import Flow
from .loader import Cells
from .runs import Run, StateAt
from .task_runs import TaskRun
from .values import MINUTE, SECOND, instant_text, json_text
from .words import Shape, TaskShape

SCRIPT = "<script>window.hostile = 'script'</script>"
IMAGE = "<img src=x onerror=\"window.hostile = 'image'\">"
LINK = "javascript:window.hostile='link'"
BIDIRECTIONAL = "invoice\u202e\u2066fdp.exe\u2069\u202c"
HUGE = "W" * 20_000
TEMPLATE = "{{ constructor.constructor('window.hostile = 1')() }}"

NAMES = (SCRIPT, IMAGE, BIDIRECTIONAL, TEMPLATE, HUGE[:2_000])
PROJECT = f"hostile {IMAGE}"

MARKDOWN = f"""# {SCRIPT}

[a link]({LINK}) [data](data:text/html,<script>window.hostile='data'</script>) [good](https://example.org/a?b=c)

{IMAGE}

<iframe srcdoc="<script>parent.hostile = 'frame'</script>"></iframe>
<style>body {{ display: none }}</style>
<form action="https://evil.example/"><input name=password></form>
<a href="{LINK}" onclick="window.hostile='click'">raw</a> <svg onload="window.hostile='svg'"></svg>

![picture](https://evil.example/pixel.png)

`{BIDIRECTIONAL}` {HUGE[:500]}
"""

LINES = (
    SCRIPT,
    IMAGE,
    BIDIRECTIONAL,
    TEMPLATE,
    HUGE,
    "\x1b[31mred\x1b[0m and \x1b]0;title\x07 bell",
    "see javascript:window.hostile='link' or https://example.org/path?x=<b>",
    "line one\nline two\n\n\n\tline five",
    "",
    "\u0000".replace("\u0000", "\ufffd") + "\ufeff\u200b\u2028\u2029",
    "e" + "\u0301" * 400,
    '{"__proto__": {"hostile": true}}',
)


def hostile_flow(name: str) -> Flow:
    """Return a flow, not yet made, whose every word is hostile."""
    tasks = (TaskShape(SCRIPT), TaskShape(IMAGE, (SCRIPT,), tags=(SCRIPT,)), TaskShape(HUGE[:2_000], (IMAGE,)))
    parameters = ((f"p {IMAGE}", SCRIPT), ("__proto__", {"constructor": {"prototype": LINK}}), ("long", HUGE))
    return Flow(name, "", PROJECT, Shape(parameters, tasks), [SCRIPT, BIDIRECTIONAL], None, 0.0, 60.0, 0.0)


def hostile_run(flow: Flow, name: str, now_us: int) -> Run:
    """Return a failed run of it, not yet made."""
    start_us = now_us - 30 * MINUTE
    run = Run(flow, flow.versions[-1], start_us - SECOND, start_us, start_us + MINUTE, name=name)
    run.parameters = flow.parameters
    run.states = [
        StateAt("Scheduled", start_us - MINUTE, SCRIPT, start_us - SECOND),
        StateAt("Submitted", start_us - SECOND, BIDIRECTIONAL),
        StateAt("Running", start_us, IMAGE),
        StateAt("Failed", start_us + MINUTE, f"Unexpected error: {SCRIPT} {TEMPLATE} {HUGE[:3_000]}"),
    ]
    return run


def hostile_log_rows(tenant_id: str, run: Run, task_run: TaskRun, new_id: Iterator[str]) -> Iterator[Cells]:
    """Yield a line for each text, with a logger's name that is no better."""
    assert run.start_us is not None
    for number, line in enumerate(LINES):
        at = instant_text(run.start_us + (number + 1) * SECOND)
        level = "ERROR" if number % 3 else "INFO"
        yield (next(new_id), at, at, tenant_id, run.id, task_run.id, at, f"prefect.{IMAGE}", level, line)


def hostile_artifact_rows(tenant_id: str, task_run: TaskRun, new_id: Iterator[str]) -> Iterator[Cells]:
    """Yield artifacts of every kind, and of one that nobody knows."""
    at = instant_text(task_run.state.time_us)
    documents: tuple[tuple[str, object], ...] = (
        ("link", {"link": LINK}),
        ("link", {"link": "https://evil.example/\u202egpj.exe"}),
        ("markdown", {"markdown": MARKDOWN}),
        (SCRIPT, {"html": IMAGE}),
        ("link", {"link": {"not": "text"}}),
        ("markdown", [SCRIPT]),
    )
    for kind, data in documents:
        yield (next(new_id), at, at, tenant_id, task_run.id, kind, json_text(data))
