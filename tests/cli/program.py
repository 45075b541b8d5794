"""In charge of calling `eparch` as its users do: as a process, through pipes or at a terminal."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_RUN_S_MAX = 120.0


@dataclass(frozen=True)
class Done:
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The last line of stderr that says what was wrong."""
        return next(line for line in reversed(self.err.splitlines()) if line.startswith("error: "))

    @property
    def hint(self) -> str:
        return next(line for line in reversed(self.err.splitlines()) if line.startswith("hint: "))


class Program:
    """The program in an environment of its own.

    Args:
        folder: where it works; its home is in there.
    """

    command = (str(Path(sys.executable).parent / "eparch"),)

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        bin_folder = str(Path(sys.executable).parent)
        self.environment = {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "HOME": str(folder),
            "EPARCH_HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            **variables,
        }

    def __call__(self, *words: object, stdin: str = "", **variables: str) -> Done:
        """Call it through pipes and return what it came to."""
        done = subprocess.run(
            [*self.command, *map(str, words)],
            input=stdin,
            env=self.environment | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_RUN_S_MAX,
            check=False,
        )
        assert "Traceback (most recent call last)" not in done.stderr or "eparch.task_run" in done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: object, stdin: str = "") -> str:
        """Call it, see that it succeeds, and return its output without the last line end."""
        done = self(*words, stdin=stdin)
        assert done.code == 0, done
        return done.out.removesuffix("\n")

    def json(self, *words: object) -> Any:
        """Call it with `--output json` and return what it says."""
        return json.loads(self.ok(*words, "--output", "json"))

    def at_terminal(self, *words: object, typed: str = "", columns: int = 80) -> Done:
        """Call it at a terminal and return what it came to; both of its streams are in `out`.

        Args:
            typed: what is typed once it asks something.
        """
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [*self.command, *map(str, words)],
            env=self.environment | {"COLUMNS": str(columns), "TERM": "xterm"},
            cwd=self.folder,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
        )
        os.close(follower)
        said = b""
        until = time.monotonic() + _RUN_S_MAX
        while time.monotonic() < until:
            ready, _, _ = select.select([leader], [], [], 0.2)
            try:
                part = os.read(leader, 65536) if ready else b""
            except OSError:
                break  # the program has closed its end
            said += part
            if typed and said.endswith((b": ", b"[y/N] ")):
                os.write(leader, typed.encode())
                typed = ""
            if not ready and process.poll() is not None:
                break
        else:
            process.kill()
        code = process.wait()
        os.close(leader)
        return Done(code, said.decode().replace("\r\n", "\n"), "")
