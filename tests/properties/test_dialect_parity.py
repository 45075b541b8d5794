"""SQLite and PostgreSQL give the same bytes for the same rows and the same question, and the right ones.

Each example fills both databases, asks, and rolls everything back.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert
from sqlalchemy.engine import Connection

from eparch.core.principals import Principal
from eparch.database.engines import parse_url, writing_engine
from eparch.database.tables import METADATA
from eparch.graphql.catalog import OBJECTS
from eparch.graphql.execute import Answer, answer
from tests.databases import PostgreSQLDatabases, SQLiteDatabases
from tests.graphql.dataset import T1
from tests.graphql.questions import Question, Rows, condition, paging, questions, worlds
from tests.graphql.reference import ids_of
from tests.graphql.world import DOCUMENTS


def make_tables(database_url: str) -> None:
    """Make empty tables: a seed of the databases below."""
    engine = writing_engine(parse_url(database_url))
    METADATA.create_all(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def engines(
    tmp_path_factory: pytest.TempPathFactory, run_folder: Path, postgresql_databases: PostgreSQLDatabases
) -> Iterator[list[Engine]]:
    """One engine for each dialect, on databases with empty tables."""
    sqlite = SQLiteDatabases(tmp_path_factory.mktemp("parity"), run_folder)
    with sqlite.fresh(make_tables) as one, postgresql_databases.fresh(make_tables) as other:
        made = [writing_engine(parse_url(url)) for url in (one, other)]
        yield made
        for engine in made:
            engine.dispose()


@contextmanager
def filled(engine: Engine, rows: Rows) -> Iterator[Connection]:
    """Give a connection that sees the rows, until the end of the block."""
    with engine.connect() as connection:
        for name, ones in rows.items():
            if ones:
                connection.execute(insert(METADATA.tables[name]), ones)
        yield connection
        connection.rollback()


def ask(connection: Connection, query: str, variables: dict[str, Any]) -> Answer:
    loaded = DOCUMENTS.load(query)
    coerced = loaded.variables(variables)
    return answer(connection, loaded.prepare(coerced), loaded.literals, coerced, Principal(T1))


COMMON = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@COMMON
@given(st.data())
def test_both_databases_give_the_same_bytes(engines: list[Engine], data: st.DataObject) -> None:
    rows = data.draw(worlds())
    asked = [data.draw(questions(rows)) for _ in range(4)]
    answers = []
    for engine in engines:
        with filled(engine, rows) as connection:
            answers.append([ask(connection, query, variables) for query, variables in asked])
    for (query, _), one, other in zip(asked, *answers, strict=True):
        assert one == other, query
        assert not one.errors, query
        for part in one.parts.values():
            event("some rows" if len(json.loads(part)) else "no rows")


@COMMON
@given(st.data())
def test_conditions_orders_and_limits_mean_what_the_reference_says(engines: list[Engine], data: st.DataObject) -> None:
    rows = data.draw(worlds())
    asked = [_plain_question(rows, data.draw) for _ in range(4)]
    expected = [ids_of(query, variables, rows) for _, query, variables in asked]
    for engine in engines:
        with filled(engine, rows) as connection:
            for (name, query, variables), ids in zip(asked, expected, strict=True):
                made = ask(connection, query, variables)
                assert not made.errors
                assert [one["id"] for one in json.loads(made.parts[name])] == ids, (engine.dialect.name, query)
                event(f"{min(len(ids), 3)} rows or more")


def _plain_question(rows: Rows, draw: st.DrawFn) -> tuple[str, str, dict[str, Any]]:
    """Draw a list of ids that the reference evaluator understands: its object, the query, the variables."""
    question = Question(rows, draw)
    entry = OBJECTS[draw(st.sampled_from(["flow_run", "flow_run", "flow", "project"]))]
    arguments = []
    if draw(st.booleans()):
        arguments.append(f"where: {condition(question, entry, 0, is_plain=True)}")
    # Columns that can be NULL come more often: where those stand is half of what there is to know of an order.
    columns = [column for column in entry.columns.values() if column.scalar != "jsonb"]
    names = [column.name for column in columns for _ in range(3 if column.is_nullable else 1)]
    directions = st.sampled_from(["asc", "desc", "asc_nulls_first", "desc_nulls_last"])
    keys = [f"{{{name}: {draw(directions)}}}" for name in draw(st.lists(st.sampled_from(names), max_size=2))]
    if entry.name != "project" and draw(st.booleans()):
        inner = "flow: {project: {name: %s}}" if entry.name == "flow_run" else "project: {description: %s}"
        keys.insert(0, "{" + inner % draw(directions) + "}")
    if keys:
        arguments.append(f"order_by: [{', '.join(keys)}]")
    arguments += paging(question)
    written = f"({', '.join(arguments)})" if arguments else ""
    declared = f"({', '.join(question.declared)})" if question.declared else ""
    return entry.name, f"query{declared} {{ {entry.name}{written} {{ id }} }}", question.variables
