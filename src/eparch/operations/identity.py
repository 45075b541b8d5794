"""New ids and other fresh random values, for the operations that make things.

In charge of the clock and the randomness behind them; not in charge of their form (`core.ids`, `core.run_names`).
"""

import os
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from eparch.core.ids import uuid7
from eparch.core.run_names import run_name

_ENTROPY_BITS: Final = 74

# Within one millisecond the next id is larger by a random step of at most so many bits: nobody finds an id by counting
# on from its neighbour, and 2^41 of them fit.
_STEP_BITS: Final = 32


class IdMaker:
    """Makes ids of version 7, each larger than the one before, from any thread.

    Args:
        time_ns: returns the present in nanoseconds since 1970; it may step back.
        seed: what randomness starts from.
    Source: RFC 9562, section 6.2, method 2 (monotonic random).
    """

    def __init__(self, time_ns: Callable[[], int] = time.time_ns, seed: bytes | None = None) -> None:
        self._time_ns = time_ns
        self._random = random.Random(os.urandom(32) if seed is None else seed)  # noqa: S311 - an id is no secret
        self._lock = threading.Lock()
        self._last_ms = 0
        self._entropy = 0

    def next(self) -> str:
        """Return a new id."""
        with self._lock:
            now_ms = self._time_ns() // 1_000_000
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                # The topmost bit stays free, so that steps do not run over within a millisecond.
                self._entropy = self._random.getrandbits(_ENTROPY_BITS - 1)
            else:
                self._entropy += 1 + self._random.getrandbits(_STEP_BITS)
                if self._entropy >> _ENTROPY_BITS:
                    self._last_ms += 1
                    self._entropy = self._random.getrandbits(_ENTROPY_BITS - 1)
            return uuid7(self._last_ms, self._entropy)

    def random_bits(self, count: int) -> int:
        """Return a uniform random integer of `count` bits."""
        with self._lock:
            return self._random.getrandbits(count)

    def start_anew(self) -> None:
        """Take fresh randomness and a fresh lock: a forked child must not repeat what its parent makes."""
        self._lock = threading.Lock()
        self._random.seed(os.urandom(32))


_MAKER: Final = IdMaker()
os.register_at_fork(after_in_child=_MAKER.start_anew)

new_id: Final = _MAKER.next
"""Return a new id: a UUID of version 7, larger than all that this process has made before. Takes about 1 µs."""


def new_run_name() -> str:
    """Return a random name for a run, such as `brisk-otter`. Names are for people and may repeat."""
    return run_name(_MAKER.random_bits(64))
