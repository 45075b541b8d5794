"""Which tenant an input means.

In charge of the one rule; not in charge of tenants themselves (`tenants`).
"""

from eparch.core.errors import Forbidden
from eparch.core.principals import Principal
from eparch.operations.registry import Input


def tenant_of(principal: Principal, given: Input) -> str:
    """Return the tenant that `given` names, which must be the principal's own; theirs where it names none.

    Raises:
        Forbidden: the input names another tenant.
    """
    named: str | None = given.get("tenant_id")
    if named is not None and named != principal.tenant_id:
        raise Forbidden(
            f"Unauthorized: tenant {named} is not the one that you act in.",
            hint="leave tenant_id out, or send the X-PREFECT-TENANT-ID header",
        )
    return principal.tenant_id
