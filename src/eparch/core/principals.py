"""Who is calling, and what they may do.

In charge of the value that every operation takes and of the permission strings; not in charge of finding out who it is
(`server.authentication`).
"""

from dataclasses import dataclass, field
from typing import Final

from eparch.core.errors import Forbidden

_VERBS: Final = ("create", "read", "update", "delete")
_OBJECTS: Final = (
    "agent",
    "api-key",
    "audit-trail",
    "cloud-hook",
    "concurrency-limit",
    "flow",
    "flow-sla",
    "hook",
    "key-value",
    "license",
    "log",
    "membership",
    "membership-invitation",
    "message",
    "project",
    "role",
    "run",
    "secret",
    "secret-value",
    "service-account",
    "service-api-key",
    "tenant",
    "usage",
    "user",
)

PERMISSIONS: Final = frozenset(f"{verb}:{thing}" for verb in _VERBS for thing in _OBJECTS)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever makes a call, as the server has found out.

    Attributes:
        tenant_id: the tenant they act in; every statement is filtered by it.
        permissions: what they may do there.
        agent_id: the agent that says it is calling (`X-PREFECT-AGENT-ID`), or None.
        core_version: the version of the calling library (`X-PREFECT-CORE-VERSION`), or None.
    """

    tenant_id: str
    permissions: frozenset[str] = field(default=PERMISSIONS, repr=False)
    agent_id: str | None = None
    core_version: str | None = None

    def can(self, permission: str) -> bool:
        """Return whether the principal holds `permission`."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Do nothing, or raise.

        Raises:
            Forbidden: the principal does not hold `permission`.
        """
        if permission not in self.permissions:
            raise Forbidden(f"Unauthorized: this needs the permission {permission!r}.")
