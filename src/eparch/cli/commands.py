"""In charge of the list of commands; not in charge of what they do (the modules that it names) nor of calling them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """A command: the words that call it, where its function is, and one sentence on what it does.

    Attributes:
        words: such as "server start".
        target: "module:function"; imported when the command is called or when its own help is asked for. The function's
            docstring is the text of that help, its parameters are the options, and it returns the exit code or None.
        purpose: one sentence for the list of commands.
    """

    words: str
    target: str
    purpose: str


COMMANDS: Final = (
    Command("server start", "eparch.cli.server:start", "Run the server."),
    Command("db upgrade", "eparch.cli.database:upgrade", "Bring the database to this version's tables."),
    Command("db current", "eparch.cli.database:current", "Print the revision of the database."),
    Command("db check", "eparch.cli.database:check", "Fail unless the database has this version's tables."),
    Command("config", "eparch.cli.config:config", "Print every setting, its value and where it came from."),
    Command("version", "eparch.cli.config:version", "Print the version."),
)

GROUPS: Final = {
    "server": "The server: API, services and web UI.",
    "db": "The database.",
}
"""The first words of commands of two words, each with one sentence on what they are about."""
