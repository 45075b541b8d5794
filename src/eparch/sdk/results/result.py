"""What all kinds of kept results share.

In charge of names of results and of copying; not in charge of any place they are kept in: each kind has a module.
"""

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, Self
from urllib.parse import quote

from eparch.sdk.errors import ResultError
from eparch.sdk.results.serializers import PickleSerializer, Serializer


class Result:
    """How and where a result is kept; after `write` or `read`, also which one, and its value. Use one of its kinds.

    Attributes:
        location: the name of the result in its place: a template until it is written, such as
            "{flow_name}/{today}/{task_name}.pickle".
        serializer: how the value becomes bytes.
        value: the value, once written or read.

    Example:
        >>> from eparch.results import PrefectResult, Result
        >>> isinstance(PrefectResult(), Result)
        True
    """

    # What its document says besides `type` and `location`, and takes back.
    document_fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, location: str | None = None, serializer: Serializer | None = None, value: Any = None) -> None:
        self.location = location
        self.serializer: Serializer = serializer if serializer is not None else PickleSerializer()
        self.value = value

    def write(self, value: Any, **names: Any) -> Self:
        """Keep a value; return this result with the value and with the location filled in from `names`.

        Raises:
            ResultError: the value cannot be written.
        """
        new = self.formatted(names)
        assert new.location is not None
        self.write_bytes(new.location, self.serializer.serialize(value))
        new.value = value
        return new

    def read(self, location: str | None = None) -> Self:
        """Return this result with the value that is kept at `location`, by default its own.

        Raises:
            ResultError: there is none, or it cannot be read.
        """
        name = location if location is not None else self.location
        if name is None:
            raise ResultError(f"{self!r} is kept nowhere, so it cannot be read again.")
        new = copy.copy(self)
        new.location = name
        data = self.read_bytes(name)
        try:
            new.value = self.serializer.deserialize(data)
        except Exception as error:
            raise ResultError(
                f"The result at {name!r} cannot be understood: {error}",
                hint="it was written by another serializer, or by other versions of the libraries it holds objects of",
            ) from error
        return new

    def exists(self, location: str | None = None, **names: Any) -> bool:
        """Return whether there is a result at the location, filled in from `names`."""
        return self.has_bytes(_filled(location if location is not None else self._template(names), names))

    def formatted(self, names: Mapping[str, Any]) -> Self:
        """Return a copy whose location is filled in.

        Raises:
            ResultError: the template names something that is not among `names`.
        """
        new = copy.copy(self)
        new.location = _filled(self._template(names), names)
        return new

    def copy(self) -> Self:
        """Return a copy."""
        return copy.copy(self)

    def document(self) -> dict[str, Any]:
        """Return where the result is kept, as JSON; never the value."""
        fields = {name: getattr(self, name) for name in self.document_fields}
        return {"type": type(self).__name__, "location": self.location, **fields, "serializer": self.serializer.name}

    def write_bytes(self, location: str, data: bytes) -> None:
        """Keep bytes under a name; what is there is replaced at once, not by and by."""
        raise ResultError(f"{type(self).__name__} keeps nothing.", hint="use LocalResult or FilesystemResult")

    def read_bytes(self, location: str) -> bytes:
        """Return the bytes of a name."""
        raise ResultError(f"{type(self).__name__} keeps nothing.", hint="use LocalResult or FilesystemResult")

    def has_bytes(self, location: str) -> bool:
        """Return whether there is something of this name."""
        return False

    def _template(self, names: Mapping[str, Any]) -> str:
        if self.location is not None:
            return self.location
        # One place for each task run, so that a second attempt replaces what the first one left.
        index = names.get("map_index")
        child = "" if index is None or index < 0 else f"-{index}"
        run, slug = str(names.get("flow_run_id", "no-run")), quote(str(names.get("task_slug", "task")), safe="")
        text = f"{run}/{slug}{child}.{self.serializer.name}"
        return text.replace("{", "{{").replace("}", "}}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Result)
        return self.document() == other.document()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.location}>"


def _filled(template: str, names: Mapping[str, Any]) -> str:
    try:
        return template.format(**names)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ResultError(
            f"The name {template!r} of a result cannot be filled in: {error!r}.",
            hint=f"it may use {', '.join(sorted(names))}",
        ) from None
