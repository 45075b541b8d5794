"""The tasks and edges of a flow, and how they come into it.

In charge of building: tasks, arguments that become edges or constants, blocks; not in charge of the graph's own rules
(`graph`) nor of what else a flow has and can do (`flows`).
"""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

from eparch.sdk import flow_checks
from eparch.sdk.arguments import as_task, check_can_be_mapped, holds_task
from eparch.sdk.building import building, current_blocks
from eparch.sdk.edges import Annotated, Edge
from eparch.sdk.errors import ArgumentError, FlowError
from eparch.sdk.graph import Graph
from eparch.sdk.parameters import Parameter
from eparch.sdk.tasks import Task


class FlowGraph:
    """What is in a flow. Use `Flow`.

    Attributes:
        name: what the flow is called.
        graph: its tasks and edges.
        source_path: the file it is written in; None in a notebook or at a prompt.
    """

    def __init__(self, name: str, validate: bool = False) -> None:
        if not isinstance(name, str) or not name.strip():
            raise FlowError(f"A flow is called by text, not {name!r}.")
        self.name = name
        self.source_path = _source_path()
        self.graph = Graph()
        self._references: list[Task] | None = None
        self._validates = validate
        self._made: list[Parameter] = []
        self._building: AbstractContextManager[None] | None = None

    # ---- what is in it ----

    @property
    def tasks(self) -> set[Task]:
        """All its tasks."""
        return set(self.graph.tasks)

    @property
    def edges(self) -> set[Edge]:
        """All its edges."""
        return set(self.graph.edges)

    @property
    def slugs(self) -> dict[Task, str]:
        """The slug of each task: unique in the flow, and the same at each registration of unchanged code."""
        return self.graph.tasks

    @property
    def constants(self) -> Mapping[Task, dict[str, Any]]:
        """For each task the arguments that are plain values, by name."""
        return self.graph.constants

    def parameters(self) -> set[Parameter]:
        """Return its parameters."""
        return {task for task in self.graph.tasks if isinstance(task, Parameter)}

    def get_tasks(
        self,
        name: str | None = None,
        slug: str | None = None,
        tags: Iterable[str] | None = None,
        task_type: type[Task] | None = None,
    ) -> list[Task]:
        """Return the tasks for which everything given is true, in the order in which they were added."""
        wanted = set(tags or ())
        return [
            task
            for task, own in self.graph.tasks.items()
            if (name is None or task.name == name)
            and (slug is None or own == slug)
            and wanted <= task.tags
            and (task_type is None or isinstance(task, task_type))
        ]

    def edges_to(self, task: Task) -> set[Edge]:
        """Return the edges by which a task waits for others."""
        return set(self.graph.edges_to(task))

    def edges_from(self, task: Task) -> set[Edge]:
        """Return the edges by which others wait for a task."""
        return set(self.graph.edges_from(task))

    def upstream_tasks(self, task: Task) -> set[Task]:
        """Return the tasks that a task waits for."""
        return {edge.upstream_task for edge in self.graph.edges_to(task)}

    def downstream_tasks(self, task: Task) -> set[Task]:
        """Return the tasks that wait for a task."""
        return {edge.downstream_task for edge in self.graph.edges_from(task)}

    def root_tasks(self) -> set[Task]:
        """Return the tasks that wait for no other."""
        return {task for task in self.graph.tasks if not self.graph.edges_to(task)}

    def terminal_tasks(self) -> set[Task]:
        """Return the tasks that no other waits for."""
        return {task for task in self.graph.tasks if not self.graph.edges_from(task)}

    def sorted_tasks(self) -> tuple[Task, ...]:
        """Return the tasks, each after all that it waits for."""
        return tuple(self.graph.ordered())

    def reference_tasks(self) -> set[Task]:
        """Return the tasks whose states decide the flow's: those set, or the last ones, clean-ups left out."""
        if self._references is not None:
            return set(self._references)
        from eparch.sdk.resource_managers import ResourceCleanupTask

        return set(self.graph.without(task for task in self.graph.tasks if isinstance(task, ResourceCleanupTask)))

    def set_reference_tasks(self, tasks: Iterable[Task]) -> None:
        """Let these tasks decide the state of the flow; an empty list goes back to the last ones.

        Raises:
            FlowError: one of them is not in the flow.
        """
        given = list(tasks)
        for task in given:
            if task not in self.graph.tasks:
                raise FlowError(f"{task!r} cannot decide the state of flow {self.name!r}: it is not in it.")
        self._references = given or None

    @property
    def has_reference_tasks(self) -> bool:
        """Whether the tasks that decide the flow's state were set."""
        return self._references is not None

    # ---- building it ----

    def add_task(self, task: Task) -> Task:
        """Add a task as it is, unless it is there; return it."""
        if not isinstance(task, Task):
            raise ArgumentError(
                f"Flow {self.name!r} takes tasks, not {task!r}.", hint="decorate the function with @task"
            )
        if self.graph.add_task(task):
            for block in current_blocks():
                block.saw(task, self)
        return task

    def add_edge(
        self,
        upstream_task: Task,
        downstream_task: Task,
        key: str | None = None,
        mapped: bool = False,
        validate: bool | None = None,
        flattened: bool = False,
    ) -> Edge:
        """Let one task wait for another, both added if need be; return the edge."""
        self.add_task(upstream_task)
        self.add_task(downstream_task)
        edge = Edge(upstream_task, downstream_task, key, mapped, flattened)
        flow_checks.edge(edge)
        self.graph.add_edge(edge)
        if self._validates if validate is None else validate:
            self.validate()
        return edge

    def chain(self, *tasks: Task) -> list[Edge]:
        """Let each of the tasks wait for the one before it; return the edges."""
        return [self.add_edge(one, next_one) for one, next_one in pairwise(tasks)]

    def set_dependencies(
        self,
        task: Task,
        upstream_tasks: Iterable[Any] | None = None,
        downstream_tasks: Iterable[Task] | None = None,
        keyword_tasks: Mapping[str, Any] | None = None,
        mapped: bool = False,
        validate: bool | None = None,
    ) -> None:
        """Tie a task to others: what it waits for, what waits for it, whose results or which values it takes by name.

        Args:
            mapped: whether what is not said to be `unmapped` is mapped over.
        """
        self.add_task(task)
        for upstream in upstream_tasks or ():
            self._tie(task, None, upstream, mapped)
        for downstream in downstream_tasks or ():
            self.add_edge(task, downstream, validate=False)
        for key, value in (keyword_tasks or {}).items():
            self._tie(task, key, value, mapped)
        if self._validates if validate is None else validate:
            self.validate()

    def update(self, flow: "FlowGraph", merge_parameters: bool = False) -> None:
        """Add all tasks and edges of another flow to this one.

        Args:
            merge_parameters: whether a parameter of the same name is taken for the same one.
        """
        same = {parameter.name: parameter for parameter in self.parameters()} if merge_parameters else {}
        stand_in = {
            task: same.get(task.name, task) if isinstance(task, Parameter) else task for task in flow.graph.tasks
        }
        for task in stand_in.values():
            self.add_task(task)
        for edge in flow.graph.edges:
            up, down = stand_in[edge.upstream_task], stand_in[edge.downstream_task]
            self.add_edge(up, down, edge.key, edge.mapped, validate=False, flattened=edge.flattened)
        for task, values in flow.graph.constants.items():
            self.graph.constants[task].update(values)

    def note_made(self, parameter: Parameter) -> None:
        """Remember a parameter that was made inside the `with` block, to warn when it is never used."""
        self._made.append(parameter)

    def __enter__(self) -> Self:
        self._building = building(self)
        self._building.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._building is not None
        self._building.__exit__(kind, error, trace)
        self._building = None
        if kind is None:
            unused = [parameter.name for parameter in self._made if parameter not in self.graph.tasks]
            if unused:
                warnings.warn(
                    f"Flow {self.name!r} never uses the parameters {', '.join(unused)}; "
                    f"to have one all the same, call it: Parameter({unused[0]!r})().",
                    stacklevel=2,
                )
        self._made.clear()

    def validate(self) -> None:
        """Do nothing, or say what is wrong with the flow as a whole.

        Raises:
            FlowError: it has a cycle, or a mapped task whose arguments are all unmapped.
        """
        self.graph.ordered()
        flow_checks.whole(self)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.graph.ordered())

    def __contains__(self, task: object) -> bool:
        return task in self.graph.tasks

    def __repr__(self) -> str:
        return f"<Flow: name={self.name!r}>"

    def _tie(self, task: Task, key: str | None, value: Any, mapped: bool) -> None:
        """Make an edge, or a constant, of one argument."""
        flattened = False
        if isinstance(value, Annotated):
            mapped = mapped if value.is_mapped is None else value.is_mapped
            flattened, value = value.is_flattened, value.value
        if key is not None and not mapped and not flattened and not holds_task(value):
            self.graph.constants[task][key] = value
            return
        if mapped and not holds_task(value):
            check_can_be_mapped(task.name, key, value)
        upstream = as_task(value, self)
        self.add_edge(upstream, task, key, mapped, validate=False, flattened=flattened)


def _source_path() -> str | None:
    """Return the file whose code is making a flow: the first on the stack that is not of this library."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("eparch.sdk"):
        frame = frame.f_back
    path = frame.f_globals.get("__file__")
    # A notebook's cell has a name that is no file.
    return os.path.abspath(path) if isinstance(path, str) and path.endswith(".py") and os.path.isfile(path) else None
