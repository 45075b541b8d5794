"""Flows on object stores, through fsspec.

In charge of putting a pickle or a script there and of getting it back; not in charge of credentials, which each store's
package finds by itself.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from eparch.sdk.errors import FlowError
from eparch.sdk.pickling import pickled
from eparch.sdk.results.filesystems import FilesystemResult
from eparch.sdk.storage.loading import flow_of_pickle, flow_of_source
from eparch.sdk.storage.storage import Storage

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow


class _ObjectStore(Storage):
    """A flow under a key of a bucket."""

    key: str | None
    local_script_path: str | None
    client_options: Mapping[str, Any] | None = None

    def add_flow(self, flow: "Flow") -> str:
        """Write the flow's script or pickle under its key."""
        if self.stored_as_script:
            if self.key is None:
                raise FlowError(f"{type(self).__name__} storage of a script needs its key.")
            self.flows[flow.name] = self.key
            if self.local_script_path is not None:
                self._files().write_bytes(self.key, Path(self.local_script_path).read_bytes())
            return self.key
        data = pickled(flow, f"Flow {flow.name!r}", flow.sorted_tasks())
        stem = re.sub(r"[^A-Za-z0-9]+", "-", flow.name).strip("-").lower() or "flow"
        key = self.key or f"{stem}/{hashlib.sha256(data).hexdigest()[:16]}.pickle"
        self._files().write_bytes(key, data)
        self.flows[flow.name] = key
        return key

    def get_flow(self, name: str) -> "Flow":
        """Return a flow from its key."""
        key = self.location(name)
        data = self._files().read_bytes(key)
        if self.stored_as_script:
            return flow_of_source(data, key, name)
        return flow_of_pickle(data, name, key)

    def _files(self) -> FilesystemResult:
        return FilesystemResult(self._url(), storage_options=self.client_options)

    def _url(self) -> str:
        raise NotImplementedError


class S3(_ObjectStore):
    """A flow in a bucket of Amazon S3, or of what speaks like it. Needs the package s3fs.

    Example:
        >>> S3("flows", key="etl.py", stored_as_script=True).serialize()["bucket"]
        'flows'
    """

    fields: ClassVar[tuple[str, ...]] = ("bucket", "key", "stored_as_script", "client_options")

    def __init__(
        self,
        bucket: str,
        key: str | None = None,
        stored_as_script: bool = False,
        local_script_path: str | None = None,
        client_options: Mapping[str, Any] | None = None,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=stored_as_script)
        self.bucket, self.key, self.local_script_path = bucket, key, local_script_path
        self.client_options = None if client_options is None else dict(client_options)

    def _url(self) -> str:
        return f"s3://{self.bucket}"


class GCS(_ObjectStore):
    """A flow in a bucket of Google Cloud Storage. Needs the package gcsfs.

    Example:
        >>> GCS("flows", key="etl.py", stored_as_script=True).serialize()["key"]
        'etl.py'
    """

    fields: ClassVar[tuple[str, ...]] = ("bucket", "key", "project", "stored_as_script")

    def __init__(
        self,
        bucket: str,
        key: str | None = None,
        project: str | None = None,
        stored_as_script: bool = False,
        local_script_path: str | None = None,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=stored_as_script)
        self.bucket, self.key, self.project, self.local_script_path = bucket, key, project, local_script_path

    def _url(self) -> str:
        return f"gcs://{self.bucket}"


class Azure(_ObjectStore):
    """A flow in a container of Azure Blob Storage. Needs the package adlfs.

    Example:
        >>> Azure("flows", blob_name="etl.py", stored_as_script=True).serialize()["blob_name"]
        'etl.py'
    """

    fields: ClassVar[tuple[str, ...]] = ("container", "connection_string_secret", "blob_name", "stored_as_script")

    def __init__(
        self,
        container: str,
        connection_string_secret: str | None = None,
        blob_name: str | None = None,
        stored_as_script: bool = False,
        local_script_path: str | None = None,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=stored_as_script)
        self.container, self.key, self.local_script_path = container, blob_name, local_script_path
        self.connection_string_secret = connection_string_secret

    @property
    def blob_name(self) -> str | None:
        """The name of the blob: what the other stores call a key."""
        return self.key

    def _files(self) -> FilesystemResult:
        from eparch.sdk.secrets import Secret

        options = {}
        if self.connection_string_secret is not None:
            options["connection_string"] = Secret(self.connection_string_secret).get()
        return FilesystemResult(self._url(), storage_options=options)

    def _url(self) -> str:
        return f"az://{self.container}"
