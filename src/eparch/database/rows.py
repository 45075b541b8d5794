"""One row of a ready statement, straight from the driver.

In charge of running text that has been compiled before, past SQLAlchemy, whose work on results would cost more than the
database's; not in charge of what the text is (`graphql.statements`).
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Connection

from eparch.database.faults import of_driver

_FUNCTION_RAISED: Final = "user-defined function raised exception"


class ValueRefused(Exception):
    """PostgreSQL cannot read a value, or cannot compute with it.

    Attributes:
        is_pattern: the value is a regular expression.
    """

    def __init__(self, reason: str, *, is_pattern: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_pattern = is_pattern


def first_row(connection: Connection, text: str, parameters: tuple[Any, ...]) -> Sequence[Any] | None:
    """Return the first row of a statement, None where it has none; texts are str from SQLite, bytes from PostgreSQL.

    Raises:
        ValueRefused: see there.
        EparchError: the database did not answer, or refused the statement.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        return _first_of_postgresql(driver, text, parameters)
    try:
        row: Sequence[Any] | None = driver.execute(text, parameters).fetchone()
    except sqlite3.Error as error:
        if str(error) == _FUNCTION_RAISED:
            # The only one of `sqlite_functions` that raises is the search for a regular expression.
            raise ValueRefused("the regular expression takes too long to match", is_pattern=False) from None
        raise of_driver(error) from error
    return row


def _first_of_postgresql(driver: Any, text: str, parameters: tuple[Any, ...]) -> Sequence[Any] | None:
    import psycopg  # an extra: installed where PostgreSQL is used

    # A raw cursor takes `$1` as it is. Values are taken from the result itself: its text is bytes already.
    with psycopg.RawCursor(driver) as cursor:
        try:
            cursor.execute(text.encode(), parameters)
        except psycopg.Error as error:
            # Only what began the transaction can be lost: nothing was written. The next statement begins another.
            driver.rollback()
            if isinstance(error, psycopg.errors.DataError):
                reason = error.diag.message_primary or str(error)
                is_pattern = isinstance(error, psycopg.errors.InvalidRegularExpression)
                raise ValueRefused(reason, is_pattern=is_pattern) from None
            raise of_driver(error) from error
        result = cursor.pgresult
        if result is None or not result.ntuples:
            return None
        return [result.get_value(0, column) for column in range(result.nfields)]
