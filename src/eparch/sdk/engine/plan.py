"""A flow as the engine reads it: steps with numbers, in an order in which they can be worked off.

In charge of compiling a graph once before a run; not in charge of anything that changes during the run (`machine`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eparch.sdk import edges
from eparch.sdk.states import Looped, Mapped, State
from eparch.sdk.tasks import Task

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow


@dataclass(frozen=True, slots=True)
class Input:
    """An edge, seen from its downstream step.

    Attributes:
        upstream: the number of the step that is waited for.
        is_by_child: whether child i waits only for child i of the upstream step: both are mapped, and nothing is
            flattened in between.
    """

    upstream: int
    key: str | None
    is_mapped: bool
    is_flattened: bool
    is_by_child: bool
    edge: edges.Edge


@dataclass(frozen=True, slots=True)
class Step:
    """A task in the plan.

    Attributes:
        index: its number; every step has a higher one than all that it waits for.
        inputs: its incoming edges.
        downstream: the numbers of the steps that wait for it, each once.
        is_mapped: whether it becomes one child for each item.
        constants: arguments that are plain values.
    """

    index: int
    task: Task
    slug: str
    inputs: tuple[Input, ...]
    downstream: tuple[int, ...]
    is_mapped: bool
    constants: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A flow, ready to be run.

    Attributes:
        steps: in order; the number of a step is its place.
        references: the numbers of the steps that decide the state of the flow.
        by_task: the number of each task's step.
    """

    steps: tuple[Step, ...]
    references: tuple[int, ...]
    by_task: dict[Task, int]


def compiled(flow: "Flow") -> Plan:
    """Return a flow as a plan.

    Raises:
        FlowError: the flow is not valid.
    """
    flow.validate()
    graph = flow.graph
    order = graph.ordered()
    number = {task: index for index, task in enumerate(order)}
    mapped = {edge.downstream_task for edge in graph.edges if edge.mapped}
    steps = []
    for index, task in enumerate(order):
        inputs = tuple(
            Input(
                number[edge.upstream_task],
                edge.key,
                edge.mapped,
                edge.flattened,
                edge.mapped and not edge.flattened and edge.upstream_task in mapped,
                edge,
            )
            for edge in graph.edges_to(task)
        )
        downstream = sorted({number[edge.downstream_task] for edge in graph.edges_from(task)})
        constants = dict(graph.constants.get(task, {}))
        steps.append(Step(index, task, graph.tasks[task], inputs, tuple(downstream), task in mapped, constants))
    return Plan(tuple(steps), tuple(sorted(number[task] for task in flow.reference_tasks())), number)


def is_settled(state: State | None) -> bool:
    """Return whether a state from before lets its step be taken as done.

    A mapped step is done only with its children, and a loop only with its last iteration.
    """
    return state is not None and state.is_finished() and not isinstance(state, Mapped | Looped)
