"""From the headers of a request to a principal.

In charge of who is calling; not in charge of what they may do (`core.principals`). There is no authentication yet:
everybody is the owner of a tenant, and the server listens on loopback only.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from eparch.core.errors import Unauthenticated
from eparch.core.ids import parse_uuid
from eparch.core.principals import Principal


class HasHeaders(Protocol):
    """Something with headers."""

    def get(self, name: bytes) -> str | None:
        """Return a header as text, None where it is absent."""


class Authentication:
    """Without credentials: the caller owns the tenant that they name, or the first one.

    Args:
        tenants: returns the ids of the tenants, oldest first.
    """

    def __init__(self, tenants: Callable[[], Sequence[str]]) -> None:
        self._tenants = tenants

    def principal(self, headers: HasHeaders) -> Principal:
        """Return who is calling.

        Raises:
            Unauthenticated: the header names a tenant that does not exist, or there is no tenant at all.
        """
        tenants = self._tenants()
        named = headers.get(b"x-prefect-tenant-id")
        if named:
            tenant_id = parse_uuid(named)
            if tenant_id not in tenants:
                raise Unauthenticated(
                    f"There is no tenant {named}.", hint="ask `{ tenant { id slug } }` without the header"
                )
        elif tenants:
            tenant_id = tenants[0]
        else:
            raise Unauthenticated("There is no tenant.", hint="restart the server: it makes one if there is none")
        agent_id = headers.get(b"x-prefect-agent-id")
        return Principal(
            tenant_id=tenant_id or tenants[0],
            agent_id=parse_uuid(agent_id) if agent_id else None,
            core_version=headers.get(b"x-prefect-core-version"),
        )
