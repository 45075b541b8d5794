"""Processes that carry out flow runs, as an agent sees them.

In charge of one process: its control pipe, its last lines of output, how it ended; not in charge of how it was started
(`cold`, `warm`) nor of deciding anything about it (`supervision`).
"""

import contextlib
import os
import signal
import threading
from collections import deque
from typing import Final

from eparch.agents.handle import Handle

# Enough to see what a process died of.
_LINES_MAX: Final = 50
_LINE_CHARACTERS_MAX: Final = 2_000


class RunProcess(Handle):
    """A process that carries out a flow run.

    Args:
        pid: its id.
        control: a descriptor; a line written to it reaches the run.
        output: a descriptor from which what it prints can be read.
    """

    def __init__(self, pid: int, control: int | None, output: int) -> None:
        self.pid = pid
        self._control = control
        self._lines: deque[str] = deque(maxlen=_LINES_MAX)
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True, name=f"eparch-output-{pid}")
        self._reader.start()

    def tell(self, state: str) -> bool:
        """Tell the run that it is to end; return whether it could be told."""
        if self._control is None:
            return False
        try:
            os.write(self._control, f"end {state}\n".encode())
        except OSError:
            return False
        return True

    def terminate(self) -> None:
        """Ask the process, and those it has started, to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and those it has started."""
        self._send(signal.SIGKILL)

    def last_lines(self) -> list[str]:
        """Return the last lines of what it has printed."""
        # What it printed last may still be in the pipe.
        self._reader.join(1.0)
        return list(self._lines)

    def close(self) -> None:
        """Give the descriptors back; to be called once it has ended."""
        if self._control is not None:
            os.close(self._control)
            self._control = None

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _read(self, output: int) -> None:
        with os.fdopen(output, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                self._lines.append(line.rstrip("\n")[:_LINE_CHARACTERS_MAX])
