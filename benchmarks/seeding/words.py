"""In charge of the words that seeded flows, tasks, runs and logs are made of; not in charge of how many there are."""

from __future__ import annotations

from dataclasses import dataclass

PROJECTS = {
    "analytics": "Reports and metrics that people look at in the morning.",
    "ingest": "Everything that comes from outside.",
    "machine-learning": "Training and scoring.",
    "finance": "Invoices, payments, closing of the month.",
    "growth": "Campaigns and experiments.",
    "operations": "Backups, clean-ups, checks.",
    "search": "The index and its ranking.",
    "sandbox": None,
}

_NOUN_WORDS = """
orders customers invoices payments sessions events products prices stock returns reviews tickets shipments leads
campaigns experiments features embeddings recommendations forecasts ledgers exchange-rates clickstream sensor-readings
"""
_VERB_WORDS = "ingest refresh export reconcile aggregate score validate archive publish"

NOUNS = _NOUN_WORDS.split()
VERBS = _VERB_WORDS.split()

LABELS = (["prod"], ["prod", "etl"], ["gpu"], ["prod", "kubernetes"], [], ["eu-west"])


@dataclass(frozen=True, slots=True)
class TaskShape:
    """A task of a shape: its name, what it follows, and how it behaves."""

    name: str
    after: tuple[str, ...] = ()
    is_mapped: bool = False
    retries_max: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a flow looks like: its parameters (name, default) and its tasks in an order in which they can run."""

    parameters: tuple[tuple[str, object], ...]
    tasks: tuple[TaskShape, ...]


SHAPES = (
    Shape(
        (("day", "2026-01-31"), ("full_refresh", False)),
        (
            TaskShape("list_partitions", tags=("warehouse",)),
            TaskShape("extract", ("list_partitions",), is_mapped=True, retries_max=3, tags=("warehouse",)),
            TaskShape("clean", ("extract",), is_mapped=True),
            TaskShape("check_quality", ("clean",)),
            TaskShape("load", ("check_quality",), retries_max=2, tags=("warehouse", "write")),
            TaskShape("report", ("load",)),
        ),
    ),
    Shape(
        (("since_hours", 24),),
        (
            TaskShape("connect"),
            TaskShape("fetch_new", ("connect",), retries_max=5, tags=("api",)),
            TaskShape("fetch_changed", ("connect",), retries_max=5, tags=("api",)),
            TaskShape("merge", ("fetch_new", "fetch_changed")),
            TaskShape("write", ("merge",), tags=("write",)),
        ),
    ),
    Shape(
        (("model", "v3"), ("learning_rate", 0.01), ("epochs", 20)),
        (
            TaskShape("load_features"),
            TaskShape("split", ("load_features",)),
            TaskShape("train", ("split",), tags=("gpu",)),
            TaskShape("evaluate", ("train", "split")),
            TaskShape("compare_with_current", ("evaluate",)),
            TaskShape("promote", ("compare_with_current",)),
            TaskShape("notify", ("promote",)),
        ),
    ),
    Shape(
        (("dry_run", False),),
        (
            TaskShape("find_old"),
            TaskShape("delete_old", ("find_old",), is_mapped=True),
            TaskShape("vacuum", ("delete_old",)),
        ),
    ),
    Shape(
        (("month", "2026-01"), ("currency", "EUR"), ("recipients", ["cfo@example.org"])),
        (
            TaskShape("read_ledger"),
            TaskShape("read_bank", retries_max=3),
            TaskShape("match", ("read_ledger", "read_bank")),
            TaskShape("unmatched", ("match",)),
            TaskShape("matched", ("match",)),
            TaskShape("book", ("matched",), tags=("write",)),
            TaskShape("approve", ("book", "unmatched")),
            TaskShape("send", ("approve",)),
        ),
    ),
)

ERRORS = (
    "Unexpected error: ConnectionError('warehouse.internal:5439: connection refused')",
    "Unexpected error: KeyError('customer_id')",
    "Unexpected error: TimeoutError('no answer from api.example.org within 30 s')",
    "Unexpected error: ValueError('3 rows have a negative price: [10021, 10482, 11377]')",
    "Unexpected error: MemoryError()",
    "Unexpected error: HTTPError('429 Client Error: Too Many Requests for url: https://api.example.org/v2/orders?page=181')",
    "Unexpected error: OperationalError('deadlock detected')",
)

LINES = (
    "Read {n} rows from partition {m}",
    "Wrote {n} rows in {m} ms",
    "Cache hit for key part-{m}",
    "Skipped {m} rows without an id",
    "GET https://api.example.org/v2/items?page={m} -> 200 ({n} bytes)",
    "Checkpoint {m} written to s3://warehouse/checkpoints/{n}.parquet",
    "memory: {m} MiB, open files: 12",
    "Batch {m}: loss 0.{n}, learning rate 0.001",
)

TRACEBACK = """Task '{task}': Exception encountered during task execution!
Traceback (most recent call last):
  File "/srv/flows/{flow}.py", line 118, in {task}
    rows = source.read(partition, timeout_s=30)
  File "/srv/flows/lib/source.py", line 64, in read
    raise {error}
{error}"""
