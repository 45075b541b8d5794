"""In charge of `eparch server`; not in charge of the server (`eparch.server`)."""

from eparch.cli.flags import with_settings
from eparch.cli.home import make_home
from eparch.server.settings import Resolved, refuse_exposure


@with_settings()
def start(resolved: Resolved) -> int:
    """Run the server until it is stopped by SIGINT or SIGTERM.

    Each option can also be set as a variable of the environment or as a key of the configuration file; eparch config
    shows what is in effect.
    """
    refuse_exposure(resolved.settings)
    make_home(resolved)
    from eparch.server.run import serve

    return serve(resolved.settings)
