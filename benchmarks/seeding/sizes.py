"""In charge of how much a seeded database holds; not in charge of what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each.

    Attributes:
        flows: groups; each has one to four versions.
        flow_runs: that have ended, or should have; a few that run, wait or are late come on top.
        task_runs: of the newest flow runs; those of the wide run come on top.
        wide_children: mapped task runs of one flow run, the wide run.
        wide_log_lines: log lines of the wide run.
        log_lines: of all other runs together.
        days: how far the past reaches.
        is_hostile: whether there are names, texts and links as somebody who means ill would write them; 1 or 0.
    """

    flows: int = 200
    flow_runs: int = 100_000
    task_runs: int = 60_000
    wide_children: int = 10_000
    wide_log_lines: int = 1_000_000
    log_lines: int = 200_000
    days: int = 30
    is_hostile: int = 1


SIZES: dict[str, Sizes] = {
    # Seconds: for tests.
    "small": Sizes(12, 600, 900, 120, 2_000, 3_000),
    # What the web UI must bear.
    "ui": Sizes(),
    # What queries must bear.
    "reads": Sizes(task_runs=990_000, log_lines=9_000_000),
}
