"""Results on any filesystem that fsspec knows: S3, Google Cloud Storage, Azure, SFTP, HDFS, memory.

In charge of reading and writing through fsspec; not in charge of names and values (`result`). Each filesystem needs its
own package: `s3fs`, `gcsfs`, `adlfs`.
"""

import posixpath
from collections.abc import Mapping
from typing import Any, ClassVar

from eparch.sdk.errors import ResultError
from eparch.sdk.results.result import Result
from eparch.sdk.results.serializers import Serializer


class FilesystemResult(Result):
    """A result on a filesystem that a URL names.

    Attributes:
        url: the folder, such as "s3://bucket/results".
        storage_options: what fsspec needs to open it; not told to the server, so put no secrets where all may read.

    Example:
        >>> kept = FilesystemResult("memory://results", location="{task_name}").write([1, 2], task_name="load")
        >>> FilesystemResult("memory://results").read("load").value
        [1, 2]
    """

    document_fields: ClassVar[tuple[str, ...]] = ("url",)

    def __init__(
        self,
        url: str,
        location: str | None = None,
        serializer: Serializer | None = None,
        value: Any = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(location, serializer, value)
        self.url = url.rstrip("/")
        self.storage_options = dict(storage_options or {})

    def write_bytes(self, location: str, data: bytes) -> None:
        """Write a file; object stores show it when it is complete."""
        filesystem, path = self._at(location)
        try:
            filesystem.makedirs(posixpath.dirname(path), exist_ok=True)
            filesystem.pipe_file(path, data)
        except Exception as error:
            raise ResultError(f"The result {self._name(location)} cannot be written: {error}") from error

    def read_bytes(self, location: str) -> bytes:
        """Return what is in the file."""
        filesystem, path = self._at(location)
        try:
            return bytes(filesystem.cat_file(path))
        except Exception as error:
            raise ResultError(f"The result {self._name(location)} cannot be read: {error}") from error

    def has_bytes(self, location: str) -> bool:
        """Return whether there is a file."""
        filesystem, path = self._at(location)
        return bool(filesystem.exists(path))

    def _name(self, location: str) -> str:
        return f"{self.url}/{location.lstrip('/')}"

    def _at(self, location: str) -> tuple[Any, str]:
        try:
            import fsspec
        except ImportError:
            raise ResultError(
                "Results on other filesystems need the package fsspec.", hint="pip install 'eparch[filesystems]'"
            ) from None
        try:
            filesystem, path = fsspec.core.url_to_fs(self._name(location), **self.storage_options)
        except (ImportError, ValueError) as error:
            raise ResultError(f"The filesystem of {self.url!r} cannot be opened: {error}") from error
        return filesystem, path


class _BucketResult(FilesystemResult):
    """A result in a bucket, with the document that Prefect 1.x has for it."""

    document_fields: ClassVar[tuple[str, ...]] = ("bucket",)
    scheme: ClassVar[str]

    def __init__(
        self,
        bucket: str,
        location: str | None = None,
        serializer: Serializer | None = None,
        value: Any = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{self.scheme}://{bucket}", location, serializer, value, storage_options)
        self.bucket = bucket


class S3Result(_BucketResult):
    """A result in a bucket of Amazon S3, or of what speaks like it. Needs the package s3fs.

    Example:
        >>> S3Result("results", location="{today}/{task_name}").url
        's3://results'
    """

    scheme = "s3"


class GCSResult(_BucketResult):
    """A result in a bucket of Google Cloud Storage. Needs the package gcsfs.

    Example:
        >>> GCSResult("results", location="{task_name}").url
        'gcs://results'
    """

    scheme = "gcs"


class AzureResult(FilesystemResult):
    """A result in a container of Azure Blob Storage. Needs the package adlfs.

    Example:
        >>> AzureResult("results", location="{task_name}").url
        'az://results'
    """

    document_fields: ClassVar[tuple[str, ...]] = ("container",)

    def __init__(
        self,
        container: str,
        location: str | None = None,
        serializer: Serializer | None = None,
        value: Any = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"az://{container}", location, serializer, value, storage_options)
        self.container = container
