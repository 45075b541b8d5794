"""Flow runs as fresh processes.

In charge of starting a program with its environment; not in charge of watching it (`supervision`).
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from eparch.agents.processes import RunProcess


class ColdProcess(RunProcess):
    """A process of its own program."""

    def __init__(self, process: subprocess.Popen[bytes], control: int | None) -> None:
        self._process = process
        assert process.stdout is not None
        super().__init__(process.pid, control, os.dup(process.stdout.fileno()))
        process.stdout.close()

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        return self._process.poll()


def start_own(flow_run_id: str, environment: Mapping[str, str], folder: str | None) -> ColdProcess:
    """Start a flow run with this interpreter and Eparch's own library.

    Raises:
        OSError: it cannot be started.
    """
    theirs, ours = os.pipe()
    try:
        # -P: a file of the user's that is called as a module of the standard library is not to be taken for it.
        words = [sys.executable, "-P", "-m", "eparch.agents.flow_run", flow_run_id, "--control", str(theirs)]
        process = _started(words, environment, folder, (theirs,))
    except OSError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return ColdProcess(process, ours)


def start_program(words: Sequence[str], environment: Mapping[str, str], folder: str | None) -> ColdProcess:
    """Start another program, which nothing can be told.

    Raises:
        OSError: it cannot be started.
    """
    return ColdProcess(_started(words, environment, folder, ()), None)


def _started(
    words: Sequence[str], environment: Mapping[str, str], folder: str | None, descriptors: Sequence[int]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the words are ours
        words,
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=descriptors,
        # A group of its own, so that a signal reaches what the run has started too.
        start_new_session=True,
    )
