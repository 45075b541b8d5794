"""The two kinds of runs, and where each is kept."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table

from eparch.database.tables import (
    flow_concurrency_limit,
    flow_run,
    flow_run_slot,
    flow_run_state,
    flow_run_waiter,
    task_concurrency_limit,
    task_run,
    task_run_slot,
    task_run_state,
    task_run_waiter,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two kinds of runs, and the tables of its runs, states, limits, slots and lines."""

    name: str
    runs: Table
    states: Table
    limits: Table
    slots: Table
    waiters: Table
    is_flow_run: bool

    @property
    def run_id(self) -> str:
        """The name of the column that refers to the run."""
        return f"{self.runs.name}_id"


FLOW_RUN: Final = Kind(
    "flow run",
    flow_run,
    flow_run_state,
    flow_concurrency_limit,
    flow_run_slot,
    flow_run_waiter,
    is_flow_run=True,
)
TASK_RUN: Final = Kind(
    "task run",
    task_run,
    task_run_state,
    task_concurrency_limit,
    task_run_slot,
    task_run_waiter,
    is_flow_run=False,
)
