"""In charge of finding the command that was called, running it, and turning errors into one sentence and an exit code.

Not in charge of the list of commands (`commands`) nor of the text of help (`help`). The library that parses options is
imported only for a command that runs, so that help and mistakes are answered at once.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from eparch.cli import help as help_text
from eparch.cli.commands import COMMANDS, GROUPS, Command
from eparch.core.errors import EparchError

if TYPE_CHECKING:
    from cyclopts import App

OK: Final = 0
FAILED: Final = 1
CALLED_WRONGLY: Final = 2
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells do

_HELP: Final = frozenset({"--help", "-h"})


class UsageError(Exception):
    """The command line cannot be understood."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def dispatch(words: Sequence[str]) -> int:
    """Run the command that `words` call and return the exit code."""
    try:
        return _run(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`eparch config | head -1`). Python would complain again while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        return _report(error)


def _run(words: Sequence[str]) -> int:
    command, rest = _find(words)
    if command is None:
        print(help_text.for_group(" ".join(words[: len(words) - len(rest)])))
        return OK
    app = app_of(command)
    if not _HELP.isdisjoint(_before_separator(rest)):
        print(help_text.for_command(command, app))
        return OK
    code = _parse_and_call(app, command, rest)
    sys.stdout.flush()
    return code


def _find(words: Sequence[str]) -> tuple[Command | None, list[str]]:
    """Return the command and the words after it; None where help on a group of commands is asked for."""
    by_words = {tuple(command.words.split()): command for command in COMMANDS}
    taken = 1
    while " ".join(words[:taken]) in GROUPS and len(words) > taken:
        taken += 1
    command = by_words.get(tuple(words[:taken]))
    if command is not None:
        return command, list(words[taken:])
    if " ".join(words[:taken]) in GROUPS:
        return None, []
    rest = list(words[taken - 1 :])
    if not rest or rest[0] in _HELP:
        return None, rest
    raise _unknown(list(words[: taken - 1]), rest[0])


def _unknown(group: Sequence[str], word: str) -> UsageError:
    size = len(group)
    offered = {command.words.split()[size] for command in COMMANDS if command.words.split()[:size] == group}
    close = get_close_matches(word, sorted(offered), n=1)
    call = " ".join(["eparch", *group])
    kind = "option" if word.startswith("-") else "command"
    hint = f"did you mean {call} {close[0]}?" if close else f"see {call} --help"
    return UsageError(f"Unknown {kind} {word!r}.", hint=hint)


def app_of(command: Command) -> "App":
    """Return what parses the options of a command and calls its function."""
    from cyclopts import App

    module, _, name = command.target.partition(":")
    function: Callable[..., int | None] = getattr(import_module(module), name)
    return App(name=f"eparch {command.words}", default_command=function, help_flags=(), version_flags=())


def _parse_and_call(app: "App", command: Command, words: list[str]) -> int:
    from cyclopts import CycloptsError
    from cyclopts.exceptions import UnusedCliTokensError

    hint = f"see eparch {command.words} --help"
    try:
        # Parsing alone: an error of the command itself must not be taken for one of its call.
        function, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    except UnusedCliTokensError as error:
        raise UsageError(f"Unexpected argument {(error.unused_tokens or [''])[0]!r}.", hint=hint) from error
    except CycloptsError as error:
        raise UsageError(str(error), hint=hint) from error
    code: Any = function(*bound.args, **bound.kwargs)
    return OK if code is None else int(code)


def _before_separator(words: Sequence[str]) -> Sequence[str]:
    return words[: words.index("--")] if "--" in words else words


def _report(error: Exception) -> int:
    """Print an error and return the exit code."""
    from eparch.server.setting_values import SettingError

    code = CALLED_WRONGLY if isinstance(error, UsageError | SettingError) else FAILED
    if isinstance(error, EparchError | UsageError):
        message, hint = error.message, error.hint
    elif isinstance(error, ModuleNotFoundError) and not (error.name or "eparch").startswith("eparch"):
        message = f"This command needs the package {error.name!r}, which is not installed."
        hint = "pip install 'eparch[server,postgres]'"
    elif isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror or error}."
        hint = "see that it can be read and written, and that its disk has room"
    else:
        message = f"Unexpected {type(error).__name__}: {error}"
        hint = "EPARCH_DEBUG=1 shows where; please report it"
    if os.environ.get("EPARCH_DEBUG", "") not in {"", "0"}:
        traceback.print_exception(error)
    print(f"error: {message}" + (f"\nhint: {hint}" if hint else ""), file=sys.stderr)
    return code
