"""How the services are, as the database knows it, whichever server runs them.

In charge of the question alone; leases are kept in `leases`.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import select

from eparch.core.principals import Principal
from eparch.database.tables import service_lease
from eparch.database.transactions import Transaction
from eparch.operations.registry import Input, Payload, operation


@operation("read:tenant", is_read=True, tables=[service_lease])
def service(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Return each service by name: who runs it (null where nobody does now), its last pass, counts and last error."""
    return [{**row._asdict(), "holder": row.holder if row.expires > now else None} for row in tx.rows(_SERVICES)]


# Services belong to the installation, not to a tenant: everybody who may see their tenant sees the same.
_SERVICES: Final = select(service_lease).order_by(service_lease.c.name)
