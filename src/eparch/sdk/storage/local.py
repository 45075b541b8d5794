"""Flows in files of the agent's machine."""

import hashlib
import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from eparch.sdk.errors import FlowError
from eparch.sdk.pickling import pickled
from eparch.sdk.storage.loading import flow_of_file, flow_of_pickle
from eparch.sdk.storage.storage import Storage

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow


def flows_home() -> str:
    """Return the folder of pickled flows by default: `$EPARCH_HOME/flows`, and that in `~/.eparch`."""
    return str(Path(os.environ.get("EPARCH_HOME") or Path.home() / ".eparch") / "flows")


class Local(Storage):
    """A flow in a file on the machine where it was registered: the file it is written in, or a pickle.

    Attributes:
        directory: where pickles are written.
        path: the file of the flow, when it is stored as a script.

    Example:
        >>> Local(path="/srv/flows/etl.py", stored_as_script=True).path
        '/srv/flows/etl.py'
    """

    fields: ClassVar[tuple[str, ...]] = ("directory", "path", "stored_as_script")

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        stored_as_script: bool | None = None,
        add_default_labels: bool = True,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        # The file is on this machine only, so is its agent; told by the host's name, as agents of both libraries do.
        own = [socket.gethostname()] if add_default_labels else []
        as_script = path is not None if stored_as_script is None else stored_as_script
        super().__init__(secrets=secrets, labels=[*(labels or ()), *own], stored_as_script=as_script)
        if as_script and path is None:
            raise FlowError("A flow stored as a script needs the path of its file.", hint="write Local(path=__file__)")
        self.directory = str(Path(directory if directory is not None else flows_home()).absolute())
        self.path = None if path is None else str(Path(path).absolute())

    def add_flow(self, flow: "Flow") -> str:
        """Take up a flow; write its pickle, under a name made of its content, unless its own file is named."""
        if self.path is not None:
            self.flows[flow.name] = self.path
            return self.path
        data = pickled(flow, f"Flow {flow.name!r}", flow.sorted_tasks())
        stem = re.sub(r"[^A-Za-z0-9]+", "-", flow.name).strip("-").lower() or "flow"
        path = Path(self.directory) / stem / f"{hashlib.sha256(data).hexdigest()[:16]}.pickle"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(data)
            os.replace(unfinished, path)
        except OSError as error:
            raise FlowError(f"Flow {flow.name!r} cannot be written to {path}: {error.strerror or error}.") from None
        self.flows[flow.name] = str(path)
        return str(path)

    def get_flow(self, name: str) -> "Flow":
        """Return a flow from its file."""
        path = Path(self.location(name))
        if self.stored_as_script:
            return flow_of_file(path, name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FlowError(f"Flow {name!r} cannot be read from {path}: {error.strerror or error}.") from None
        return flow_of_pickle(data, name, str(path))
