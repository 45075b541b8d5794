"""In charge of keeping a server's writers waiting, so that a test can do something meanwhile."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg


@contextmanager
def writers_held_up(url: str) -> Iterator[None]:
    """Let nobody write projects in the database at `url` until the block ends."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE project IN ACCESS EXCLUSIVE MODE")
            yield
