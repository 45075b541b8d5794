"""In charge of the page on all commands in the documentation; not in charge of help on a terminal (`help`)."""

from inspect import getdoc
from typing import Final

from eparch.cli.commands import COMMANDS, Command
from eparch.cli.dispatch import app_of
from eparch.cli.help import entries_of, usage_of
from eparch.server.settings import rows

_PAGE: Final = """\
# Commands

<!-- Written by `make docs` from src/eparch/cli/commands.py and the commands' own help; do not edit. -->

`eparch COMMAND --help` tells the same. [Command line](../command-line.md) tells how they fit together.

{commands}"""


_SETTINGS: Final = frozenset(row.flag for row in rows())


def cli_page() -> str:
    """Return docs/reference/cli.md."""
    return _PAGE.format(commands="\n".join(map(_section, COMMANDS)))


def _section(command: Command) -> str:
    app = app_of(command)
    positional, options = entries_of(app)
    own = [(name, text) for name, text in options if name.split()[0].rstrip(",") not in _SETTINGS]
    entries = [f"| `{name}` | {_cell(text)} |" for name, text in (*positional, *own)]
    if len(own) < len(options):
        kinds = "any setting" if len(options) - len(own) == len(_SETTINGS) else "`--home`, `--config`, `--database-url`"
        entries.append(f"| {kinds} | See [Settings](settings.md). |")
    lines = [f"## eparch {command.words}", "", f"    {usage_of(command, app)}", "", _text(app.default_command), ""]
    if entries:
        lines += ["| option | what it does |", "|---|---|", *entries, ""]
    return "\n".join(lines)


def _text(function: object) -> str:
    return getdoc(function) or ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
