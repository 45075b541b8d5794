"""What running code may know about its flow run.

In charge of the values, from what is passed in; not in charge of who sees them (`context`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


def run_context(
    *,
    flow_name: str,
    now: datetime,
    parameters: Mapping[str, Any],
    flow_run_id: str,
    flow_run_name: str,
    flow_id: str | None = None,
    scheduled_start_time: datetime | None = None,
    further: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the values of the context that all tasks of a flow run share.

    Example:
        >>> values = run_context(flow_name="etl", now=datetime(2026, 1, 1, tzinfo=UTC), parameters={"x": 1},
        ...     flow_run_id="r", flow_run_name="busy-bee")
        >>> values["yesterday"], values["today_nodash"]
        ('2025-12-31', '20260101')
    """
    date = now.astimezone(UTC)
    values: dict[str, Any] = {
        "flow_name": flow_name,
        "flow_id": flow_id,
        "flow_run_id": flow_run_id,
        "flow_run_name": flow_run_name,
        "parameters": dict(parameters),
        "scheduled_start_time": scheduled_start_time or date,
        "date": date,
    }
    for name, days in (("yesterday", -1), ("today", 0), ("tomorrow", 1)):
        text = (date + timedelta(days=days)).strftime("%Y-%m-%d")
        values[name] = text
        values[f"{name}_nodash"] = text.replace("-", "")
    return {**values, **(further or {})}
