"""Every metric: its name, what it means, and where its value is.

In charge of the list, from which `/metrics` and docs/reference/metrics.md are made; not in charge of the text of a
scrape (`metrics`) nor of taking notes (`database.figures`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from eparch.database.figures import Distribution, ReadFigures, WriteFigures
from eparch.operations.figures import Installation
from eparch.server.exchanges import RequestFigures
from eparch.services.lease import PassFigures

Labelled = Mapping[tuple[str, ...], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where metrics come from.

    Attributes:
        installation: None where the database did not answer.
        opened: how many WebSockets, subscriptions and long-polls are open.
        turns: by service, whether this server runs it.
    """

    version: str
    database: str
    installation: Installation | None
    requests: RequestFigures
    writes: WriteFigures
    reads: ReadFigures
    passes: PassFigures
    caches: Labelled
    waiting_count: int
    opened: Mapping[str, int]
    turns: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: without the ending that the kind adds, such as `_total`.
        read: returns the value: a number, a `Distribution`, or one of them by label; None where there is none now.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    purpose: str
    read: Callable[[Sources], float | Distribution | Labelled | None]
    labels: tuple[str, ...] = ()

    @property
    def shown_name(self) -> str:
        """The name that a query uses."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def _of_installation(read: Callable[[Installation], Any]) -> Callable[[Sources], Any]:
    return lambda sources: None if sources.installation is None else read(sources.installation)


def _keyed(values: Mapping[str, Any]) -> Labelled:
    return {(name,): value for name, value in values.items()}


METRICS: Final = (
    Metric(
        "eparch_info",
        "gauge",
        "Always 1; the labels say what runs.",
        lambda s: {(s.version, s.database): 1},
        ("version", "database"),
    ),
    Metric(
        "eparch_database_up", "gauge", "1 if the database answered this scrape.", lambda s: s.installation is not None
    ),
    Metric(
        "eparch_flow_runs",
        "gauge",
        "Flow runs of the installation by state, but for Pending and ended ones.",
        _of_installation(lambda i: _keyed(i.flow_runs)),
        ("state",),
    ),
    Metric(
        "eparch_task_runs",
        "gauge",
        "Task runs of the installation that run or wait for an instant, by state.",
        _of_installation(lambda i: _keyed(i.task_runs)),
        ("state",),
    ),
    Metric(
        "eparch_queue_due_runs",
        "gauge",
        "Flow runs of the installation that are due and that no agent has taken.",
        _of_installation(lambda i: i.due_count),
    ),
    Metric(
        "eparch_queue_oldest_due_seconds",
        "gauge",
        "For how long the oldest of them has been due.",
        _of_installation(lambda i: i.oldest_due_s),
    ),
    Metric(
        "eparch_schedules",
        "gauge",
        "Flows of the installation with an active schedule.",
        _of_installation(lambda i: i.schedules),
    ),
    Metric("eparch_database_size_bytes", "gauge", "Size of the database.", _of_installation(lambda i: i.size_bytes)),
    Metric(
        "eparch_service_last_pass_timestamp_seconds",
        "gauge",
        "When a service last made a pass, on whichever server, in seconds since 1970.",
        _of_installation(lambda i: _keyed({name: at.timestamp() for name, at in i.last_passes.items()})),
        ("service",),
    ),
    Metric(
        "eparch_service_is_mine",
        "gauge",
        "1 if it is this server's turn to run the service.",
        lambda s: _keyed(s.turns),
        ("service",),
    ),
    Metric(
        "eparch_service_passes",
        "counter",
        "Passes of services on this server, by outcome: ok, failed, lease_lost.",
        lambda s: s.passes.passes.read(),
        ("service", "outcome"),
    ),
    Metric(
        "eparch_service_pass_seconds",
        "histogram",
        "How long they took.",
        lambda s: s.passes.took_s.read(),
        ("service",),
    ),
    Metric(
        "eparch_states",
        "counter",
        "States that runs have entered through this server; kinds are flow_run and task_run.",
        lambda s: s.writes.states.read(),
        ("kind", "state"),
    ),
    Metric(
        "eparch_flow_run_start_delay_seconds",
        "histogram",
        "Schedule lag: from when a flow run was due until an agent had taken it through this server.",
        lambda s: s.writes.start_delay_s,
    ),
    Metric(
        "eparch_log_lines",
        "counter",
        "Log lines of runs stored through this server.",
        lambda s: s.writes.log_lines.read().get((), 0),
    ),
    Metric(
        "eparch_requests",
        "counter",
        "Requests by outcome: ok, errors (with status 200), refused (4xx), failed (500), unavailable (503), left.",
        lambda s: s.requests.requests.read(),
        ("kind", "outcome"),
    ),
    Metric(
        "eparch_request_seconds",
        "histogram",
        "From the head of a request until its answer was sent; long-polls apart.",
        lambda s: s.requests.took_s.read(),
        ("kind",),
    ),
    Metric(
        "eparch_long_poll_seconds",
        "histogram",
        "The same for long-polls, which wait by design.",
        lambda s: s.requests.waited_s.read().get(("long_poll",)),
    ),
    Metric(
        "eparch_open",
        "gauge",
        "What is open at this server now: connections (WebSockets), subscriptions, long_polls.",
        lambda s: _keyed(s.opened),
        ("what",),
    ),
    Metric("eparch_write_queue_changes", "gauge", "Changes that wait for a writer now.", lambda s: s.waiting_count),
    Metric(
        "eparch_write_queue_wait_seconds",
        "histogram",
        "How long the oldest change of each batch had waited for a writer.",
        lambda s: s.writes.wait_s,
    ),
    Metric(
        "eparch_write_batch_changes",
        "histogram",
        "How many changes shared a transaction.",
        lambda s: s.writes.batch_changes,
    ),
    Metric(
        "eparch_write_batch_seconds",
        "histogram",
        "Database time of writing: from the beginning of a transaction until its commit.",
        lambda s: s.writes.batch_s,
    ),
    Metric(
        "eparch_changes",
        "counter",
        "Changes by outcome: ok, refused (a fault of the caller), unavailable, overloaded, failed.",
        lambda s: s.writes.changes.read(),
        ("outcome",),
    ),
    Metric("eparch_read_wait_seconds", "histogram", "How long reads waited for a thread.", lambda s: s.reads.wait_s),
    Metric(
        "eparch_read_seconds",
        "histogram",
        "Database time of reading: a transaction for each.",
        lambda s: s.reads.took_s,
    ),
    Metric(
        "eparch_read_failures",
        "counter",
        "Reads that the database did not answer.",
        lambda s: s.reads.failures.read().get((), 0),
    ),
    Metric(
        "eparch_document_cache",
        "counter",
        "Whether a GraphQL document was at hand (hit, miss) by its text, by its shape, and its plan.",
        lambda s: s.caches,
        ("cache", "result"),
    ),
)


def metrics_page() -> str:
    """Return docs/reference/metrics.md."""
    return _PAGE.format(metrics="\n".join(map(_line, METRICS)))


def _line(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.shown_name}` | {metric.kind} | {labels} | {metric.purpose} |"


_PAGE: Final = """# Metrics

<!-- Written by `make docs` from src/eparch/server/metric_table.py. -->

What `/metrics` says, in the text format of Prometheus or in OpenMetrics; [operations](../operations.md#metrics) tells
how to use it. A histogram has `_bucket`, `_sum` and `_count`. Beside these stand `process_*` and `python_info`.

Metrics "of the installation" come from the database and are the same on every server: take `max`, not `sum`, over
servers. They are asked for at most every 5 s and look at no more than 200,000 rows each. All others are of one server
since its start.

| metric | kind | labels | meaning |
|---|---|---|---|
{metrics}
"""
