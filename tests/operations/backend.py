"""In charge of running operations on a real database, for tests; not in charge of what they should do.

A `Backend` is a database with the tables, two tenants, and a clock that stands still until a test moves it. Each `run`
is a transaction of its own, as after the writer's queue.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, func, select
from sqlalchemy.exc import DBAPIError

import eparch.operations
from eparch.core.errors import EparchError
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows
from eparch.database.engines import parse_url, writing_engine
from eparch.database.faults import translated
from eparch.database.tables import METADATA, flow, flow_run, flow_run_state, task_run, task_run_state
from eparch.database.transactions import Transaction
from eparch.operations.registry import OPERATIONS, Call, Operation

for module in pkgutil.iter_modules(eparch.operations.__path__):
    importlib.import_module(f"eparch.operations.{module.name}")

TENANT = "00000000-0000-4000-8000-00000000000a"
OTHER_TENANT = "00000000-0000-4000-8000-00000000000b"
UNKNOWN = "00000000-0000-4000-8000-0000000000ff"
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def make_tables(url: str) -> None:
    """Fill an empty database: tables, and two tenants."""
    engine = writing_engine(parse_url(url))
    METADATA.create_all(engine)
    common = {"created": START, "updated": START, "info": None, "settings": {}}
    tenants = [
        {"id": TENANT, "name": "Tenant", "slug": "tenant", **common},
        {"id": OTHER_TENANT, "name": "Other", "slug": "other", **common},
    ]
    with engine.begin() as connection:
        insert_rows(Transaction(connection), METADATA.tables["tenant"], tenants)
    engine.dispose()


@dataclass
class Backend:
    """A database, a caller and a clock.

    Attributes:
        principal: whoever calls unless a test says otherwise.
        touched: the tables that the last `run` has noted as changed.
    """

    engine: Engine
    principal: Principal = field(default_factory=lambda: Principal(TENANT))
    now: datetime = START
    touched: set[str] = field(default_factory=set)

    def run(self, name: str, /, _principal: Principal | None = None, **given: Any) -> Any:
        """Carry out one operation and return its payload; an error is raised, and leaves nothing behind."""
        (outcome,) = self.run_together(name, [given], _principal)
        if isinstance(outcome, EparchError):
            raise outcome
        return outcome

    def run_together(
        self, name: str, inputs: Sequence[Mapping[str, Any]], _principal: Principal | None = None
    ) -> list[Any]:
        """Carry out calls of one operation that have waited together; return an outcome for each."""
        entry = OPERATIONS[name]
        principal = _principal or self.principal
        if entry.permission is not None:
            principal.require(entry.permission)
        try:
            return self._carry_out(entry, inputs, principal)
        except DBAPIError as error:
            raise translated(error) from error

    def _carry_out(self, entry: Operation, inputs: Sequence[Mapping[str, Any]], principal: Principal) -> list[Any]:
        with self.engine.begin() as connection:
            tx = Transaction(connection)
            if entry.joined is not None:
                outcomes = list(entry.joined(tx, [Call(principal, given) for given in inputs], self.now))
            else:
                assert entry.single is not None
                outcomes = [entry.single(tx, principal, given, self.now) for given in inputs]
        self.touched = tx.touched
        assert not (entry.is_read and tx.touched)
        return outcomes

    def move_clock(self, **duration: float) -> datetime:
        """Let time pass: `hours=1`, `seconds=30`."""
        self.now += timedelta(**duration)
        return self.now

    def transaction(self) -> Any:
        """Return a context manager that gives a `Transaction`."""
        return _opened(self.engine)

    def rows(self, table: Table, **equal: Any) -> list[dict[str, Any]]:
        """Return the rows of a table whose columns equal the given values, by id."""
        statement = select(table).order_by(*([table.c.id] if "id" in table.c else []))
        for column, value in equal.items():
            statement = statement.where(table.c[column].is_(None) if value is None else table.c[column] == value)
        with self.engine.begin() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def row(self, table: Table, row_id: str) -> dict[str, Any]:
        """Return the row with an id."""
        (row,) = self.rows(table, id=row_id)
        return row

    def count(self, table: Table, **equal: Any) -> int:
        """Return how many rows `rows` would return."""
        statement = select(func.count()).select_from(table)
        for column, value in equal.items():
            statement = statement.where(table.c[column] == value)
        with self.engine.begin() as connection:
            return int(connection.execute(statement).scalar_one())

    def insert(self, table: Table, **values: Any) -> None:
        """Insert one row as it stands."""
        with self.transaction() as tx:
            insert_rows(tx, table, [values])


@dataclass
class _opened:  # noqa: N801 - reads as a function
    engine: Engine

    def __enter__(self) -> Transaction:
        self._context = self.engine.begin()
        return Transaction(self._context.__enter__())

    def __exit__(self, *error: Any) -> Any:
        return self._context.__exit__(*error)


def check_invariants(backend: Backend) -> None:
    """Assert what must hold whatever operations have run."""
    for runs, states, key in ((flow_run, flow_run_state, "flow_run_id"), (task_run, task_run_state, "task_run_id")):
        newest: dict[str, dict[str, Any]] = {}
        for state in sorted(backend.rows(states), key=lambda row: row["version"]):
            newest[state[key]] = state
        for run in backend.rows(runs):
            state = newest[run["id"]]
            assert (run["state"], run["version"]) == (state["state"], state["version"])
            assert run["serialized_state"] == state["serialized_state"]
            assert run["state_start_time"] == state["start_time"]
            assert run["tenant_id"] == state["tenant_id"]
    current = [row["flow_group_id"] for row in backend.rows(flow, archived=False)]
    assert len(current) == len(set(current)), "a flow group has two versions that are not archived"
