"""Leases: which server's turn it is to run a service. The row in the database is the judge.

In charge of taking, keeping, giving back and checking leases, and of what the last pass came to; not in charge of when
(`services.lease`).

A lease is taken for some seconds and renewed long before they are over. Whoever finds one that is over takes it, with
a higher fencing token. Whoever writes for a service checks the token in the same transaction: a holder who was paused
past the end of the lease writes nothing, whether or not somebody else has taken it since.

The instants are those of the servers, so their clocks must agree to a second or two. If they do not, leases move too
early, or later than they should; the token still lets only one of them write.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, case, or_, select

from eparch.core.errors import Conflict
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import service_lease
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp

GAP_MAX: Final = timedelta(seconds=30)
"""A service without a holder for longer than this has heard nothing meanwhile: silence from then proves nothing."""


class LeaseLost(Conflict):
    """A service has overslept the end of its lease; nothing was written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as its row has it.

    Attributes:
        token: how many times it has been taken anew.
        steady_since: since when it was never without a holder for longer than `GAP_MAX`.
    """

    name: str
    holder: str | None
    token: int
    expires: datetime
    steady_since: datetime


def take_leases(
    tx: Transaction, names: Iterable[str], holder: str, now: datetime, duration_s: float
) -> dict[str, Lease]:
    """Renew the leases that `holder` has, take those that are over, and return all of them by name, others' too."""
    names = sorted(names)
    rows = tx.rows(_LEASES, {"names": listed(names)})
    missing = sorted(set(names) - {row.name for row in rows})
    if missing:
        # Over since ever: whoever comes first takes them.
        new = [{"name": name, "token": 0, "expires": now, "steady_since": now} for name in missing]
        insert_rows(tx, service_lease, new, on_conflict="ON CONFLICT (name) DO NOTHING")
    bound = {
        "names": listed(names),
        "me": holder,
        "now": now,
        "until": now + timedelta(seconds=duration_s),
        "gap_start": now - GAP_MAX,
    }
    if tx.is_postgresql:
        # Locked in one order, so that servers never wait for each other in a circle.
        tx.rows(_LOCKED, {"names": listed(names)})
    tx.execute(_TAKE, bound)
    return {row.name: Lease(*row) for row in tx.rows(_LEASES, {"names": listed(names)})}


def release_leases(tx: Transaction, holder: str, now: datetime) -> None:
    """Give back what `holder` has, so that others need not wait for its end."""
    tx.execute(_RELEASE, {"me": holder, "now": now})


def end_other_leases(tx: Transaction, holder: str, now: datetime) -> None:
    """End the leases of everybody but `holder`, who knows by other means that nobody else runs."""
    tx.execute(_END_OTHERS, {"me": holder, "now": now})


def require_lease(tx: Transaction, name: str, token: int, now: datetime) -> None:
    """Make sure that a lease is still held as of `token`, and stays so until the transaction ends.

    Raises:
        LeaseLost: it is over, or has been taken anew.
    """
    row = tx.row(_REQUIRED, {"lease": name})
    if row is None or row.token != token or row.expires <= now:
        raise LeaseLost(f"The lease of the {name} is over or has moved; this pass writes nothing more.")


def note_pass(tx: Transaction, name: str, now: datetime, counts: Any, error: str | None) -> None:
    """Note how the last pass of a service ended. What it came to stays where it failed."""
    values: Mapping[str, Any] = {"last_pass": now, "last_error": error}
    if error is None:
        values = {**values, "counts": counts}
    tx.execute(service_lease.update().where(service_lease.c.name == name).values(values))


_LEASES: Final = select(
    service_lease.c.name,
    service_lease.c.holder,
    service_lease.c.token,
    service_lease.c.expires,
    service_lease.c.steady_since,
).where(is_one_of(service_lease.c.name, "names"))
_LOCKED: Final = (
    select(service_lease.c.name)
    .where(is_one_of(service_lease.c.name, "names"))
    .order_by(service_lease.c.name)
    .with_for_update()
)
_NOW: Final = bindparam("now", type_=Timestamp())
_IS_OVER: Final = service_lease.c.expires <= _NOW
_TAKE: Final = (
    service_lease.update()
    .where(is_one_of(service_lease.c.name, "names"), or_(_IS_OVER, service_lease.c.holder == bindparam("me")))
    .values(
        holder=bindparam("me"),
        token=case((_IS_OVER, service_lease.c.token + 1), else_=service_lease.c.token),
        expires=bindparam("until", type_=Timestamp()),
        steady_since=case(
            (service_lease.c.expires < bindparam("gap_start", type_=Timestamp()), _NOW),
            else_=service_lease.c.steady_since,
        ),
    )
)
_RELEASE: Final = (
    service_lease.update()
    .where(service_lease.c.holder == bindparam("me"), service_lease.c.expires > _NOW)
    .values(holder=None, expires=_NOW)
)
_END_OTHERS: Final = (
    service_lease.update()
    .where(service_lease.c.holder != bindparam("me"), service_lease.c.expires > _NOW)
    .values(holder=None, expires=_NOW)
)
_REQUIRED: Final = (
    select(service_lease.c.token, service_lease.c.expires)
    .where(service_lease.c.name == bindparam("lease"))
    .with_for_update(read=True)
)
