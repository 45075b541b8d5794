"""Flows in installed modules."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from eparch.sdk.storage.loading import flow_of_module
from eparch.sdk.storage.storage import Storage

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow


class Module(Storage):
    """A flow in a module that is installed wherever it runs: good for images and packages.

    Attributes:
        module: the module's dotted name; also of a flow in it, or of a function that returns one.

    Example:
        >>> Module("company.flows.etl").module
        'company.flows.etl'
    """

    fields: ClassVar[tuple[str, ...]] = ("module",)

    def __init__(
        self, module: str, *, secrets: Iterable[str] | None = None, labels: Iterable[str] | None = None
    ) -> None:
        super().__init__(secrets=secrets, labels=labels, stored_as_script=True)
        self.module = module

    def add_flow(self, flow: "Flow") -> str:
        """Take up a flow; its code is in place already."""
        self.flows[flow.name] = self.module
        return self.module

    def get_flow(self, name: str) -> "Flow":
        """Return a flow by importing the module."""
        return flow_of_module(self.location(name), name)
