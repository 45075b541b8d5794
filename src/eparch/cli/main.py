"""In charge of the `eparch` program's first step; not in charge of anything that takes time to import."""

import sys
from collections.abc import Sequence

from eparch.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: without the program's name; those of the process when None.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    # Scripts ask for the version often; they get it before anything else is imported.
    if words in (["--version"], ["-V"], ["version"]):
        print(f"eparch {__version__}")
        return 0
    from eparch.cli.dispatch import dispatch

    return dispatch(words)
