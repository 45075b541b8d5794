"""What the whole installation is kept in.

In charge of the question what database it is, at which revision and how large; not in charge of how the work is going
(`figures`) nor of services (`services`).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from eparch.core.principals import Principal
from eparch.database import migrations
from eparch.database.tables import service_lease
from eparch.database.transactions import Transaction
from eparch.operations.figures import size_bytes
from eparch.operations.registry import Input, Payload, operation


# Whoever follows it is told when a service has made its pass: what it answers grows without a word from any table.
@operation("read:tenant", is_read=True, tables=[service_lease])
def installation(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return kind and version of the database, the revision of its tables, and its size."""
    if tx.is_postgresql:
        database = f"PostgreSQL {tx.scalar(_POSTGRESQL_VERSION).partition(' ')[0]}"
    else:
        database = f"SQLite {tx.scalar(_SQLITE_VERSION)}"
    return {"database": database, "revision": migrations.REVISIONS[-1], "size_bytes": float(size_bytes(tx))}


_POSTGRESQL_VERSION: Final = select(func.current_setting("server_version"))
_SQLITE_VERSION: Final = select(func.sqlite_version())
