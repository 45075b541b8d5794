"""In charge of `eparch doctor`: in which order it looks, how it tells, and its exit code."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from eparch.cli.connection import Api, with_api
from eparch.cli.doctor import installation, server, work
from eparch.cli.doctor.finding import Finding
from eparch.cli.output import Output, print_json, say

_COLOURS = {"ok": "32", "warning": "33", "problem": "31"}


@with_api
def doctor(api: Api, *, output: Output = "table") -> int:
    """Look for what is wrong with this installation, and say what to do about it; nothing is changed.

    It looks at this Python and its packages, the settings, the database of this machine, the server that is spoken to,
    the clocks, the services, agents, labels that nobody serves and runs that are late. The exit code is 1 if something
    is wrong; warnings alone leave it 0.
    """
    found: list[Finding] = []
    for finding in _findings(api):
        found.append(finding)
        if output == "table":
            print(_shown(finding), flush=True)
    if output == "json":
        print_json([finding.as_json() for finding in found])
    problems = sum(finding.level == "problem" for finding in found)
    warnings = sum(finding.level == "warning" for finding in found)
    say(f"{_count(problems, 'problem')}, {_count(warnings, 'warning')}.")
    return 1 if problems else 0


def _findings(api: Api) -> Iterator[Finding]:
    yield from installation.findings(api.url)
    is_answering = True
    for finding in server.findings(api):
        is_answering = is_answering and not (finding.subject in {"server", "key"} and finding.level == "problem")
        yield finding
    # Of a server that does not answer there is nothing more to be said.
    if is_answering:
        yield from work.findings(api, datetime.now(UTC))


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _shown(finding: Finding) -> str:
    word = f"{finding.level:<7}"
    if sys.stdout.isatty():
        word = f"\x1b[{_COLOURS[finding.level]}m{word}\x1b[0m"
    line = f"{word}  {finding.subject}: {finding.message}"
    return line + (f"\n         hint: {finding.hint}" if finding.hint else "")
