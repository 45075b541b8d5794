"""Flows inside container images.

In charge of saying which image and which file in it; not in charge of building images: that is done where all your
images are built.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from eparch.sdk.errors import FlowError
from eparch.sdk.format import FORMAT_VERSION
from eparch.sdk.storage.loading import flow_of_file
from eparch.sdk.storage.storage import Storage

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow


class Docker(Storage):
    """A flow in a file of an image.

    Attributes:
        registry_url, image_name, image_tag: which image.
        path: the file, inside the image.

    Example:
        >>> Docker("registry.example.org", "flows", "2026-01", path="/flows/etl.py").name
        'registry.example.org/flows:2026-01'
    """

    fields: ClassVar[tuple[str, ...]] = (
        "registry_url",
        "image_name",
        "image_tag",
        "path",
        "stored_as_script",
        "prefect_version",
    )

    def __init__(
        self,
        registry_url: str | None = None,
        image_name: str | None = None,
        image_tag: str | None = None,
        path: str | None = None,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=True)
        if image_name is None or path is None:
            raise FlowError(
                "Docker storage needs `image_name` and `path`, the file of the flow inside the image.",
                hint="build the image yourself: FROM python, pip install eparch, COPY the flow file",
            )
        self.registry_url, self.image_name, self.image_tag, self.path = registry_url, image_name, image_tag, path
        # A key of the format; what it holds for us is our own version.
        self.prefect_version = FORMAT_VERSION

    @property
    def name(self) -> str:
        """The full name of the image."""
        stem = self.image_name if self.registry_url is None else f"{self.registry_url}/{self.image_name}"
        return f"{stem}:{self.image_tag or 'latest'}"

    def add_flow(self, flow: "Flow") -> str:
        """Take up a flow; its code is in the image already."""
        self.flows[flow.name] = self.path
        return self.path

    def get_flow(self, name: str) -> "Flow":
        """Return a flow from its file; called inside a container of the image."""
        return flow_of_file(Path(self.location(name)), name)
