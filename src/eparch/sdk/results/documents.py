"""Kept results as JSON documents inside a state.

In charge of telling the kinds apart; not in charge of their keys, which each kind knows itself.
"""

from typing import Any

from eparch.sdk.format import FORMAT_VERSION
from eparch.sdk.results.filesystems import AzureResult, FilesystemResult, GCSResult, S3Result
from eparch.sdk.results.inline import CustomResult, PrefectResult, SecretResult
from eparch.sdk.results.local import LocalResult
from eparch.sdk.results.result import Result
from eparch.sdk.results.serializers import serializer_named


def result_document(result: Result) -> dict[str, Any]:
    """Return where a result is kept, as JSON.

    Example:
        >>> result_document(PrefectResult().write(1))["location"]
        '1'
    """
    return {**result.document(), "__version__": FORMAT_VERSION}


def result_of_document(document: dict[str, Any] | None) -> Result | None:
    """Return the result that a document describes, not read yet; None where nothing is kept.

    A kind that is not known becomes a `CustomResult`.
    """
    if document is None:
        return None
    location = document.get("location")
    match document.get("type"):
        case "NoResultType" | "ConstantResult":
            return None
        case "Result":
            # There was one, and it is kept nowhere: whoever reads it is told so.
            return Result()
        case "LocalResult":
            return LocalResult(document.get("dir"), location, serializer_named(document.get("serializer")))
        case "PrefectResult":
            return PrefectResult(location)
        case "SecretResult":
            return SecretResult(location, document.get("secret_type") or "PrefectSecret")
        case "S3Result" if document.get("bucket"):
            return S3Result(document["bucket"], location, serializer_named(document.get("serializer")))
        case "GCSResult" if document.get("bucket"):
            return GCSResult(document["bucket"], location, serializer_named(document.get("serializer")))
        case "AzureResult" if document.get("container"):
            return AzureResult(document["container"], location, serializer_named(document.get("serializer")))
        case "FilesystemResult" if document.get("url"):
            return FilesystemResult(document["url"], location, serializer_named(document.get("serializer")))
    return CustomResult(location)
