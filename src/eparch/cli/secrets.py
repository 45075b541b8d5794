"""In charge of the names and values of secrets; not in charge of the keys that encrypt them (`secret_keys`)."""

from typing import Annotated

from cyclopts import Parameter

from eparch.cli.connection import Api, with_api
from eparch.cli.delete import Yes, confirm
from eparch.cli.output import Column, Output, print_rows, say
from eparch.cli.profiles import secret_from_person
from eparch.cli.references import close_to
from eparch.core.errors import NotFound

_COLUMNS = (Column("NAME", lambda row: row["name"]),)

Name = Annotated[str, Parameter(help="The secret's name.")]


@with_api
def list_(api: Api, *, output: Output = "table") -> None:
    """List the names of secrets; no command shows a value."""
    rows = [{"name": name} for name in _names(api)]
    print_rows(rows, _COLUMNS, output, nothing="There are no secrets; set one: eparch secret set NAME")


@with_api
def set_(api: Api, name: Name, /) -> None:
    """Keep a secret; one that exists is overwritten.

    The value is asked for, and not shown while it is typed; without a terminal it is read from stdin. It is never an
    argument, which the shell's history and the list of processes would show.
    """
    value = secret_from_person(f"Value of {name}")
    api.change("set_secret", name=name, value=value)
    say(f"Secret {name} is set.")


@with_api
def delete(api: Api, name: Name, /, *, yes: Yes = False) -> None:
    """Delete a secret."""
    names = _names(api)
    if name not in names:
        raise NotFound(f"There is no secret {name!r}.", hint=close_to(name, names, "see eparch secret list"))
    confirm(f"Delete secret {name!r}?", yes=yes)
    api.change("delete_secret", name=name)
    say(f"Secret {name} is deleted.")


def _names(api: Api) -> list[str]:
    names: list[str] = api.ask("query { secret_names }")["secret_names"]
    return names
