"""The tasks of a flow and the edges between them.

In charge of what is in the graph, of unique slugs and of the order in which it can be worked off; not in charge of
turning arguments into edges (`flow_graph`) nor of running anything.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from eparch.sdk.edges import Edge
from eparch.sdk.errors import FlowError
from eparch.sdk.tasks import Task


class Graph:
    """Tasks, in the order in which they were added, and edges.

    Attributes:
        tasks: each task with its slug; ordered.
        edges: without order.
        constants: for each task the arguments that are plain values, by name.
    """

    def __init__(self) -> None:
        self.tasks: dict[Task, str] = {}
        self.edges: dict[Edge, None] = {}
        self.constants: defaultdict[Task, dict[str, Any]] = defaultdict(dict)
        self._by_slug: dict[str, Task] = {}
        self._edges_to: defaultdict[Task, dict[Edge, None]] = defaultdict(dict)
        self._edges_from: defaultdict[Task, dict[Edge, None]] = defaultdict(dict)

    def add_task(self, task: Task) -> bool:
        """Add a task, unless it is there; return whether it was added.

        Raises:
            FlowError: another task has its slug.
        """
        if task in self.tasks:
            return False
        slug = task.slug or self._free_slug(task)
        if slug in self._by_slug:
            raise FlowError(
                f"A task with the slug {slug!r} already exists in this flow.",
                hint="use one and the same Parameter object, or another slug",
            )
        self.tasks[task] = slug
        self._by_slug[slug] = task
        return True

    def add_edge(self, edge: Edge) -> None:
        """Add an edge between two tasks of the graph, unless it is there.

        Raises:
            FlowError: its key has a value already, or is no parameter of the downstream task.
        """
        if edge in self.edges:
            return
        for other in self._edges_to[edge.downstream_task]:
            if edge.key is not None and other.key == edge.key:
                raise FlowError(
                    f"Argument {edge.key!r} of task {edge.downstream_task.name!r} already comes from another task."
                )
        self.constants[edge.downstream_task].pop(edge.key or "", None)
        self.edges[edge] = None
        self._edges_to[edge.downstream_task][edge] = None
        self._edges_from[edge.upstream_task][edge] = None

    def remove_edge(self, edge: Edge) -> None:
        """Take an edge away."""
        del self.edges[edge], self._edges_to[edge.downstream_task][edge], self._edges_from[edge.upstream_task][edge]

    def edges_to(self, task: Task) -> list[Edge]:
        """Return the edges that end at a task, in the order in which they were added."""
        return list(self._edges_to.get(task, ()))

    def edges_from(self, task: Task) -> list[Edge]:
        """Return the edges that start at a task, in the order in which they were added."""
        return list(self._edges_from.get(task, ()))

    def task_of(self, slug: str) -> Task | None:
        """Return the task with this slug, None where there is none."""
        return self._by_slug.get(slug)

    def without(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks that nothing waits for, if `tasks` were not in the graph."""
        gone = set(tasks)
        return [
            task
            for task in self.tasks
            if task not in gone and all(edge.downstream_task in gone for edge in self._edges_from.get(task, ()))
        ]

    def ordered(self) -> list[Task]:
        """Return the tasks, each after all that it waits for; otherwise in the order in which they were added.

        Raises:
            FlowError: there is a cycle; the message names its tasks.
        """
        waiting = {task: len(self._edges_to.get(task, ())) for task in self.tasks}
        ready = [task for task, count in waiting.items() if not count]
        order: list[Task] = []
        for task in ready:  # grows while it is read
            order.append(task)
            for edge in self._edges_from.get(task, ()):
                waiting[edge.downstream_task] -= 1
                if not waiting[edge.downstream_task]:
                    ready.append(edge.downstream_task)
        if len(order) < len(self.tasks):
            raise FlowError(
                f"Cycle found; flows must be acyclic: {self._cycle({task for task in waiting if waiting[task]})}."
            )
        return order

    def _free_slug(self, task: Task) -> str:
        stem = "-".join([task.name, *sorted(task.tags)])
        number = 1
        while (slug := f"{stem}-{number}") in self._by_slug:
            number += 1
        return slug

    def _cycle(self, candidates: set[Task]) -> str:
        """Return a cycle among the tasks that no order was found for, as text."""
        task, path = next(iter(candidates)), list[Task]()
        while task not in path:
            path.append(task)
            # Each of them still waits for another one of them; going upstream must come back.
            task = next(edge.upstream_task for edge in self._edges_to[task] if edge.upstream_task in candidates)
        ring = path[path.index(task) :][::-1]
        first = min(range(len(ring)), key=lambda place: list(self.tasks).index(ring[place]))
        ring = [*ring[first:], *ring[: first + 1]]
        return " -> ".join(self.tasks[member] for member in ring)
