"""In charge of pages whose commands are run: taking them apart, running them in one shell, comparing what they print.

A block with the words `python NAME` is a file; one with the word `console` holds commands after `$ `, and what they
print. Ids, instants and durations may differ, and how much space is between words; `...` stands for anything in a line,
and alone in a line for any lines.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "--- end of command ---"
_DRAWN = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(,\d+)?"), "TIME"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass(frozen=True)
class File:
    """A file that the reader is to write."""

    name: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A command that the reader is to type, and what the page says it prints."""

    words: str
    expected: tuple[str, ...]
    line: int

    @property
    def asks_for_code(self) -> bool:
        return self.words == "echo $?"


def steps_of(page: str) -> list[File | Command]:
    """Return what a page's reader does, in order."""
    found: list[File | Command] = []
    for match in _BLOCK.finditer(page):
        language, name, text = match.groups()
        line = page.count("\n", 0, match.start()) + 2
        if language == "console":
            found += _commands(text, line)
        elif name is not None:
            found.append(File(name, text, line))
    return found


def _commands(text: str, line: int) -> Iterator[Command]:
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"line {line}: a console block begins with a command"
    line += parts[0].count("\n")
    for part in parts[1:]:
        words, *expected = part.rstrip("\n").split("\n")
        yield Command(words, tuple(expected), line)
        line += part.count("\n")


class Shell:
    """A shell in which commands are run one after the other, as in a terminal."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End the shell and all that was started in it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def run(self, words: str) -> tuple[list[str], int]:
        """Run a command and return the lines it prints, and its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f'{words}\n__code=$?; echo; echo "{_END} $__code"; (exit $__code)\n')
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(_END):
                text = "\n".join(lines).removesuffix("\n").removesuffix("\n")
                return text.split("\n") if text else [], int(line.removeprefix(_END))
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the shell has ended in {words!r}: {lines}")


def differs(expected: tuple[str, ...], printed: list[str]) -> bool:
    """Return whether a command printed something else than the page says."""
    pattern = ""
    for line in map(_normal, expected):
        pattern += r"(?:.*\n)*?" if line == "..." else _pattern(line) + r"\n"
    return re.fullmatch(pattern, "".join(f"{_normal(line)}\n" for line in printed)) is None


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("..."))


def _normal(line: str) -> str:
    for drawn, word in _DRAWN:
        line = drawn.sub(word, line)
    return line.strip()
