"""What all kinds of storage share.

In charge of the document and of the flows kept; not in charge of any place: each kind has a module.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from eparch.sdk.errors import FlowError
from eparch.sdk.format import FORMAT_VERSION

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow


class Storage(ABC):
    """Where an agent finds the code of flows. Use one of its kinds.

    Attributes:
        flows: the location of each flow, by the flow's name.
        secrets: names of secrets that are asked for before the flow is loaded; its code finds them in the context.
        labels: labels added to the flow's run config.
        stored_as_script: whether the code is a file that is executed; otherwise a pickle.

    Example:
        >>> from eparch.storage import Module, Storage
        >>> isinstance(Module("flows"), Storage)
        True
    """

    # The keys of its document besides those that all have, in order.
    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        *,
        secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
        stored_as_script: bool = False,
    ) -> None:
        self.flows: dict[str, str] = {}
        self.secrets = list(secrets or ())
        self.labels = list(labels or ())
        self.stored_as_script = stored_as_script

    @abstractmethod
    def add_flow(self, flow: "Flow") -> str:
        """Take up a flow, put its code in place if need be, and return its location.

        Raises:
            FlowError: it cannot be put there.
        """

    @abstractmethod
    def get_flow(self, name: str) -> "Flow":
        """Return a flow by loading its code.

        Raises:
            FlowError: the code cannot be had, or has no flow of this name.
        """

    def location(self, name: str) -> str:
        """Return where a flow is.

        Raises:
            FlowError: it was never added.
        """
        if name not in self.flows:
            raise FlowError(f"{type(self).__name__} storage has no flow {name!r}.", hint="register the flow again")
        return self.flows[name]

    def serialize(self) -> dict[str, Any]:
        """Return the storage as the JSON document that is registered.

        Example:
            >>> from eparch.storage import Module
            >>> Module("my_flows").serialize()["module"]
            'my_flows'
        """
        return {
            "flows": dict(self.flows),
            "secrets": self.secrets,
            **{name: getattr(self, name) for name in self.fields},
            "__version__": FORMAT_VERSION,
            "type": type(self).__name__,
        }

    def __contains__(self, name: object) -> bool:
        return name in self.flows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Storage) and self.serialize() == other.serialize()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} storage: {', '.join(self.flows) or 'no flows'}>"
