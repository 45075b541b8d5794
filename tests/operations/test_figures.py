"""What the metrics ask the database: the right numbers, found without a look at what has ended."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select

from eparch.core.principals import Principal
from eparch.operations import figures
from eparch.operations.figures import installation
from tests.operations.backend import OTHER_TENANT, Backend
from tests.operations.samples import flow_document, make_project, register, task
from tests.operations.statement_plans import tables_read


def ask(backend: Backend) -> figures.Installation:
    with backend.transaction() as tx:
        return installation(tx, backend.now)


def test_an_empty_installation_has_nothing_due(backend: Backend) -> None:
    told = ask(backend)
    assert (told.flow_runs, told.task_runs, told.due_count, told.oldest_due_s, told.schedules) == ({}, {}, 0, 0.0, 0)
    assert told.size_bytes > 0


def test_all_tenants_are_counted(backend: Backend) -> None:
    for principal in (backend.principal, Principal(OTHER_TENANT)):
        backend.principal = principal
        flow_id = register(backend, make_project(backend), flow_document(tasks=[task("a-1")]))
        for minutes in (-30, -10, 10):
            due = backend.now + timedelta(minutes=minutes)
            backend.run("create_flow_run", flow_id=flow_id, scheduled_start_time=due)
    told = ask(backend)
    assert told.flow_runs == {"Scheduled": 6}
    assert (told.due_count, told.oldest_due_s) == (4, 30 * 60 + 60)  # a minute passes with each registration


def test_a_figure_stops_at_its_limit() -> None:
    limited = {name: statement.compile().params for name, statement in figures._FLOW_RUNS.items()}
    assert all(figures.ROWS_MAX in params.values() for params in limited.values())
    assert figures.ROWS_MAX in figures._DUE.compile().params.values()


STATEMENTS: dict[str, Select[Any]] = {
    **{f"flow_run {name}": statement for name, statement in figures._FLOW_RUNS.items()},
    **{f"task_run {name}": statement for name, statement in figures._TASK_RUNS.items()},
    "due": figures._DUE,
    "schedules": figures._SCHEDULES,
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_question_reads_a_whole_table(backend: Backend, name: str) -> None:
    assert tables_read(backend, STATEMENTS[name], {"now": backend.now}) - {"tenant"} == set()
