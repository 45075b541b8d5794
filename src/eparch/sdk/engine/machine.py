"""What is ready, and what follows when something ends: the state machine of one flow run.

In charge of order; not in charge of what a run becomes (`decisions`), of its arguments (`inputs`), nor of running it.
It has no clock: instants are passed in. An event costs the same however many runs there are, so that 10,000 children of
a mapped task cost 10,000 times a constant; ready children are kept as a span of numbers, not one by one.

A step is blocked by each step before it until that one has ended. A mapped step that takes the children of another one
one by one is blocked only until it is known how many they are; then each of its children waits for its own.

    blocked -> begun -> ready -> handed out -> ended             and from handed out also -> waiting for an instant
                     -> its children, each: ready -> ...                                  -> paused, for somebody
"""

import heapq
from collections import deque
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import Struct

from eparch.sdk.engine import decisions
from eparch.sdk.engine.inputs import Feed
from eparch.sdk.engine.plan import Plan, Step, is_settled
from eparch.sdk.states import Mapped, Pending, Queued, Running, Scheduled, State, Submitted

# How many of a line ask again at a time: where slots are few, more would ask in vain.
_CALLED_MAX: Final = 32


class Ready(Struct, frozen=True):
    """A run that may start: a step, or child `map_index` of a mapped one (-1 for a step that is not mapped).

    Attributes:
        before: the state it goes on from; None at its first attempt.
    """

    step: Step
    map_index: int
    before: State | None = None


@dataclass(slots=True)
class _Span:
    """Children that may start, none of which has a state yet."""

    step: Step
    start: int
    stop: int


