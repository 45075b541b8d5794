"""Values that PostgreSQL or its driver refuses are the caller's mistake, and not an outage worth another attempt."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from eparch.core.errors import BadInput
from eparch.database.engines import parse_url, writing_engine
from eparch.database.faults import translated
from tests.databases import PostgreSQLDatabases


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT CAST(:value AS text)", "a\0b"),
        ("SELECT CAST(:value AS jsonb)", '"a\\u0000b"'),
        ("INSERT INTO keyed VALUES (:value)", "".join(chr(0x4E00 + index * 7 % 20_000) for index in range(9_000))),
    ],
)
def test_what_cannot_be_stored_is_bad_input(
    postgresql_databases: PostgreSQLDatabases, statement: str, value: str
) -> None:
    with postgresql_databases.fresh() as url:
        engine = writing_engine(parse_url(url))
        try:
            with engine.begin() as connection:
                connection.execute(text("CREATE TABLE keyed (name text PRIMARY KEY)"))
            with pytest.raises(DBAPIError) as raised, engine.begin() as connection:
                connection.execute(text(statement), {"value": value})
        finally:
            engine.dispose()
    assert type(translated(raised.value)) is BadInput
