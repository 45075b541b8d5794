"""The machine under the figures.

In charge of describing processor, memory, versions and the price of a durable write. Not in charge of measurements of
servers.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil


def describe_machine(directory: Path) -> dict[str, Any]:
    """Return what a reader needs to judge the figures; `directory` is where the databases lie."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": _revision(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "file_system": _file_system(directory),
        "durable_write_us": durable_write_us(directory),
        "python_loop_ms": python_loop_ms(),
        "load_average_1min": os.getloadavg()[0],
    }


def durable_write_us(directory: Path, count: int = 300) -> float:
    """Return the median microseconds of writing 8 kB at one place and fdatasync, what a commit waits for at least."""
    path = directory / "durable-write"
    block = os.urandom(8192)
    times_s = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(count):
            begun_at = time.perf_counter()
            os.pwrite(descriptor, block, 0)
            os.fdatasync(descriptor)
            times_s.append(time.perf_counter() - begun_at)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(times_s)[count // 2] * 1e6


def python_loop_ms() -> float:
    """Return the best milliseconds of five of a fixed pure Python loop: the speed of one core in its currency."""
    times_s = []
    for _ in range(5):
        begun_at = time.perf_counter()
        total = 0
        for number in range(1_000_000):
            total += number & 7
        times_s.append(time.perf_counter() - begun_at)
    return min(times_s) * 1e3


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _file_system(directory: Path) -> str:
    """Return the kind of the file system that holds a directory, by the longest mount point above it."""
    holding = [part for part in psutil.disk_partitions(all=True) if directory.resolve().is_relative_to(part.mountpoint)]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype if holding else "unknown"


def _revision() -> str:
    """Return the commit of this checkout, marked if files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=Path(__file__).resolve().parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"
