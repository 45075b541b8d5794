"""Results as bytes.

In charge of turning a value into bytes and back; not in charge of where the bytes are kept.
"""

import gzip
import json
from typing import Any, ClassVar, Final, Protocol

from eparch.sdk.errors import ResultError


class Serializer(Protocol):
    """Turns a value into bytes and back.

    Attributes:
        name: what a state says of the bytes, so that whoever reads them knows how.

    Example:
        >>> class Text:
        ...     name = "text"
        ...     def serialize(self, value: str) -> bytes:
        ...         return value.encode()
        ...     def deserialize(self, data: bytes) -> str:
        ...         return data.decode()
        >>> from eparch.results import FilesystemResult
        >>> FilesystemResult("memory://texts", location="a", serializer=Text()).write("salve").read().value
        'salve'
    """

    name: ClassVar[str]

    def serialize(self, value: Any) -> bytes:
        """Return the value as bytes."""
        ...

    def deserialize(self, data: bytes) -> Any:
        """Return the value of the bytes."""
        ...


class PickleSerializer:
    """Pickles, made by cloudpickle, so that functions and classes of a script can be kept too.

    Example:
        >>> PickleSerializer().deserialize(PickleSerializer().serialize({1, 2}))
        {1, 2}
    """

    name: ClassVar[str] = "pickle"

    def serialize(self, value: Any) -> bytes:
        """Return the value as bytes.

        Raises:
            ResultError: it cannot be pickled.
        """
        import cloudpickle

        try:
            return bytes(cloudpickle.dumps(value))
        except Exception as error:
            raise ResultError(
                f"A result of type {type(value).__name__} cannot be pickled: {error}",
                hint="return what can be written to a file; open files, sockets, locks and generators cannot",
            ) from error

    def deserialize(self, data: bytes) -> Any:
        """Return the value of the bytes."""
        import cloudpickle

        return cloudpickle.loads(data)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    __hash__ = None  # type: ignore[assignment]


class JSONSerializer:
    """JSON text, which other programs can read.

    Example:
        >>> JSONSerializer().serialize([1, None])
        b'[1, null]'
    """

    name: ClassVar[str] = "json"

    def serialize(self, value: Any) -> bytes:
        """Return the value as bytes.

        Raises:
            ResultError: it cannot be written as JSON.
        """
        try:
            return json.dumps(value).encode()
        except (TypeError, ValueError) as error:
            raise ResultError(
                f"A result of type {type(value).__name__} cannot be written as JSON: {error}",
                hint="use the PickleSerializer, or return text, numbers, lists and dictionaries",
            ) from error

    def deserialize(self, data: bytes) -> Any:
        """Return the value of the bytes."""
        return json.loads(data)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    __hash__ = None  # type: ignore[assignment]


class CompressedSerializer:
    """What another serializer writes, compressed with gzip.

    Example:
        >>> serializer = CompressedSerializer(JSONSerializer())
        >>> serializer.deserialize(serializer.serialize([1, 2])), serializer.name
        ([1, 2], 'json.gz')
    """

    def __init__(self, serializer: Serializer) -> None:
        self.serializer = serializer

    @property
    def name(self) -> str:
        """The name of the other serializer, and `.gz`."""
        return f"{self.serializer.name}.gz"

    def serialize(self, value: Any) -> bytes:
        """Return the value as bytes."""
        # Without a time in its header the same value gives the same bytes.
        return gzip.compress(self.serializer.serialize(value), mtime=0)

    def deserialize(self, data: bytes) -> Any:
        """Return the value of the bytes."""
        return self.serializer.deserialize(gzip.decompress(data))


_NAMED: Final[dict[str, Any]] = {"pickle": PickleSerializer, "json": JSONSerializer}


def serializer_named(name: str | None) -> Any:
    """Return the serializer that a state names; pickles where it names none.

    Raises:
        ResultError: there is no serializer of this name.
    """
    stem, compressed = (name[:-3], True) if name is not None and name.endswith(".gz") else (name, False)
    if stem is None:
        return PickleSerializer()
    if stem not in _NAMED:
        raise ResultError(f"A result was written by the serializer {name!r}, which is not known here.")
    return CompressedSerializer(_NAMED[stem]()) if compressed else _NAMED[stem]()
