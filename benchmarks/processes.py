"""Processes that a benchmark starts, and their consumption.

In charge of starting and stopping our own processes, of their CPU time and memory, of free ports and of waiting for a
server to be healthy. Not in charge of what the processes are.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

HOST = "127.0.0.1"

_REMOVED_VARIABLES = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPATH", "VIRTUAL_ENV")


class ManagedProcess:
    """A process that we started, with its descendants."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        user: str | None = None,
    ) -> None:
        """Start it, in a session of its own, its output appended to a file.

        Args:
            environment: variables added to our own.
            user: account to run as; None is ours.
        """
        variables = {name: value for name, value in os.environ.items() if name not in _REMOVED_VARIABLES}
        variables.update(environment or {})
        self.command = [str(part) for part in command]
        self.log_path = log_path
        with log_path.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                env=variables,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        self._process = psutil.Process(self._popen.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def cpu_s(self) -> float:
        """Return the CPU seconds used so far: this process, live descendants and those it has reaped."""
        total_s = 0.0
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total_s += times.user + times.system
                if process.pid == self.pid:
                    total_s += times.children_user + times.children_system
        return total_s

    def rss_bytes(self) -> int:
        """Return the resident memory of the process and its descendants; pages they share count once for each."""
        total = 0
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def stop(self, first_signal: signal.Signals = signal.SIGINT, timeout_s: float = 20.0) -> None:
        """End it and its descendants: politely, then with SIGTERM, then with SIGKILL."""
        tree = self._tree()
        if self.is_alive():
            self._popen.send_signal(first_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(timeout_s)
        for next_signal in (signal.SIGTERM, signal.SIGKILL):
            alive = [process for process in tree if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
            for process in alive:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(next_signal)
            psutil.wait_procs(alive, timeout=8)
        self._popen.wait(5)

    def log_tail(self, characters: int = 2000) -> str:
        """Return the end of what it has printed."""
        return self.log_path.read_text(errors="replace")[-characters:]

    def _tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self._process, *self._process.children(recursive=True)]
        return []


def free_port() -> int:
    """Return a TCP port on which nothing listens now, outside the range from which clients' ports are taken."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise RuntimeError("no free port among 100 tried between 20000 and 32000")


def wait_until_healthy(process: ManagedProcess, url: str, timeout_s: float = 120.0) -> float:
    """Wait for a URL to answer 200 and return the seconds that took.

    Raises:
        RuntimeError: the process ended, or does not answer in time; with the end of its output.
    """
    begun_at = time.perf_counter()
    while (waited_s := time.perf_counter() - begun_at) < timeout_s:
        if not process.is_alive():
            raise RuntimeError(f"{process.command} ended before it was healthy:\n{process.log_tail()}")
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return waited_s
        time.sleep(0.02)
    raise RuntimeError(f"{process.command} does not answer at {url} after {timeout_s:.0f} s:\n{process.log_tail()}")


def wait_until_idle(processes: Sequence[ManagedProcess], cpu_share_max: float = 0.05, timeout_s: float = 20.0) -> float:
    """Wait until processes together use little CPU, so that work left by one cell does not burden the next.

    Args:
        cpu_share_max: of one core, over half a second.
    Returns:
        Seconds waited; `timeout_s` or more if they never came to rest.
    """
    begun_at = time.perf_counter()
    while (waited_s := time.perf_counter() - begun_at) < timeout_s:
        before_s, before_at = sum(process.cpu_s() for process in processes), time.perf_counter()
        time.sleep(0.5)
        used_s = sum(process.cpu_s() for process in processes) - before_s
        if used_s <= cpu_share_max * (time.perf_counter() - before_at):
            break
    return waited_s
