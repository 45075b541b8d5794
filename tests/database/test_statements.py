"""Statements over lists: made once, whatever the list holds."""

from typing import Any

from sqlalchemy import Integer, select

from eparch.database.bulk import is_one_of, listed, records
from eparch.database.engines import parse_url, writing_engine
from eparch.database.tables import task_run
from eparch.database.transactions import Transaction
from eparch.database.types import Uuid


def test_a_statement_over_a_list_is_compiled_once(eparch_url: str) -> None:
    cache: dict[Any, Any] = {}
    engine = writing_engine(parse_url(eparch_url)).execution_options(compiled_cache=cache)
    places = records("wanted", flow_run_id=Uuid(), map_index=Integer())
    statements = [
        select(task_run.c.id).where(is_one_of(task_run.c.id, "ids")),
        select(task_run.c.id).join_from(places, task_run, task_run.c.flow_run_id == places.c.flow_run_id),
    ]
    with engine.begin() as connection:
        tx = Transaction(connection)
        for count in (0, 1, 50):
            ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(count)]
            tx.rows(statements[0], {"ids": listed(ids)})
            tx.rows(statements[1], {"wanted": listed({"flow_run_id": one, "map_index": 0} for one in ids)})
    engine.dispose()
    assert len(cache) == len(statements)


def test_lists_with_other_columns_are_other_statements(eparch_url: str) -> None:
    engine = writing_engine(parse_url(eparch_url))
    with engine.begin() as connection:
        tx = Transaction(connection)
        one, two = records("wanted", a=Integer()), records("wanted", a=Integer(), b=Integer())
        assert tx.rows(select(one), {"wanted": listed([{"a": 1}])}) == [(1,)]
        assert tx.rows(select(two), {"wanted": listed([{"a": 1, "b": 2}])}) == [(1, 2)]
    engine.dispose()


def test_a_list_drives_the_index_and_not_a_walk_through_the_table(eparch_url: str) -> None:
    engine = writing_engine(parse_url(eparch_url))
    text = str(select(task_run.c.id).where(is_one_of(task_run.c.id, "ids")).compile(engine))
    assert "= 1" not in text
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("[]",)).all()
            assert any("SEARCH task_run" in str(step) for step in steps), steps
    engine.dispose()
