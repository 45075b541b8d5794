"""Results that may be used again, for runs without a server.

In charge of remembering them as long as this process lives; not in charge of judging them (`caching`).
"""

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Protocol

from eparch.sdk.states import Cached
from eparch.sdk.tasks import Task


class Caches(Protocol):
    """Where earlier results are looked for."""

    def candidates(self, task: Task, slug: str) -> Iterable[Cached]:
        """Return earlier results of a task, or of those with its cache key, newest first."""
        ...

    def keep(self, task: Task, slug: str, state: Cached) -> None:
        """Remember a result."""
        ...


class MemoryCaches:
    """Results of runs in this process."""

    def __init__(self) -> None:
        self._states: defaultdict[tuple[str, str], list[Cached]] = defaultdict(list)
        self._lock = threading.Lock()

    def of_flow(self, flow_name: str) -> "FlowCaches":
        """Return the results that tasks of one flow may use."""
        return FlowCaches(self, flow_name)

    def found(self, key: tuple[str, str]) -> list[Cached]:
        """Return what is kept under a key, newest first, and forget what has expired."""
        now = datetime.now(UTC)
        with self._lock:
            kept = [
                state
                for state in self._states[key]
                if state.cached_result_expiration is None or state.cached_result_expiration > now
            ]
            self._states[key] = kept
            return kept[::-1]

    def keep(self, key: tuple[str, str], state: Cached) -> None:
        """Keep a result under a key."""
        with self._lock:
            self._states[key].append(state)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._states.clear()


class FlowCaches:
    """The results that tasks of one flow may use: their own, and those under their cache keys."""

    def __init__(self, caches: MemoryCaches, flow_name: str) -> None:
        self._caches = caches
        self._flow_name = flow_name

    def candidates(self, task: Task, slug: str) -> list[Cached]:
        """Return earlier results of a task, newest first."""
        return self._caches.found(self._key(task, slug))

    def keep(self, task: Task, slug: str, state: Cached) -> None:
        """Remember a result."""
        self._caches.keep(self._key(task, slug), state)

    def _key(self, task: Task, slug: str) -> tuple[str, str]:
        # A key is shared by all flows; a slug means something in its flow only.
        return ("", task.cache_key) if task.cache_key else (self._flow_name, slug)


memory: Final = MemoryCaches()
