"""Whether a commit was made whose answer was lost with the connection.

In charge of asking PostgreSQL, which remembers; not in charge of what follows from it (`writer`). Without this, work
would either be carried out twice or be reported as failed although it is there. SQLite commits in our own process, so
its answer cannot be lost.
"""

import logging
import time
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from eparch.database.faults import translated

logger: Final = logging.getLogger("eparch.writer")

# A restart of PostgreSQL takes a few seconds. Whoever waits for the outcome waits as long.
_PATIENCE_S: Final = 20.0
_PAUSE_S_MIN, _PAUSE_S_MAX = 0.05, 1.0


def commit_mark(connection: Connection) -> str | None:
    """Return what an open transaction can be recognised by afterwards, None if it has written nothing."""
    mark: str | None = connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()::text").scalar()
    return mark


def was_committed(engine: Engine, mark: str) -> bool | None:
    """Ask, again and again while PostgreSQL cannot be reached, what became of a transaction.

    Returns:
        None if it is still unknown after 20 s.
    Source: PostgreSQL manual, 9.27.9, `pg_xact_status`.
    """
    deadline, pause_s = time.monotonic() + _PATIENCE_S, _PAUSE_S_MIN
    while True:
        try:
            with engine.connect() as connection:
                match connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (mark,)).scalar():
                    case "committed":
                        return True
                    case "aborted":
                        return False
                    # Otherwise it is in progress: the server has not noticed yet that we are gone.
        except DBAPIError as error:
            logger.warning("It is not known yet whether changes were committed: %s", translated(error).message)
        if time.monotonic() > deadline:
            return None
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _PAUSE_S_MAX)
