"""What parts of the server note about their own work while they do it.

In charge of counting and of distributions, cheaply and from any thread; not in charge of how they are shown
(`server.metrics`). A figure is written thousands of times a second and read a few times a minute.
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LONG_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)


class Distribution:
    """How often values fell between bounds.

    Args:
        bounds: upper ends, included, ascending; what is above the last falls into one more class.
    """

    __slots__ = ("_counts", "_lock", "_sum", "bounds")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self._counts = [0] * (len(self.bounds) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def note(self, value: float) -> None:
        """Count one value."""
        index = bisect_left(self.bounds, value)
        with self._lock:
            self._counts[index] += 1
            self._sum += value

    def read(self) -> tuple[list[int], float]:
        """Return how many values fell into each class, and the sum of all."""
        with self._lock:
            return list(self._counts), self._sum


class Counts:
    """Counts that only grow, by label."""

    __slots__ = ("_by_label", "_lock")

    def __init__(self) -> None:
        self._by_label: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()

    def add(self, *label: str, amount: int = 1) -> None:
        """Add to the count of one label."""
        with self._lock:
            self._by_label[label] += amount

    def add_all(self, amounts: Mapping[tuple[str, ...], int]) -> None:
        """Add to several at once."""
        with self._lock:
            self._by_label.update(amounts)

    def read(self) -> dict[tuple[str, ...], int]:
        """Return all counts."""
        with self._lock:
            return dict(self._by_label)


class Distributions:
    """One distribution for each label that was seen."""

    __slots__ = ("_bounds", "_by_label")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = bounds
        self._by_label: dict[tuple[str, ...], Distribution] = {}

    def note(self, value: float, *label: str) -> None:
        """Count one value under a label."""
        found = self._by_label.get(label)
        if found is None:
            found = self._by_label.setdefault(label, Distribution(self._bounds))
        found.note(value)

    def read(self) -> dict[tuple[str, ...], Distribution]:
        """Return all distributions."""
        return dict(self._by_label)


@dataclass(slots=True)
class Notes:
    """What a transaction has to tell about itself, once it is committed.

    Attributes:
        states: how many runs entered each state, by kind of run and state.
        log_lines: how many lines were stored.
        start_delays_s: for each flow run that was taken by an agent, how long after it was due.
    """

    states: Counter[tuple[str, ...]] = field(default_factory=Counter)
    log_lines: int = 0
    start_delays_s: list[float] = field(default_factory=list)

    def note_states(self, kind: str, states: Iterable[str]) -> None:
        """Count states that runs have entered."""
        self.states.update((kind, state) for state in states)

    def add(self, other: "Notes") -> None:
        """Take over what another has to tell."""
        self.states.update(other.states)
        self.log_lines += other.log_lines
        self.start_delays_s += other.start_delays_s


@dataclass(slots=True)
class WriteFigures:
    """What the writers note.

    Attributes:
        wait_s: how long the oldest change of each batch had waited for a writer.
        batch_changes: how many changes shared a transaction.
        batch_s: how long it took from its beginning until it was committed, further attempts included.
        changes: by outcome: ok, refused (an error of the caller), unavailable (of the database), overloaded.
    """

    wait_s: Distribution = field(default_factory=Distribution)
    batch_changes: Distribution = field(default_factory=lambda: Distribution(SIZES))
    batch_s: Distribution = field(default_factory=Distribution)
    changes: Counts = field(default_factory=Counts)
    states: Counts = field(default_factory=Counts)
    log_lines: Counts = field(default_factory=Counts)
    start_delay_s: Distribution = field(default_factory=lambda: Distribution(LONG_SECONDS))

    def note_committed(self, notes: Notes) -> None:
        """Take over what a transaction has told."""
        if notes.states:
            self.states.add_all(notes.states)
        if notes.log_lines:
            self.log_lines.add(amount=notes.log_lines)
        for delay_s in notes.start_delays_s:
            self.start_delay_s.note(delay_s)


@dataclass(slots=True)
class ReadFigures:
    """What the readers note.

    Attributes:
        wait_s: how long a read waited for a thread.
        took_s: how long it took, its transaction included.
        failures: reads that the database did not answer.
    """

    wait_s: Distribution = field(default_factory=Distribution)
    took_s: Distribution = field(default_factory=Distribution)
    failures: Counts = field(default_factory=Counts)
