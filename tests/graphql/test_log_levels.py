"""Errors of a run's log are found by the index over severe lines, whatever else the log holds."""

from typing import Any

import pytest

from eparch.graphql.prepared import TableRoot
from eparch.graphql.statements import bind
from tests.graphql.dataset import T1, row
from tests.graphql.world import World

_LOG = """query ($run: uuid!, $levels: [String!]) {
    log(where: {flow_run_id: {_eq: $run}, level: {_in: $levels}}, order_by: {timestamp: DIRECTION}, limit: 200) { id }
}"""


def steps(world: World, query: str, variables: dict[str, Any]) -> str:
    """Return how the database carries out the only read of a query."""
    loaded = world.documents.load(query, None)
    values = loaded.variables(variables)
    (root,) = loaded.prepare(values).roots
    assert isinstance(root, TableRoot)
    made = root.statement(world.dialect, 1000)
    bound = bind(root.plan, made, loaded.literals, values, T1)
    with world.engine.begin() as connection:
        if world.dialect == "sqlite":
            return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {made.text}", bound).all())
        # With a dozen lines PostgreSQL would read them all and sort them.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        text = made.text.replace("%", "%%")
        for number in range(len(bound), 0, -1):
            text = text.replace(f"${number}", "%s")
        return str(connection.exec_driver_sql(f"EXPLAIN {text}", bound).all())


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("levels", [["ERROR"], ["CRITICAL", "ERROR"], ["WARNING", "ERROR", "CRITICAL"]])
def test_severe_lines_are_found_in_the_order_of_time(world: World, levels: list[str], direction: str) -> None:
    query = _LOG.replace("DIRECTION", direction)
    used = steps(world, query, {"run": row("flow_run", 1), "levels": levels})
    assert "ix_log_severe" in used, used


def test_other_levels_are_found_by_a_walk_in_the_order_of_time(world: World) -> None:
    used = steps(world, _LOG.replace("DIRECTION", "asc"), {"run": row("flow_run", 1), "levels": ["INFO", "ERROR"]})
    assert "ix_log_flow_run_id_timestamp" in used, used
