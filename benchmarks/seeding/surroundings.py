"""In charge of agents, artifacts and what belongs to a tenant; not in charge of runs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from eparch.operations.agents import agent_fingerprint

from .hostile import BIDIRECTIONAL, HUGE, IMAGE, SCRIPT
from .loader import Cells
from .task_runs import TaskRun
from .values import DAY, MINUTE, SECOND, ids, instant_text, json_text

AGENT_COLUMNS = (
    "id",
    "created",
    "updated",
    "tenant_id",
    "name",
    "type",
    "core_version",
    "labels",
    "last_queried",
    "fingerprint",
)

# Name, type, labels, and how long ago it was last heard of (microseconds).
AGENTS: tuple[tuple[str | None, str, list[str], int], ...] = (
    ("warehouse-1", "LocalAgent", ["etl", "prod", "warehouse"], 4 * SECOND),
    ("warehouse-2", "LocalAgent", ["etl", "prod", "warehouse"], 9 * SECOND),
    ("cluster", "KubernetesAgent", ["kubernetes", "prod"], 7 * SECOND),
    ("containers", "DockerAgent", ["docker", "eu-west"], 31 * SECOND),
    ("gpu-box", "LocalAgent", ["gpu"], 26 * MINUTE),
    (None, "LocalAgent", [], 3 * DAY),
)

KEY_VALUE_COLUMNS = ("id", "created", "updated", "tenant_id", "key", "value", "version")

KEY_VALUES: tuple[tuple[str, object], ...] = (
    ("ingest/last-day", "2026-01-31"),
    ("ingest/offsets", {"orders": 48_213_377, "customers": 731, "clickstream": 9_120_448_221}),
    ("growth/experiment", {"name": "checkout-button", "arms": ["blue", "green"], "is_running": True}),
    ("machine-learning/current-model", {"version": "v3", "auc": 0.914}),
    ("finance/closed-until", None),
    ("operations/paused", False),
)

HOSTILE_KEY_VALUES: tuple[tuple[str, object], ...] = ((SCRIPT, IMAGE), (BIDIRECTIONAL, HUGE[:2_000]))

ARTIFACT_COLUMNS = ("id", "created", "updated", "tenant_id", "task_run_id", "kind", "data")

_REPORT = """# Load of {day}

| table | rows | change |
|---|---:|---:|
| orders | {n} | +2.1 % |
| customers | 48,213 | +0.3 % |
| refunds | 731 | **-12 %** |

All checks passed but `refunds_not_negative`: see [the dashboard](https://bi.example.org/d/refunds).
"""


def agent_rows(tenant_id: str, now_us: int) -> Iterator[Cells]:
    """Yield the rows of agents."""
    born = instant_text(now_us - 9 * DAY)
    for agent_id, (name, kind, labels, ago_us) in zip(ids(6), AGENTS, strict=False):
        queried = instant_text(now_us - ago_us)
        fingerprint = agent_fingerprint(name, kind, "1.4.1", labels)
        yield (agent_id, born, queried, tenant_id, name, kind, "1.4.1", json_text(labels), queried, fingerprint)


def key_value_rows(tenant_id: str, now_us: int, *, is_hostile: bool) -> Iterator[Cells]:
    """Yield key-value pairs."""
    pairs = (*KEY_VALUES, *(HOSTILE_KEY_VALUES if is_hostile else ()))
    for number, (pair_id, (key, value)) in enumerate(zip(ids(7), pairs, strict=False), 1):
        changed = instant_text(now_us - number * number * MINUTE)
        yield (pair_id, instant_text(now_us - 9 * DAY), changed, tenant_id, key, json_text(value), number)


def artifact_rows(
    tenant_id: str, task_runs: Sequence[TaskRun], new_id: Iterator[str], rng: random.Random
) -> Iterator[Cells]:
    """Yield artifacts of some task runs that ended."""
    ended = [one for one in task_runs if one.end_us is not None and one.task in ("report", "evaluate", "merge", "send")]
    for number, one in enumerate(ended[:: max(1, len(ended) // 200)]):
        assert one.end_us is not None
        at = instant_text(one.end_us)
        if number % 3 == 0:
            kind, data = "link", {"link": f"https://bi.example.org/d/{one.task}?run={one.run.name}"}
        else:
            day = at.partition("T")[0]
            kind, data = "markdown", {"markdown": _REPORT.format(day=day, n=f"{rng.randrange(10_000, 900_000):,}")}
        yield (next(new_id), at, at, tenant_id, one.id, kind, json_text(data))
