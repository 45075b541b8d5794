"""The tenant that a new installation has.

In charge of there being one; not in charge of tenants that people make (`tenants`).
"""

from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from eparch.database.bulk import insert_rows
from eparch.database.tables import tenant
from eparch.database.transactions import Transaction
from eparch.operations.identity import new_id

NAME: Final = "Default"
SLUG: Final = "default"


def make_first_tenant(tx: Transaction, now: datetime) -> bool:
    """Make a tenant if there is none, and return whether that was so. Several servers may start at once."""
    if tx.scalar(select(func.count()).select_from(tenant)):
        return False
    row = {"id": new_id(), "created": now, "updated": now, "name": NAME, "slug": SLUG, "settings": {}}
    return insert_rows(tx, tenant, [row], on_conflict="ON CONFLICT DO NOTHING") > 0
