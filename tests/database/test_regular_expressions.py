"""Regular expressions on SQLite run in this process, so that one of them must not hold it up for ever."""

import sqlite3

import pytest
from sqlalchemy import create_engine

from eparch.database import sqlite_functions
from eparch.database.rows import ValueRefused, first_row


def test_a_pattern_that_backtracks_without_end_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        sqlite_functions.is_match("a" * 40 + "!", "^(a|aa)+$", 0)


def test_a_query_with_such_a_pattern_says_so() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.create_function("matches", 3, sqlite_functions.is_match)
        with pytest.raises(ValueRefused, match="takes too long"):
            first_row(connection, "SELECT matches(?, ?, 0)", ("a" * 40 + "!", "^(a|aa)+$"))
        assert first_row(connection, "SELECT matches(?, ?, 0)", ("aaa", "^(a|aa)+$")) == (1,)
    engine.dispose()
