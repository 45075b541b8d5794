"""Logs: what runs say while they run.

In charge of storing lines, many calls at once; not in charge of searching them (`graphql`) nor of how long they stay.

Clients keep a batch until they hear that it was stored, and send it again; a line that is stored twice does no harm.
So a batch that holds lines of a run that is gone is a success all the same: a client whose run was deleted would send
it again until its process ends, and the lines of other runs with it. What was not stored is told in `error`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import select

from eparch.core.errors import EparchError
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import flow_run, log, task_run
from eparch.database.transactions import Transaction
from eparch.operations.identity import new_id
from eparch.operations.registry import Call, Payload, joined_operation

_LEVEL: Final = "INFO"
_ESCAPED_NUL: Final = b"\\u0000"


@joined_operation("create:log")
def write_run_logs(tx: Transaction, calls: Sequence[Call], now: datetime) -> list[Payload | EparchError]:
    """Store log lines, but for those of runs that are gone."""
    owners = _owners(tx, calls)
    rows: list[dict[str, Any]] = []
    outcomes: list[Payload | EparchError] = []
    for call in calls:
        lines, tenant_id = call.input["logs"], call.principal.tenant_id
        gone = [_gone(line, owners, tenant_id) for line in lines]
        rows.extend(_row(line, tenant_id, now) for line, run in zip(lines, gone, strict=True) if run is None)
        outcomes.append(_told(gone))
    insert_rows(tx, log, rows)
    tx.notes.log_lines += len(rows)
    return outcomes


def _owners(tx: Transaction, calls: Sequence[Call]) -> dict[str, str]:
    """Return the tenant of each run, of either kind, that a line names and that exists."""
    lines = [line for call in calls for line in call.input["logs"]]
    flow_run_ids = {line["flow_run_id"] for line in lines}
    task_run_ids = {line["task_run_id"] for line in lines if line.get("task_run_id")}
    owners = {row.id: row.tenant_id for row in tx.rows(_FLOW_RUNS, {"ids": listed(flow_run_ids)})}
    if task_run_ids:
        owners |= {row.id: row.tenant_id for row in tx.rows(_TASK_RUNS, {"ids": listed(task_run_ids)})}
    return owners


def _gone(line: Mapping[str, Any], owners: Mapping[str, str], tenant_id: str) -> str | None:
    """Return which run of a line the tenant does not have, None if it has all."""
    if owners.get(line["flow_run_id"]) != tenant_id:
        return f"Flow run {line['flow_run_id']}"
    if line.get("task_run_id") and owners.get(line["task_run_id"]) != tenant_id:
        return f"Task run {line['task_run_id']}"
    return None


def _told(gone: Sequence[str | None]) -> Payload:
    missing = [run for run in gone if run is not None]
    if not missing:
        return {"success": True}
    told = f"{missing[0]} was not found; {len(missing)} of {len(gone)} lines were not stored."
    return {"success": True, "error": told}


def _row(line: Mapping[str, Any], tenant_id: str, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": tenant_id,
        "flow_run_id": line["flow_run_id"],
        "task_run_id": line.get("task_run_id") or None,
        "timestamp": line.get("timestamp") or now,
        "name": _storable(line.get("name")),
        "level": _storable(line.get("level")) or _LEVEL,
        "message": _storable(line.get("message")),
        "info": _storable_document(line.get("info")),
    }


def _storable(text: str | None) -> str | None:
    """Return a text without what PostgreSQL cannot store: programs print NULs, and halves of surrogate pairs."""
    if text is None:
        return None
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _storable_document(document: Any) -> Any:
    """Return a JSON value of which the same is true."""
    if document is None:
        return None
    try:
        if _ESCAPED_NUL not in msgspec.json.encode(document):
            return document
    except UnicodeEncodeError:
        pass
    return _cleaned(document)


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return _storable(value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {_storable(name): _cleaned(item) for name, item in value.items()}
        case _:
            return value


_FLOW_RUNS: Final = select(flow_run.c.id, flow_run.c.tenant_id).where(is_one_of(flow_run.c.id, "ids"))
_TASK_RUNS: Final = select(task_run.c.id, task_run.c.tenant_id).where(is_one_of(task_run.c.id, "ids"))
