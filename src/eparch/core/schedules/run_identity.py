"""In charge of when two scheduled events mean the same run; not in charge of storing runs.

Two events mean the same run when instant, parameters and labels are equal. Labels are a set: their order and
repetition do not count, but no labels (an empty list) and no opinion (null) differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from json import dumps


def auto_schedule_key(
    start_time: datetime, parameter_defaults: Mapping[str, object], labels: Collection[str] | None
) -> str:
    """Return the idempotency key of a scheduled run of one flow group.

    Stored in databases, so it must never change for the same arguments.

    Returns:
        `auto-scheduled:<start in UTC, ISO>` for a plain event; `:<digest>` follows when there are parameters, or labels
        that are not None.
    """
    key = f"auto-scheduled:{start_time.astimezone(UTC).isoformat()}"
    if not parameter_defaults and labels is None:
        return key
    return f"{key}:{sha256(canonical_payload(parameter_defaults, labels).encode()).hexdigest()}"


def canonical_payload(parameter_defaults: Mapping[str, object], labels: Collection[str] | None) -> str:
    """Return JSON that is equal for equal parameters and labels, and only for them: keys sorted, values as they are."""
    payload = {"labels": None if labels is None else sorted(set(labels)), "parameters": dict(parameter_defaults)}
    return dumps(payload, sort_keys=True, separators=(",", ":"))
