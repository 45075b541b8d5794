"""What a task run is given: the states before it and the values of its arguments.

In charge of widths, items and flattening; not in charge of when a run is ready (`machine`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from eparch.sdk.edges import Edge
from eparch.sdk.engine.plan import Input, Step
from eparch.sdk.states import Failed, Mapped, State

UNMAPPABLE: Final = "At least one upstream state has an unmappable result."
NOTHING_TO_MAP: Final = "No upstream states can be mapped over."


class Feed:
    """The inputs of one step, with what is the same for all its children worked out once.

    Attributes:
        width: how many children the step has; None where it is not mapped.
        refusal: why a mapped step cannot have children, None where it can.
    """

    __slots__ = ("_common", "_common_states", "_flat", "_items", "_wholes", "refusal", "step", "width")

    def __init__(self, step: Step, upstream: Mapping[int, State]) -> None:
        self.step = step
        self._flat: dict[Input, list[tuple[Any, State]]] = {}
        self.width: int | None = None
        self.refusal: State | None = None
        self._common: dict[str, Any] | None = None
        self._common_states: dict[Edge, State] = {}
        self._items: list[tuple[Input, State]] = []
        # Of mapped inputs that are no mapped steps themselves, the result that the items are taken from.
        self._wholes: dict[Input, Any] = {}
        for given in step.inputs:
            if given.is_mapped:
                self._items.append((given, upstream[given.upstream]))
            else:
                self._common_states[given.edge] = upstream[given.upstream]
        if step.is_mapped:
            try:
                self._measure()
            except Exception as error:
                self.refusal = unreadable(step, error)

    @property
    def common_states(self) -> Mapping[Edge, State]:
        """The states before every child alike; of a step that is not mapped, all."""
        return self._common_states

    def states(self, map_index: int) -> dict[Edge, State]:
        """Return the states before one run; `map_index` is -1 for a step that is not mapped."""
        if map_index < 0:
            return self._common_states
        found = dict(self._common_states)
        for given, state in self._items:
            found[given.edge] = self._state_of_item(given, state, map_index)
        return found

    def item_states(self, map_index: int) -> list[State]:
        """Return the states before one child that other children do not share."""
        return [self._state_of_item(given, state, map_index) for given, state in self._items]

    def values(self, map_index: int) -> dict[str, Any]:
        """Return the arguments of one run, by name, as a dictionary of its own.

        Raises:
            Exception: a result that is kept elsewhere cannot be read.
        """
        found = dict(self._common_values())
        for given, state in self._items:
            if given.key is None:
                continue
            if given.is_flattened:
                found[given.key] = self._flattened(given, state)[map_index][0]
            elif isinstance(state, Mapped):
                found[given.key] = state.map_states[map_index].result
            else:
                # What has failed has no items; its error stands for each of them.
                found[given.key] = self._wholes[given][map_index] if state.is_successful() else state.result
        return found

    def _common_values(self) -> dict[str, Any]:
        if self._common is None:
            self._common = dict(self.step.constants)
            for given in self.step.inputs:
                if given.key is None or given.is_mapped:
                    continue
                state = self._common_states[given.edge]
                self._common[given.key] = (
                    [value for value, _ in self._flattened(given, state)] if given.is_flattened else state.result
                )
        return self._common

    def _measure(self) -> None:
        widths = []
        for given, state in self._items:
            if not state.is_successful():
                continue
            if given.is_flattened:
                widths.append(len(self._flattened(given, state)))
            elif isinstance(state, Mapped):
                widths.append(len(state.map_states))
            elif is_mappable(state.result):
                self._wholes[given] = state.result
                widths.append(len(state.result))
            else:
                self.refusal = Failed(UNMAPPABLE)
                return
        if not widths:
            self.refusal = Failed(NOTHING_TO_MAP)
            return
        self.width = min(widths)

    def _state_of_item(self, given: Input, state: State, map_index: int) -> State:
        if given.is_flattened:
            return self._flattened(given, state)[map_index][1]
        if isinstance(state, Mapped):
            child: State = state.map_states[map_index]
            return child
        return state

    def _flattened(self, given: Input, state: State) -> list[tuple[Any, State]]:
        """Return the items of a result without their outer level, each with the state that it comes from."""
        if given not in self._flat:
            sources: Iterable[tuple[Any, State]]
            if isinstance(state, Mapped):
                sources = [(child.result, child) for child in state.map_states]
            else:
                whole = state.result
                sources = [(member, state) for member in whole] if _has_items(whole) else [(whole, state)]
            self._flat[given] = [
                (inner, source)
                for member, source in sources
                for inner in (member if source.is_successful() and _has_items(member) else (member,))
            ]
        return self._flat[given]


def unreadable(step: Step, error: Exception) -> State:
    """Return the state of a run whose inputs cannot be had: a result is kept elsewhere and cannot be read."""
    return Failed(f"The inputs of task {step.task.name!r} cannot be had: {error}", result=error)


def is_mappable(value: Any) -> bool:
    """Return whether a value has items that are found by number.

    Example:
        >>> is_mappable([1]), is_mappable(range(3)), is_mappable({"a": 1}), is_mappable({1, 2}), is_mappable(None)
        (True, True, False, False, False)
    """
    return hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, Mapping)


def _has_items(value: Any) -> bool:
    # A text is one thing; so are the pairs of a dictionary.
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