class Machine:
    """The progress of one flow run.

    Args:
        known: states from before, by number of step: finished steps are not run again.
        known_children: of mapped steps the states of their children, by number.

    Attributes:
        states: the state of each step; None before it has one.
        paused: the runs that wait for somebody, with their states.
        running_count: how many runs are handed out.
    """

    def __init__(
        self,
        plan: Plan,
        known: Mapping[int, State] | None = None,
        known_children: Mapping[int, Mapping[int, State]] | None = None,
    ) -> None:
        self.plan = plan
        self.states: list[State | None] = [None] * len(plan.steps)
        self.paused: dict[tuple[int, int], State] = {}
        self.running_count = 0
        self._known = dict(known or {})
        self._known_children = {index: dict(children) for index, children in (known_children or {}).items()}
        self._feeds: dict[int, Feed] = {}
        self._blockers = [len({given.upstream for given in step.inputs}) for step in plan.steps]
        self._children_left: dict[int, int] = {}
        self._has_ended = [False] * len(plan.steps)
        self._ready: deque[Ready | _Span] = deque()
        # (instant, tie-breaker, run); the tie-breaker keeps the heap from comparing runs.
        # Where no slot is free: the runs of a step that have asked, in line, and those that need not ask before them.
        self._lines: dict[int, deque[tuple[datetime, Ready]]] = {}
        self._held: dict[int, list[Ready | _Span]] = {}
        self._called: deque[Ready] = deque()
        self._waiting: list[tuple[datetime, int, Ready]] = []
        self._waits_count = 0
        self._is_stopped = False
        self._news: list[tuple[Step, State]] = []
        # Beginning one step may open others; a queue instead of recursion bears chains of any length.
        self._to_begin = deque(step for step in plan.steps if not self._blockers[step.index])
        self._begin_all()

    # ---- what is asked of it ----

    def take(self, count: int) -> list[Ready]:
        """Return up to `count` runs that may start now; each is handed out once, and must end."""
        taken: list[Ready] = []
        while self._called and len(taken) < count:
            taken.append(self._called.popleft())
        while self._ready and len(taken) < count:
            first = self._ready[0]
            if first.step.index in self._lines:
                self._held.setdefault(first.step.index, []).append(first)
                self._ready.popleft()
                continue
            if isinstance(first, Ready):
                taken.append(first)
                self._ready.popleft()
                continue
            stop = min(first.stop, first.start + count - len(taken))
            taken += [Ready(first.step, index) for index in range(first.start, stop)]
            first.start = stop
            if stop == first.stop:
                self._ready.popleft()
        self.running_count += len(taken)
        return taken

    def take_news(self) -> list[tuple[Step, State]]:
        """Return the steps that got a state without being handed out, each once: mapped ones, and those refused."""
        news, self._news = self._news, []
        return news

    def feed(self, step: Step) -> Feed:
        """Return the inputs of a step that has begun."""
        return self._feeds[step.index]

    def wakes_at(self) -> datetime | None:
        """Return the instant at which the next waiting run is due, None where none waits for an instant."""
        instants = [line[0][0] for line in self._lines.values()]
        return min([*instants, *(entry[0] for entry in self._waiting[:1])], default=None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is ready, handed out, or waiting for an instant."""
        return not self.running_count and not self.has_ready and not self._waiting and not self._lines

    @property
    def has_ready(self) -> bool:
        """Whether a run may start now."""
        return bool(self._ready or self._called)

    def unfinished_count(self) -> int:
        """Return how many runs wait for an instant or for somebody."""
        return len(self.paused) + len(self._waiting) + sum(len(line) for line in self._lines.values())

    # ---- what it is told ----

    def ended(self, run: Ready, state: State) -> None:
        """Take note of what a run that was handed out has become.

        A finished state ends it; a Scheduled or Queued one lets it wait for its instant, a Paused one for somebody.
        With a Running one it is left to whoever else runs it.
        """
        self.running_count -= 1
        self._set(run.step, run.map_index, state)
        if self._is_stopped:
            return
        if state.is_finished():
            self._end(run.step, run.map_index)
            self._begin_all()
        else:
            self._offer(run.step, run.map_index, state)

    def wake(self, now: datetime) -> None:
        """Make the waiting runs ready that are due."""
        while self._waiting and self._waiting[0][0] <= now:
            self._ready.append(heapq.heappop(self._waiting)[2])
        for index in list(self._lines):
            self._call(index, _CALLED_MAX, now)

    def freed(self, tags: Set[str]) -> None:
        """A run with these tags has ended, so that a slot may be free: the first in each line that shares one asks."""
        for index in list(self._lines):
            if tags & self.plan.steps[index].task.tags:
                self._call(index, 1, None)

    def stop(self) -> None:
        """Hand out nothing more: the flow run is being cancelled."""
        self._is_stopped = True
        for kept in (self._ready, self._called, self._waiting, self._lines, self._held):
            kept.clear()

    # ---- how it goes on ----

    def _begin_all(self) -> None:
        while self._to_begin:
            self._begin(self._to_begin.popleft())

    def _begin(self, step: Step) -> None:
        """Nothing blocks a step any more: it is ready, or becomes its children, or was done before."""
        known = self._known.get(step.index)
        if known is not None and is_settled(known):
            self.states[step.index] = known
            self._end(step, -1)
            return
        upstream = {given.upstream: self._state(given.upstream) for given in step.inputs}
        refusal = decisions.skips_whole_map(step.task, upstream.values()) if step.is_mapped else None
        if refusal is None:
            feed = self._feeds[step.index] = Feed(step, upstream)
            refusal = feed.refusal
            if refusal is None:
                if feed.width is None:
                    self._offer(step, -1, known)
                else:
                    self._grow(step, feed.width)
                return
        self.states[step.index] = refusal
        self._news.append((step, refusal))
        self._end(step, -1)

    def _grow(self, step: Step, width: int) -> None:
        """A mapped step becomes its children."""
        state = Mapped("Ready to proceed with mapping.", map_states=[None] * width, n_map_states=width)
        self.states[step.index] = state
        self._news.append((step, state))
        known = self._known_children.get(step.index, {})
        for index, child in known.items():
            if index < width and is_settled(child):
                state.map_states[index] = child
        self._children_left[step.index] = state.map_states.count(None)
        if known or any(self._is_growing(given.upstream) for given in step.inputs if given.is_by_child):
            for index, child in enumerate(state.map_states):
                if child is None and self._is_child_open(step, index):
                    self._offer(step, index, known.get(index))
        elif width:
            self._ready.append(_Span(step, 0, width))
        for below in step.downstream:
            self._unblock(self.plan.steps[below], step.index, has_ended=False)
        if not self._children_left[step.index]:
            self._end(step, -1)

    def _call(self, index: int, count: int, now: datetime | None) -> None:
        """Let the first in the line of a step ask again, where their time has come or no time is given."""
        line = self._lines[index]
        while line and count and (now is None or line[0][0] <= now):
            self._called.append(line.popleft()[1])
            count -= 1
        if not line:
            del self._lines[index]
            self._ready.extendleft(reversed(self._held.pop(index, [])))

    def _offer(self, step: Step, map_index: int, state: State | None) -> None:
        """Let a run go on from a state: now, at the instant that the state names, or when somebody resumes it."""
        run = Ready(step, map_index, _unwrapped(state))
        if isinstance(state, Running):
            self._set(step, map_index, state)
            self.paused[step.index, map_index] = state
        elif isinstance(state, Queued) and state.start_time is not None:
            self._lines.setdefault(step.index, deque()).append((state.start_time, run))
        elif not isinstance(state, Scheduled | Queued):
            self._ready.append(run)
        elif state.start_time is None:
            self._set(step, map_index, state)
            self.paused[step.index, map_index] = state
        else:
            self._waits_count += 1
            heapq.heappush(self._waiting, (state.start_time, self._waits_count, run))

    def _end(self, step: Step, map_index: int) -> None:
        """A step or a child has ended: open what waited for it."""
        if map_index >= 0:
            for below in step.downstream:
                self._open_child(self.plan.steps[below], step.index, map_index)
            self._children_left[step.index] -= 1
            if self._children_left[step.index]:
                return
        self._has_ended[step.index] = True
        for below in step.downstream:
            self._unblock(self.plan.steps[below], step.index, has_ended=True)

    def _unblock(self, step: Step, upstream: int, *, has_ended: bool) -> None:
        """A step before `step` has ended, or it is known how many children it has."""
        goes_by_child = isinstance(self.states[upstream], Mapped) and all(
            given.is_by_child for given in step.inputs if given.upstream == upstream
        )
        # Going child by child it was opened when the children grew, and is not opened again at their end.
        if goes_by_child is has_ended:
            return
        self._blockers[step.index] -= 1
        if not self._blockers[step.index]:
            self._to_begin.append(step)

    def _open_child(self, step: Step, upstream: int, map_index: int) -> None:
        """Child `map_index` of a step before `step` has ended."""
        state = self.states[step.index]
        if not isinstance(state, Mapped) or not any(
            given.is_by_child and given.upstream == upstream for given in step.inputs
        ):
            return
        if map_index >= len(state.map_states) or state.map_states[map_index] is not None:
            return
        if self._is_child_open(step, map_index):
            known = self._known_children.get(step.index, {})
            self._offer(step, map_index, known.get(map_index))

    def _is_child_open(self, step: Step, map_index: int) -> bool:
        for given in step.inputs:
            if given.is_by_child:
                state = self.states[given.upstream]
                if isinstance(state, Mapped) and not _is_finished(state.map_states[map_index]):
                    return False
        return True

    def _is_growing(self, index: int) -> bool:
        return isinstance(self.states[index], Mapped) and not self._has_ended[index]

    def _set(self, step: Step, map_index: int, state: State) -> None:
        if map_index < 0:
            self.states[step.index] = state
        else:
            mapped = self.states[step.index]
            assert isinstance(mapped, Mapped)
            mapped.map_states[map_index] = state

    def _state(self, index: int) -> State:
        state = self.states[index]
        assert state is not None, f"step {index} has no state yet"
        return state


def _is_finished(state: State | None) -> bool:
    return state is not None and state.is_finished()


def _unwrapped(state: State | None) -> State | None:
    """Return what a run goes on from: without the wrapping of an agent or a queue; a plain Pending says nothing."""
    if isinstance(state, Submitted | Queued):
        return _unwrapped(state.state)
    return None if state is None or type(state) is Pending else state
