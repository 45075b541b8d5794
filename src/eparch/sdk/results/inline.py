"""Results that need no place: their name is the value, or there is none.

In charge of the kinds without bytes; not in charge of files (`local`, `filesystems`).
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from eparch.sdk.errors import ResultError
from eparch.sdk.results.result import Result
from eparch.sdk.results.serializers import JSONSerializer


class PrefectResult(Result):
    """A result whose name is the value itself, as JSON: it is sent to the server. Small values only, and no secrets.

    Example:
        >>> kept = PrefectResult().write({"rows": 3})
        >>> kept.location, PrefectResult().read(kept.location).value
        ('{"rows": 3}', {'rows': 3})
    """

    def __init__(self, location: str | None = None, value: Any = None) -> None:
        super().__init__(location, JSONSerializer(), value)

    def write(self, value: Any, **names: Any) -> Self:
        """Return a result whose name is the value.

        Raises:
            ResultError: it cannot be written as JSON.
        """
        return type(self)(location=self.serializer.serialize(value).decode(), value=value)

    def read_bytes(self, location: str) -> bytes:
        """Return the name, which is the value."""
        return location.encode()

    def has_bytes(self, location: str) -> bool:
        """Return whether the name is a value."""
        try:
            json.loads(location)
        except ValueError:
            return False
        return True

    def formatted(self, names: Mapping[str, Any]) -> Self:
        """Return a copy: braces in it are JSON."""
        return self.copy()

    def document(self) -> dict[str, Any]:
        """Return the document that Prefect 1.x reads."""
        return {"type": "PrefectResult", "location": self.location}


class ConstantResult(Result):
    """A result that is known beforehand, so that it is kept nowhere.

    Example:
        >>> ConstantResult().write(3).value
        3
    """

    def write(self, value: Any, **names: Any) -> Self:
        """Return a result with the value."""
        return type(self)(value=value)

    def document(self) -> dict[str, Any]:
        """Return the document that Prefect 1.x reads."""
        return {"type": "ConstantResult", "location": None}


class SecretResult(Result):
    """A result that is never kept and is asked for again by name.

    Attributes:
        secret_type: the kind of task that asks for it.

    Example:
        >>> SecretResult("API_TOKEN").write("hunter2!").document()["location"]
        'API_TOKEN'
    """

    document_fields: ClassVar[tuple[str, ...]] = ("secret_type",)

    def __init__(self, location: str | None = None, secret_type: str = "PrefectSecret", value: Any = None) -> None:  # noqa: S107
        super().__init__(location, JSONSerializer(), value)
        self.secret_type = secret_type

    def write(self, value: Any, **names: Any) -> Self:
        """Return a result with the value and the name it is asked for by; nothing is written."""
        return type(self)(location=self.location, secret_type=self.secret_type, value=value)

    def read(self, location: str | None = None) -> Self:
        """Ask for the secret again."""
        from eparch.sdk.secrets import EnvVarSecret, Secret

        name = location if location is not None else self.location
        if name is None:
            raise ResultError("A secret without a name cannot be asked for.")
        is_variable = self.secret_type == "EnvVarSecret"  # noqa: S105 - a kind of task
        value = EnvVarSecret(name).run() if is_variable else Secret(name).get()
        return type(self)(location=name, secret_type=self.secret_type, value=value)

    def document(self) -> dict[str, Any]:
        """Return the document that Prefect 1.x reads."""
        return {"type": "SecretResult", "location": self.location, "secret_type": self.secret_type}


class CustomResult(Result):
    """A result of a kind that is not known here: it has a name and cannot be read."""
