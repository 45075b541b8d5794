"""In charge of the processes of the demo: starting them, waiting for them, and ending every one of them.

Not in charge of what they are.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from eparch.core.errors import EparchError

_PAUSE_S: Final = 0.1
_STOP_S_MAX: Final = 20.0


class DemoError(EparchError):
    """The demo cannot go on; the message says why and which log tells more."""


class Child:
    """A process in a session of its own, so that Ctrl-C reaches the demo alone and it can end its children in order."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the words are ours
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def check_alive(self) -> None:
        """Raise DemoError if the process has ended by itself."""
        code = self._process.poll()
        if code is not None:
            raise DemoError(f"The {self.name} ended with code {code}.", hint=f"its log is {self.log}")

    def stop(self) -> None:
        """End the process and those that it has started."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S_MAX)
        self._signal(signal.SIGKILL)  # what it has started and left behind, or itself if it did not listen
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@contextlib.contextmanager
def running(name: str, command: list[str], environment: dict[str, str], folder: Path) -> Iterator[Child]:
    """Run a process for as long as the block; its output goes to a log in `folder`."""
    child = Child(name, command, environment, folder)
    try:
        yield child
    finally:
        child.stop()


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float) -> None:
    """Ask `condition` again and again until it holds.

    Raises:
        DemoError: it does not hold before the deadline.
    """
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            raise DemoError(f"Waited {deadline_s:g} s in vain for {what}.")
        time.sleep(_PAUSE_S)


def end_on_signals() -> None:
    """Let SIGTERM unwind the demo as Ctrl-C does, so that no process is left behind.

    SIGINT as well: a shell that starts something in the background lets it ignore that.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)
