"""Resources that are set up before some tasks and cleaned up after them, whatever those do.

In charge of `resource_manager` and of the three tasks that one becomes; not in charge of the trigger that lets the
clean-up run (`triggers`).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, overload

from eparch.sdk.building import current_flow, inside
from eparch.sdk.constants import Constant
from eparch.sdk.errors import FlowError
from eparch.sdk.parameters import Parameter
from eparch.sdk.tasks import Task
from eparch.sdk.triggers import resource_cleanup_trigger

if TYPE_CHECKING:
    from eparch.sdk.flow_graph import FlowGraph

_FORMAT: Final = "prefect.tasks.core.resource_manager"


class ResourceInitTask(Task):
    """Make the manager object."""

    __format_name__ = f"{_FORMAT}.ResourceInitTask"

    def __init__(self, resource_class: Callable[..., Any], **options: Any) -> None:
        self.resource_class = resource_class
        # Its arguments are those of the class.
        self.run = resource_class
        super().__init__(**options)

    def outputs(self) -> str:
        """Return the text of the type, which is not told."""
        return "typing.Any"


class ResourceSetupTask(Task):
    """Set the resource up."""

    __format_name__ = f"{_FORMAT}.ResourceSetupTask"

    def run(self, mgr: Any) -> Any:
        """Return the resource."""
        return mgr.setup()


class ResourceCleanupTask(Task):
    """Clean the resource up."""

    __format_name__ = f"{_FORMAT}.ResourceCleanupTask"

    def run(self, mgr: Any, resource: Any = None) -> None:
        """Let the manager clean up."""
        mgr.cleanup(resource) if _takes_resource(mgr) else mgr.cleanup()


class ResourceManager:
    """What `@resource_manager` makes of a class: call it inside a flow, with `with`.

    Attributes:
        resource_class: the class, with `setup` (may be missing) and `cleanup`.
    """

    def __init__(
        self,
        resource_class: Callable[..., Any],
        name: str | None = None,
        init_task_kwargs: Mapping[str, Any] | None = None,
        setup_task_kwargs: Mapping[str, Any] | None = None,
        cleanup_task_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.resource_class = resource_class
        self.name = name or getattr(resource_class, "__name__", type(resource_class).__name__)
        self.init_task_kwargs = {"name": self.name, **(init_task_kwargs or {})}
        self.setup_task_kwargs = {"name": f"{self.name}.setup", **(setup_task_kwargs or {})}
        self.cleanup_task_kwargs = {
            "name": f"{self.name}.cleanup",
            "trigger": resource_cleanup_trigger,
            "skip_on_upstream_skip": False,
            **(cleanup_task_kwargs or {}),
        }
        if not hasattr(resource_class, "cleanup"):
            raise FlowError(
                f"The resource manager {self.name!r} has no `cleanup`.", hint="write one, if only to say pass"
            )

    def __call__(self, *args: Any, flow: "FlowGraph | None" = None, **kwargs: Any) -> "ResourceBlock":
        """Return a block inside which the resource is there."""
        target = flow or current_flow()
        if target is None:
            raise FlowError(
                f"The resource manager {self.name!r} stands inside a flow.",
                hint="write it inside `with Flow(...)` or a traced function",
            )
        made = ResourceInitTask(self.resource_class, **self.init_task_kwargs)
        return ResourceBlock(self, made.bind(*args, flow=target, **kwargs), target)


class ResourceBlock(AbstractContextManager[Any]):
    """The `with` block of one resource: what it gives is the task that sets the resource up."""

    def __init__(self, manager: ResourceManager, init_task: Task, flow: "FlowGraph") -> None:
        self.manager = manager
        self.init_task = init_task
        self.setup_task: Task | None = None
        self._flow = flow
        self._seen: list[Task] = []
        self._block: AbstractContextManager[None] | None = None

    def saw(self, task: Task, flow: "FlowGraph") -> None:
        """Take note of a task that was added inside the block."""
        if not isinstance(task, Parameter | Constant):
            self._seen.append(task)

    def __enter__(self) -> Any:
        if hasattr(self.manager.resource_class, "setup"):
            self.setup_task = ResourceSetupTask(**self.manager.setup_task_kwargs).bind(
                mgr=self.init_task, flow=self._flow
            )
        self._block = inside(self)
        self._block.__enter__()
        return self.setup_task

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._block is not None
        self._block.__exit__(kind, error, trace)
        if kind is not None:
            return
        flow, seen = self._flow, set(self._seen)
        cleanup = ResourceCleanupTask(**self.manager.cleanup_task_kwargs)
        if self.setup_task is None:
            cleanup.bind(mgr=self.init_task, flow=flow)
        else:
            cleanup.bind(mgr=self.init_task, resource=self.setup_task, flow=flow)
        for member in self._seen:
            upstream = flow.upstream_tasks(member)
            if self.setup_task is not None and self.setup_task not in upstream and not upstream & seen:
                member.set_upstream(self.setup_task, flow=flow)
            if not flow.downstream_tasks(member) & seen:
                cleanup.set_upstream(member, flow=flow)


class _Decorator(Protocol):
    def __call__(self, resource_class: Callable[..., Any], /) -> ResourceManager: ...


@overload
def resource_manager(resource_class: Callable[..., Any], /) -> ResourceManager: ...
@overload
def resource_manager(
    *,
    name: str | None = ...,
    init_task_kwargs: Mapping[str, Any] | None = ...,
    setup_task_kwargs: Mapping[str, Any] | None = ...,
    cleanup_task_kwargs: Mapping[str, Any] | None = ...,
) -> _Decorator: ...
def resource_manager(resource_class: Any = None, /, **options: Any) -> Any:
    """Make a resource manager of a class with `setup` and `cleanup`.

    `setup` returns the resource; `cleanup` takes it, and runs whatever the tasks inside the block did.

    Example:
        >>> from eparch import Flow, resource_manager, task
        >>> @resource_manager
        ... class Cluster:
        ...     def __init__(self, size: int) -> None:
        ...         self.size = size
        ...     def setup(self) -> str:
        ...         return f"cluster of {self.size}"
        ...     def cleanup(self, cluster: str) -> None:
        ...         print("closing the", cluster)
        >>> @task
        ... def use(cluster: str) -> str:
        ...     return f"used the {cluster}"
        >>> with Flow("work") as f:
        ...     with Cluster(3) as cluster:
        ...         used = use(cluster)
        >>> f.run().result[used].result
        closing the cluster of 3
        'used the cluster of 3'
    """
    if resource_class is None:
        return lambda cls: ResourceManager(cls, **options)
    return ResourceManager(resource_class)


def _takes_resource(manager: Any) -> bool:
    # A manager without a setup has no resource that its cleanup could take.
    return hasattr(type(manager), "setup")
