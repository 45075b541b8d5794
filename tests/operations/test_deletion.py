"""Deleting what thousands of runs hang on: a fixed number of statements, nothing left behind, others untouched."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, PrimaryKeyConstraint, Table, UniqueConstraint, event

from eparch.core.principals import Principal
from eparch.database.engines import parse_url, writing_engine
from eparch.database.tables import METADATA, agent, flow, flow_run, log, tenant
from tests.databases import Databases
from tests.operations.backend import OTHER_TENANT, TENANT, Backend, make_tables
from tests.operations.conftest import opened
from tests.operations.history import add_history
from tests.operations.samples import flow_document, make_project, register, schedule, task

RUNS = 10_000
THEM = Principal(OTHER_TENANT)

# All that a flow run leaves behind and all that a flow consists of, but for the tenant's own things.
_OF_FLOWS = (
    *("edge", "flow", "flow_run", "flow_run_state", "log", "task", "task_run", "task_run_artifact"),
    "task_run_state",
)


def make_history(url: str) -> None:
    """Fill an empty database: a flow with 10,000 runs, and one of another tenant with 10."""
    make_tables(url)
    backend = Backend(writing_engine(parse_url(url)))
    for principal, runs in ((Principal(TENANT), RUNS), (THEM, 10)):
        backend.principal = principal
        flow_id = register(backend, make_project(backend), flow_document(tasks=[task("a")]), version_group_id="group")
        add_history(backend, flow_id, runs=runs, logs_each=1, tenant_id=principal.tenant_id)
        backend.run("register_agent", type="LocalAgent")
    backend.engine.dispose()


@pytest.fixture
def busy(databases: Databases) -> Iterator[Backend]:
    """A database with `make_history` in it."""
    with opened(databases, make_history) as made:
        yield made


class Counting:
    """Counts the statements that an engine carries out."""

    def __init__(self, engine: Engine) -> None:
        self.count = 0
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, *_arguments: Any) -> None:
        self.count += 1


def counts(backend: Backend, tenant_id: str) -> dict[str, int]:
    return {name: backend.count(METADATA.tables[name], tenant_id=tenant_id) for name in _OF_FLOWS}


@pytest.mark.parametrize("what", ["flow", "flow_group", "project", "tenant"])
def test_what_has_ten_thousand_runs_is_deleted_in_a_few_statements(busy: Backend, what: str) -> None:
    theirs = counts(busy, OTHER_TENANT)
    assert counts(busy, TENANT)["flow_run"] == RUNS
    (row,) = busy.rows(flow, tenant_id=TENANT)
    given = {
        "flow": {"flow_id": row["id"]},
        "flow_group": {"flow_group_id": row["flow_group_id"]},
        "project": {"project_id": row["project_id"]},
        "tenant": {"tenant_id": TENANT, "confirm": True},
    }[what]
    statements = Counting(busy.engine)
    assert busy.run(f"delete_{what}", **given) == {"success": True}
    assert statements.count < 20
    assert {"flow", "flow_run", "task_run", "log"} <= busy.touched
    assert set(counts(busy, TENANT).values()) == {0}
    for heartbeats in ("flow_run_heartbeat", "task_run_heartbeat"):
        assert busy.count(METADATA.tables[heartbeats]) == 10
    assert counts(busy, OTHER_TENANT) == theirs
    assert busy.count(tenant) == (1 if what == "tenant" else 2)
    assert busy.count(agent) == (1 if what == "tenant" else 2)


def test_switching_a_schedule_off_does_not_look_at_every_run(busy: Backend) -> None:
    (row,) = busy.rows(flow, tenant_id=TENANT)
    with busy.transaction() as tx:
        tx.execute(flow.update().where(flow.c.id == row["id"]).values(schedule=schedule()))
    busy.run("set_schedule_active", flow_id=row["id"])
    statements = Counting(busy.engine)
    assert busy.run("set_schedule_inactive", flow_id=row["id"]) == {"success": True}
    assert statements.count < 20
    assert busy.count(flow_run, tenant_id=TENANT) == RUNS


def test_every_reference_can_be_followed_backwards_by_an_index() -> None:
    """A cascade looks for the rows that refer to a deleted one; without an index it would read the whole table."""
    # A tenant is deleted once in a blue moon, and then each table is read once.
    without = [
        f"{table.name}.{key.parent.name}"
        for table in METADATA.sorted_tables
        for key in table.foreign_keys
        if key.parent.name not in {"tenant_id", *_leading(table)}
    ]
    assert without == []


def _leading(table: Table) -> set[str]:
    """Return the first columns of all indexes of a table."""
    keys = [key for key in table.constraints if isinstance(key, UniqueConstraint | PrimaryKeyConstraint)]
    return {next(iter(columned.columns)).name for columned in (*table.indexes, *keys) if columned.columns}


def test_the_lines_of_a_task_run_are_found_by_an_index_of_few_rows(busy: Backend) -> None:
    (line,) = busy.rows(log, tenant_id=OTHER_TENANT)[:1]
    statement = "DELETE FROM log WHERE task_run_id = "
    with busy.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            rows = connection.exec_driver_sql(f"EXPLAIN {statement} %s::uuid", (line["task_run_id"],)).all()
        else:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement} ?", (line["task_run_id"],)).all()
        assert "ix_log_task_run_id_timestamp" in str(rows)
