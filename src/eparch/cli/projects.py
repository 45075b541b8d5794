"""In charge of `eparch project create`; lists and deletion are those of `get` and `delete`."""

from typing import Annotated

from cyclopts import Parameter

from eparch.cli.connection import Api, with_api
from eparch.cli.output import say
from eparch.core.errors import Conflict


@with_api
def create(
    api: Api,
    name: Annotated[str, Parameter(help="What to call it.")],
    /,
    *,
    description: Annotated[str | None, Parameter(help="What it is for.")] = None,
    skip_if_exists: Annotated[bool, Parameter(help="Succeed if there is one already.", negative="")] = False,
) -> None:
    """Make a project and print its id."""
    found = api.rows("project", "id", {"name": {"_eq": name}})
    if found:
        if not skip_if_exists:
            raise Conflict(f"There is a project {name!r} already.", hint="use it, or add --skip-if-exists")
        print(found[0]["id"])
        return
    given = {"name": name} | ({} if description is None else {"description": description})
    print(api.change("create_project", "id", **given)["id"])
    say(f"Project {name} is made.")
