"""Storage as JSON documents.

In charge of telling the kinds apart when reading; each kind writes its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from eparch.sdk.errors import FlowError
from eparch.sdk.storage.filesystems import GCS, S3, Azure
from eparch.sdk.storage.git import Bitbucket, Git, GitHub, GitLab
from eparch.sdk.storage.image import Docker
from eparch.sdk.storage.local import Local
from eparch.sdk.storage.module import Module
from eparch.sdk.storage.storage import Storage

_KINDS: Final[dict[str, Callable[..., Storage]]] = {
    kind.__name__: kind for kind in (Azure, Bitbucket, Docker, GCS, Git, GitHub, GitLab, Local, Module, S3)
}
# Written into the document by whoever makes it, and taken back by no constructor.
_TOLD_ONLY: Final = {"prefect_version"}


def storage_of_document(document: Mapping[str, Any]) -> Storage:
    """Return the storage that a document describes.

    Raises:
        FlowError: its kind is not known here.

    Example:
        >>> storage_of_document(Module("flows").serialize()).module
        'flows'
    """
    name = document.get("type")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FlowError(
            f"A flow is kept in {name!r} storage, which Eparch cannot read.", hint=f"use one of {', '.join(_KINDS)}"
        )
    fields = [field for field in kind.fields if field not in _TOLD_ONLY]  # type: ignore[attr-defined]
    given: dict[str, Any] = {field: document.get(field) for field in fields if field in document}
    if kind is Docker:
        given.pop("stored_as_script", None)
    if kind is Local:
        given["add_default_labels"] = False
    storage = kind(**given, secrets=document.get("secrets"))
    storage.flows.update(document.get("flows") or {})
    return storage
