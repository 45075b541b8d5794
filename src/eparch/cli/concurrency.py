"""In charge of `eparch concurrency`: how many runs with a label or a tag may be carried out at once."""

from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from eparch.cli.connection import Api, with_api
from eparch.cli.delete import Yes, confirm
from eparch.cli.dispatch import UsageError
from eparch.cli.output import Column, Output, print_rows, say
from eparch.cli.references import close_to
from eparch.core.errors import NotFound

Kind = Annotated[
    Literal["tag", "label"], Parameter(help="tag: of task runs with a tag; label: of flow runs with a label.")
]
Name = Annotated[str, Parameter(help="The tag or the label.")]

_FIELDS: Final = """id name limit slots_aggregate { aggregate { count } } waiters_aggregate { aggregate { count } }"""
_TABLES: Final = {"tag": "task_concurrency_limit", "label": "flow_concurrency_limit"}
_COLUMNS: Final = (
    Column("KIND", lambda row: row["kind"]),
    Column("NAME", lambda row: row["name"]),
    Column("LIMIT", lambda row: str(row["limit"])),
    Column("IN USE", lambda row: str(row["in_use"])),
    Column("WAITING", lambda row: str(row["waiting"])),
)


@with_api
def list_(api: Api, *, output: Output = "table") -> None:
    """List limits, how many slots of each are in use, and how many runs wait for one in their process."""
    rows = [
        {
            "kind": kind,
            "id": row["id"],
            "name": row["name"],
            "limit": row["limit"],
            "in_use": row["slots_aggregate"]["aggregate"]["count"],
            "waiting": row["waiters_aggregate"]["aggregate"]["count"],
        }
        for kind, table in _TABLES.items()
        for row in api.rows(table, _FIELDS, order="{name: asc}")
    ]
    print_rows(rows, _COLUMNS, output, nothing="There are no limits; set one: eparch concurrency set tag NAME LIMIT")


@with_api
def set_(
    api: Api, kind: Kind, name: Name, limit: Annotated[int, Parameter(help="How many at once; 0 stops all.")], /
) -> None:
    """Let so many runs with a tag or a label be carried out at once; runs that have begun go on."""
    if limit < 0:
        raise UsageError(
            f"The limit is {limit}, but must not be negative.", hint="0 stops everything that has not begun"
        )
    if kind == "tag":
        api.change("update_task_concurrency_limit", "id", name=name, limit=limit)
    else:
        api.change("update_flow_concurrency_limit", "id", label=name, limit=limit)
    what = "task runs with the tag" if kind == "tag" else "flow runs with the label"
    say(f"At most {limit} {what} {name} are carried out at once.")


@with_api
def delete(api: Api, kind: Kind, name: Name, /, *, yes: Yes = False) -> None:
    """Delete a limit; what waits for its slots starts."""
    found = _limit(api, kind, name)
    confirm(f"Delete the limit of the {kind} {name!r}?", yes=yes)
    mutation = "delete_task_concurrency_limit" if kind == "tag" else "delete_flow_concurrency_limit"
    api.change(mutation, limit_id=found["id"])
    say(f"The {kind} {name} has no limit any more.")


def _limit(api: Api, kind: str, name: str) -> dict[str, Any]:
    rows = api.rows(_TABLES[kind], "id name")
    for row in rows:
        if row["name"] == name:
            return row
    hint = close_to(name, [row["name"] for row in rows], "see eparch concurrency list")
    raise NotFound(f"There is no limit of the {kind} {name!r}.", hint=hint)
