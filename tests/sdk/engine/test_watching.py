"""A run is interrupted from beside it in the middle of a task, and never once it is over."""

import signal
import threading
import time
from types import FrameType

import pytest

from eparch.sdk.engine import watching
from eparch.sdk.engine.watching import Interrupter


def interrupted(interrupter: Interrupter) -> int:
    """Return how often the main thread is interrupted when another one asks for it."""
    count = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1

    before = signal.signal(signal.SIGINT, note)
    try:
        asker = threading.Thread(target=interrupter.interrupt)
        asker.start()
        asker.join()
        # A signal is handled between two steps of this thread.
        time.sleep(0)
    finally:
        signal.signal(signal.SIGINT, before)
    return count


def test_a_run_that_does_not_notice_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_NOTICE_S", 0.0)
    assert interrupted(Interrupter(threading.Event())) == 1


def test_a_run_that_has_noticed_is_not() -> None:
    noticed = threading.Event()
    noticed.set()
    assert interrupted(Interrupter(noticed)) == 0


def test_a_run_that_is_over_is_not_interrupted_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_NOTICE_S", 0.0)
    noticed = threading.Event()
    interrupter = Interrupter(noticed)
    interrupter.end()
    # As for one who has waited for it in vain just before.
    noticed.clear()
    assert interrupted(interrupter) == 0
