"""Results in a folder of this machine.

In charge of files; not in charge of names and values (`result`).
"""

import os
from pathlib import Path
from typing import Any, ClassVar

from eparch.sdk.errors import ResultError
from eparch.sdk.results.result import Result
from eparch.sdk.results.serializers import Serializer


def results_home() -> str:
    """Return the folder of results that no folder was named for: `$EPARCH_HOME/results`, by default in `~/.eparch`."""
    return str(Path(os.environ.get("EPARCH_HOME") or Path.home() / ".eparch") / "results")


class LocalResult(Result):
    """A result in a file.

    Attributes:
        dir: the folder; absolute.

    Example:
        >>> import tempfile
        >>> kept = LocalResult(dir=tempfile.mkdtemp(), location="{task_name}.pickle").write([1, 2], task_name="load")
        >>> kept.location, LocalResult(dir=kept.dir).read("load.pickle").value
        ('load.pickle', [1, 2])
    """

    document_fields: ClassVar[tuple[str, ...]] = ("dir",)

    def __init__(
        self,
        dir: str | os.PathLike[str] | None = None,  # noqa: A002 - the name that users know
        location: str | None = None,
        serializer: Serializer | None = None,
        value: Any = None,
    ) -> None:
        super().__init__(location, serializer, value)
        self.dir = str(Path(dir if dir is not None else results_home()).absolute())

    def write_bytes(self, location: str, data: bytes) -> None:
        """Write a file, by renaming a finished one, so that no reader sees half of it."""
        import tempfile

        path = self._path(location)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(prefix=".", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                os.replace(unfinished, path)
            except BaseException:
                os.unlink(unfinished)
                raise
        except OSError as error:
            raise ResultError(f"The result {path} cannot be written: {error.strerror or error}.") from error

    def read_bytes(self, location: str) -> bytes:
        """Return what is in the file."""
        path = self._path(location)
        try:
            return path.read_bytes()
        except OSError as error:
            raise ResultError(
                f"The result {path} cannot be read: {error.strerror or error}.",
                hint="results in files are on the machine that wrote them; keep them on a shared filesystem instead",
            ) from error

    def has_bytes(self, location: str) -> bool:
        """Return whether there is a file."""
        return self._path(location).is_file()

    def _path(self, location: str) -> Path:
        # An absolute location is taken as it is.
        return Path(self.dir) / location
