"""In charge of `eparch services`; not in charge of what services do (`eparch.services`)."""

from dataclasses import replace
from difflib import get_close_matches
from typing import Annotated

from cyclopts import Parameter

from eparch.cli.dispatch import UsageError
from eparch.cli.flags import with_settings
from eparch.server.settings import Resolved, refuse_exposure

Names = Annotated[list[str] | None, Parameter(help="Which services; all where none is named.", negative="")]


@with_settings()
def run(resolved: Resolved, names: Names = None) -> int:
    """Run services apart from the API, until stopped by SIGINT or SIGTERM; for servers that share a PostgreSQL.

    The process answers /health and /metrics on its port and nothing else. Each service has a lease, so that it does not
    matter how many such processes and servers there are: one runs it, and another follows when that one is gone.
    Servers run them too, unless they are started with --no-services-enabled.
    """
    from eparch.server.run import serve
    from eparch.server.services import SERVICES

    for name in names or ():
        if name not in SERVICES:
            close = get_close_matches(name, SERVICES, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(SERVICES)}"
            raise UsageError(f"Unknown service {name!r}.", hint=hint)
    refuse_exposure(resolved.settings)
    # Whoever asks for services wants them, and one process is enough for them.
    settings = replace(resolved.settings, services_enabled=True, workers=1)
    return serve(settings, names or SERVICES)
