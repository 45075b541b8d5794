"""In charge of the folder of the default database; not in charge of databases elsewhere."""

from eparch.core.errors import ConfigurationError
from eparch.server.settings import Resolved


def make_home(resolved: Resolved) -> None:
    """Make the home folder, readable by its owner alone, if the database is to live in it.

    Raises:
        ConfigurationError: the folder cannot be made.
    """
    if resolved.origins["database_url"] != "default":
        return
    home = resolved.settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {home} cannot be made: {error.strerror}.",
            hint="set EPARCH_HOME to a folder that you may write to",
        ) from None
