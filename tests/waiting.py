"""In charge of waiting for a condition of another process, up to a deadline; not in charge of what the condition is."""

import time
from collections.abc import Callable
from typing import TypeVar

_PAUSE_S = 0.05

Value = TypeVar("Value")


def wait_until(condition: Callable[[], Value], what: str, deadline_s: float = 60.0) -> Value:
    """Return the first true value of `condition`, asked again and again.

    Args:
        condition: asked at once and then every few hundredths of a second; what it raises is passed on.
        what: the awaited fact in words, for the message.
        deadline_s: how long to go on asking.
    Raises:
        TimeoutError: there was no true value before the deadline; the message has the last one.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {deadline_s:g} s in vain for {what}; last answer: {value!r}")
        time.sleep(_PAUSE_S)
