"""Programs that run where a disk is small, where nothing may be written, or without the powers of root.

In charge of the commands that confine a process, and of saying why they cannot be used on a machine; not in charge of
what is run. A mount is seen only by the process that was started for it, and goes when the process goes.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120.0


def run(*arguments: str, confined_by: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run this Python with arguments and return its result."""
    command = [*confined_by, sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)


def on_small_disk(mount_point: Path, size: str) -> tuple[str, ...]:
    """Return the command that runs another one with an empty disk of `size` at `mount_point`."""
    script = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'
    return (*_own_mounts(), "sh", "-c", script, "sh", size, str(mount_point))


def on_read_only_disk(mount_point: Path) -> tuple[str, ...]:
    """Return the command that runs another one while nothing at `mount_point` can be written."""
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    return (*_own_mounts(), "sh", "-c", script, "sh", str(mount_point))


def without_powers() -> tuple[str, ...]:
    """Return the command that runs another one for which permissions count, as they do not for root."""
    if os.geteuid() != 0:
        return ()
    return _usable(("setpriv", "--bounding-set=-dac_override,-dac_read_search"))


def _own_mounts() -> tuple[str, ...]:
    return _usable(("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user"))


def _usable(command: tuple[str, ...]) -> tuple[str, ...]:
    reason = _objection(command)
    if reason:
        pytest.skip(reason)
    return command


@cache
def _objection(command: tuple[str, ...]) -> str:
    if shutil.which(command[0]) is None:
        return f"this machine has no {command[0]}"
    trial = subprocess.run([*command, "true"], capture_output=True, text=True)
    return "" if trial.returncode == 0 else f"{command[0]} is not allowed here: {trial.stderr.strip()}"
