"""How many flow runs there were, and will be, over time and by state: what a histogram shows.

In charge of counting in one statement; not in charge of drawing. Runs count where they were scheduled, so that what is
late, planned and done stands on one axis. Spans are whole seconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Select, Text, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import flow, flow_run
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.registry import Input, Payload, operation

BUCKETS_MAX: Final = 500


@operation("read:run", is_read=True, tables=[flow_run])
def flow_run_history(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return the number of runs by state in each of `buckets` spans of time from `start` up to `end`."""
    start, end, buckets = given["start"], given["end"], given["buckets"]
    if not 1 <= buckets <= BUCKETS_MAX:
        raise BadInput(f"`buckets` is {buckets}: it is from 1 to {BUCKETS_MAX}.")
    if start >= end:
        raise BadInput(
            f"The history from {start.isoformat()} to {end.isoformat()} is empty: `end` comes after `start`."
        )
    start = start.astimezone(UTC).replace(microsecond=0)
    width_s = max(1, ceil((end - start).total_seconds() / buckets))
    chosen = {name: given.get(name) for name in ("project_ids", "flow_group_ids", "labels")}
    parameters: dict[str, Any] = {
        "tenant": principal.tenant_id,
        "start": start,
        "end": end,
        "start_s": int(start.timestamp()),
        "width_s": width_s,
    }
    parameters |= {name: listed(values) for name, values in chosen.items() if values}
    counts: list[dict[str, int]] = [{} for _ in range(buckets)]
    for bucket, state, runs in tx.rows(_counted([name for name, values in chosen.items() if values]), parameters):
        counts[bucket][state] = runs
    return {
        "width_s": width_s,
        "buckets": [
            {"start": start + timedelta(seconds=index * width_s), "state_counts": states}
            for index, states in enumerate(counts)
        ],
    }


class _Bucket(FunctionElement[int]):
    """The index of the span in which an instant lies; of the instant, the first second and the width of a span."""

    type = BigInteger()
    inherit_cache = True


@compiles(_Bucket, "postgresql")
def _bucket_postgresql(element: _Bucket, compiler: SQLCompiler, **options: Any) -> str:
    instant, start_s, width_s = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(floor(extract(epoch FROM {instant}))::bigint - {start_s}) / {width_s}"


@compiles(_Bucket, "sqlite")
def _bucket_sqlite(element: _Bucket, compiler: SQLCompiler, **options: Any) -> str:
    instant, start_s, width_s = (compiler.process(clause, **options) for clause in element.clauses)
    # Without the fraction of a second, which strftime would round.
    return f"(CAST(strftime('%s', substr({instant}, 1, 19)) AS INTEGER) - {start_s}) / {width_s}"


class _HasAny(FunctionElement[bool]):
    """A JSON list holds one of the texts of another."""

    type = Boolean()
    inherit_cache = True


@compiles(_HasAny, "postgresql")
def _has_any_postgresql(element: _HasAny, compiler: SQLCompiler, **options: Any) -> str:
    held, wanted = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        f"EXISTS (SELECT 1 FROM json_array_elements_text({held}) h "
        f"JOIN json_array_elements_text(CAST({wanted} AS json)) w ON h.value = w.value)"
    )


@compiles(_HasAny, "sqlite")
def _has_any_sqlite(element: _HasAny, compiler: SQLCompiler, **options: Any) -> str:
    held, wanted = (compiler.process(clause, **options) for clause in element.clauses)
    return f"EXISTS (SELECT 1 FROM json_each({held}) h JOIN json_each({wanted}) w ON h.value = w.value)"


def _counted(conditions: Sequence[str]) -> Select[Any]:
    """Return the statement with those of the optional conditions that are wanted."""
    bucket = _Bucket(
        flow_run.c.scheduled_start_time,
        bindparam("start_s", type_=BigInteger()),
        bindparam("width_s", type_=BigInteger()),
    )
    counted = (
        select(bucket.label("bucket"), flow_run.c.state, func.count().label("runs"))
        .where(
            flow_run.c.tenant_id == bindparam("tenant"),
            flow_run.c.scheduled_start_time >= bindparam("start", type_=Timestamp()),
            flow_run.c.scheduled_start_time < bindparam("end", type_=Timestamp()),
            flow_run.c.state.is_not(None),
        )
        .group_by("bucket", flow_run.c.state)
    )
    if "project_ids" in conditions or "flow_group_ids" in conditions:
        counted = counted.join(flow, flow.c.id == flow_run.c.flow_id)
    for name, column in (("project_ids", flow.c.project_id), ("flow_group_ids", flow.c.flow_group_id)):
        if name in conditions:
            counted = counted.where(is_one_of(column, name))
    if "labels" in conditions:
        counted = counted.where(_HasAny(flow_run.c.labels, bindparam("labels", type_=Text())))
    return counted
