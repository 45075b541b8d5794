"""How documents and calls say whose library made them.

In charge of the version mark; not in charge of the documents.
"""

from typing import Final

from eparch.version import __version__

# The release of Prefect whose format this is, and who wrote it, as a local version after PEP 440. Agents tell by it
# whose library has to start a run; servers refuse formats that are too old.
FORMAT_VERSION: Final = f"1.4.1+eparch.{__version__}"


def is_own_version(version: str | None) -> bool:
    """Return whether a document's version mark was written by Eparch's own library.

    Example:
        >>> is_own_version(FORMAT_VERSION), is_own_version("1.4.1")
        (True, False)
    """
    return version is not None and "+eparch" in version
