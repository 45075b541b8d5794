"""In charge of one connection to a test's database, closed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Connection

from eparch.database.engines import parse_url, writing_engine


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a transaction that is committed at the end."""
    engine = writing_engine(parse_url(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
