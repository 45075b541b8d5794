"""Messages: what the server tells the people of a tenant.

In charge of reading them off; not in charge of writing them.
"""

from datetime import datetime

from sqlalchemy import delete, update

from eparch.core.principals import Principal
from eparch.database.tables import message
from eparch.database.transactions import Transaction
from eparch.operations.registry import Input, Payload, operation


@operation("update:message")
def mark_message_as_read(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Note that somebody has read a message."""
    return _mark(tx, principal, given, now, is_read=True)


@operation("update:message")
def mark_message_as_unread(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Note that a message is still to be read."""
    return _mark(tx, principal, given, now, is_read=False)


@operation("delete:message")
def delete_message(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Delete a message."""
    statement = delete(message).where(message.c.id == given["message_id"], message.c.tenant_id == principal.tenant_id)
    return {"success": tx.execute(statement).rowcount > 0}


def _mark(tx: Transaction, principal: Principal, given: Input, now: datetime, *, is_read: bool) -> Payload:
    statement = (
        update(message)
        .where(message.c.id == given["message_id"], message.c.tenant_id == principal.tenant_id)
        .values(read=is_read, updated=now)
    )
    return {"success": tx.execute(statement).rowcount > 0}
