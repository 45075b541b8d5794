"""In charge of `eparch config` and `eparch version`, and of the page on settings in the documentation."""

from typing import Annotated, Final

from cyclopts import Parameter

from eparch.cli.flags import with_settings
from eparch.server.setting_values import as_text
from eparch.server.settings import OTHER_VARIABLES, Resolved, Row, rows
from eparch.version import __version__

_PAGE: Final = """\
# Settings

<!-- Written by `make docs` from src/eparch/server/settings.py; do not edit. -->

A setting is a flag of `eparch server start`, a variable of the environment, or a key of the configuration file, in this
order; else it has its default. The file is TOML, with one `key = value` a line, at `$EPARCH_HOME/config.toml` or where
`EPARCH_CONFIG` says. A name that is unknown or a value that can't be used is an error, never ignored. `eparch config`
prints what is in effect and where each value came from.

In a variable, a list has commas between its items, and true and false may also be yes, on, 1 and no, off, 0. A switch
such as `--allow-unauthenticated` takes no value; `--no-allow-unauthenticated` is its opposite.

| key | default | what it sets | variable | flag |
|---|---|---|---|---|
{settings}

`home` and `config` say where the file is, so they can't stand in it.

## Other variables

| variable | what it does |
|---|---|
{others}
"""


@with_settings()
def config(
    resolved: Resolved, *, markdown: Annotated[bool, Parameter(negative="", help="Print the documentation.")] = False
) -> None:
    """Print every setting, its value and where it came from; passwords are masked."""
    print(settings_page() if markdown else _listing(resolved), end="")


def version() -> None:
    """Print the version."""
    print(f"eparch {__version__}")


def settings_page() -> str:
    """Return docs/reference/settings.md."""
    settings = [
        f"| `{row.name}` | {_code(row.default)} | {row.purpose} Takes {row.kind}. | `{row.variable}` | {_flag(row)} |"
        for row in rows()
    ]
    others = [f"| `{name}` | {purpose} |" for name, purpose in OTHER_VARIABLES.items()]
    return _PAGE.format(settings="\n".join(settings), others="\n".join(others))


def _listing(resolved: Resolved) -> str:
    values = {row.name: _shown(row, getattr(resolved.settings, row.name)) for row in rows()}
    name_width = max(map(len, values))
    value_width = max(map(len, values.values()))
    return "".join(
        f"{name:<{name_width}}  {value:<{value_width}}  {resolved.origins[name]}\n" for name, value in values.items()
    )


def _flag(row: Row) -> str:
    return "none" if row.is_key else f"`{row.flag}`"


def _shown(row: Row, value: object) -> str:
    return "***" if row.is_key and value else as_text(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else "none"
