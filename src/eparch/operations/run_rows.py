"""The rows of a new flow run: the run itself and its first state.

In charge of their columns; not in charge of what is in them (`core.run_defaults`) nor of inserting them.

Both are complete from the start: no crash leaves a run without a state, or hides that the scheduler made it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from eparch.core.instants import timestamp_text
from eparch.operations.identity import new_id, new_run_name

_MESSAGE: Final = "Flow run scheduled."


def flow_run_row(
    *,
    tenant_id: str,
    flow_id: str,
    now: datetime,
    scheduled_start_time: datetime,
    labels: Sequence[str],
    parameters: Mapping[str, Any],
    run_config: Mapping[str, Any] | None,
    context: Mapping[str, Any] | None = None,
    name: str | None = None,
    idempotency_key: str | None = None,
    auto_scheduled: bool = False,
    held_by: str | None = None,
    start_time: datetime | None = None,
    backfill_id: str | None = None,
    priority: int = 0,
) -> dict[str, Any]:
    """Return the row of a flow run in its first state, `Scheduled`, version 1.

    Its task runs have yet to be made (`task_runs.make_task_runs`).

    Args:
        name: a random one where it is None or empty.
        context: an empty one where it is None.
        held_by: what keeps it from being handed out.
        start_time: when it is due, where that is not the instant that it is scheduled for.
    """
    return {
        "id": new_id(),
        "created": now,
        "updated": now,
        "tenant_id": tenant_id,
        "flow_id": flow_id,
        "name": name or new_run_name(),
        "parameters": parameters,
        "labels": labels,
        "run_config": run_config,
        "context": context or {},
        "scheduled_start_time": scheduled_start_time,
        "auto_scheduled": auto_scheduled,
        "idempotency_key": idempotency_key,
        "times_resurrected": 0,
        "version": 1,
        "state": "Scheduled",
        "state_timestamp": now,
        "state_start_time": start_time or scheduled_start_time,
        "state_message": _MESSAGE,
        "serialized_state": _document(start_time or scheduled_start_time),
        "has_task_runs": False,
        "held_by": held_by,
        "backfill_id": backfill_id,
        "priority": priority,
    }


def first_state_row(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the first state of a run that `flow_run_row` has made."""
    return {
        "id": new_id(),
        "created": run["created"],
        "updated": run["created"],
        "tenant_id": run["tenant_id"],
        "flow_run_id": run["id"],
        "timestamp": run["state_timestamp"],
        "state": run["state"],
        "message": run["state_message"],
        "start_time": run["state_start_time"],
        "serialized_state": run["serialized_state"],
        "version": run["version"],
    }


def _document(start_time: datetime) -> msgspec.Raw:
    state = {"type": "Scheduled", "message": _MESSAGE, "start_time": timestamp_text(start_time)}
    return msgspec.Raw(msgspec.json.encode(state))
