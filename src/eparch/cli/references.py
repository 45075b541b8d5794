"""In charge of finding the flow, run, agent or project that somebody means; not in charge of what is done with it.

What people type is an id, or a name; a name that is close to one that exists is answered with that.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from eparch.cli.connection import Api
from eparch.cli.dispatch import UsageError
from eparch.core.errors import BadInput, EparchError, NotFound

# So many names are looked at for what somebody may have meant.
_NAMES_MAX: Final = 1000
_SHOWN_MAX: Final = 5

FLOW: Final = "id name version flow_group_id project { id name }"
FLOW_RUN: Final = "id name state flow { id name version }"


class Ambiguous(EparchError):
    """Several things have this name."""


def flow(api: Api, text: str, project: str | None = None) -> dict[str, Any]:
    """Return the current version of a flow: by its id, its name, or `project/name`.

    Raises:
        NotFound: there is none.
        Ambiguous: several projects have one.
    """
    if is_id(text):
        rows = api.rows("flow", FLOW, {"id": {"_eq": text}})
        if not rows:
            raise NotFound(f"There is no flow {text}.", hint="see eparch get flows")
        return rows[0]
    name = text
    where: dict[str, Any] = {"archived": {"_eq": False}}
    if project:
        where["project"] = {"name": {"_eq": project}}
    rows = api.rows("flow", FLOW, {"name": {"_eq": name}, **where})
    if not rows and project is None and "/" in text:
        project, _, name = text.partition("/")
        return flow(api, name, project)
    if not rows:
        place = f" in project {project!r}" if project else ""
        whole = f"{project}/{name}" if project else name
        if api.rows("flow", "id", {**where, "name": {"_eq": name}, "archived": {"_eq": True}}, limit=1):
            raise NotFound(
                f"Flow {name!r}{place} is archived.",
                hint=f"take it out with eparch unarchive {_word(whole)}, or give the id of a version",
            )
        known = api.rows("flow", "name", where, limit=_NAMES_MAX)
        raise NotFound(f"There is no flow {name!r}{place}.", hint=_hint(name, known, "see eparch get flows"))
    if len(rows) > 1:
        projects = sorted(row["project"]["name"] for row in rows)
        raise Ambiguous(
            f"{len(rows)} projects have a flow {name!r}: {', '.join(projects)}.", hint=f"write {projects[0]}/{name}"
        )
    return rows[0]


def archived_flow(api: Api, text: str, project: str | None = None) -> dict[str, Any]:
    """Return a version of a flow that is to be current again: the one with this id, else the newest of this name.

    Raises:
        BadInput: a version of it is current.
        NotFound, Ambiguous: as `flow`.
    """
    if is_id(text):
        return flow(api, text)
    where: dict[str, Any] = {"name": {"_eq": text}} | ({"project": {"name": {"_eq": project}}} if project else {})
    rows = api.rows("flow", f"{FLOW} archived", where, order="{version: desc}")
    if not rows and project is None and "/" in text:
        project, _, name = text.partition("/")
        return archived_flow(api, name, project)
    groups = {row["flow_group_id"]: row for row in reversed(rows)}
    if not groups:
        known = api.rows("flow", "name", {"archived": {"_eq": True}}, limit=_NAMES_MAX)
        raise NotFound(f"There is no flow {text!r}.", hint=_hint(text, known, "see eparch get flows --archived"))
    if len(groups) > 1:
        projects = sorted(row["project"]["name"] for row in groups.values())
        raise Ambiguous(
            f"{len(groups)} projects have a flow {text!r}: {', '.join(projects)}.", hint=f"write {projects[0]}/{text}"
        )
    current = [row for row in rows if not row["archived"]]
    if current:
        raise BadInput(
            f"Flow {text!r} is not archived: its version {current[0]['version']} is current.",
            hint=f"give the id of the version that you want: eparch get flows --archived --name {_word(text)}",
        )
    return rows[0]


def flow_run(api: Api, text: str, selection: str = FLOW_RUN) -> dict[str, Any]:
    """Return a flow run, by its id or its name.

    Raises:
        NotFound: there is none.
        Ambiguous: several have this name.
    """
    return _run(api, "flow_run", "flow run", text, selection)


def task_run(api: Api, text: str, selection: str) -> dict[str, Any]:
    """Return a task run, by its id or its name; raises as `flow_run`."""
    return _run(api, "task_run", "task run", text, selection)


def project(api: Api, text: str, selection: str = "id name") -> dict[str, Any]:
    """Return a project, by its name or its id.

    Raises:
        NotFound: there is none.
    """
    rows = api.rows("project", selection, {"name": {"_eq": text}})
    if not rows and is_id(text):
        rows = api.rows("project", selection, {"id": {"_eq": text}})
    if rows:
        return rows[0]
    known = api.rows("project", "name", limit=_NAMES_MAX)
    otherwise = f"make it: eparch project create {_word(text)}"
    raise NotFound(f"There is no project {text!r}.", hint=_hint(text, known, otherwise))


def agent(api: Api, text: str, selection: str = "id name") -> dict[str, Any]:
    """Return an agent, by its id or its name.

    Raises:
        NotFound: there is none.
        Ambiguous: several have this name.
    """
    key = "id" if is_id(text) else "name"
    rows = api.rows("agent", selection, {key: {"_eq": text}})
    if not rows:
        known = api.rows("agent", "name", limit=_NAMES_MAX)
        raise NotFound(f"There is no agent {text!r}.", hint=_hint(text, known, "see eparch get agents"))
    if len(rows) > 1:
        raise Ambiguous(f"{len(rows)} agents are called {text!r}.", hint="use its id, from eparch get agents")
    return rows[0]


def check_exists(path: Path, otherwise: str) -> None:
    """Do nothing, or say that there is no such file, and which one may be meant.

    Raises:
        UsageError: there is none.
    """
    if not path.exists():
        near = [str(path.with_name(other.name)) for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise UsageError(f"There is no file {path}.", hint=close_to(str(path), near, otherwise))


def is_id(text: str) -> bool:
    """Return whether this is an id, not a name."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def close_to(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return a hint: the known name that is meant, or something else to do."""
    close = get_close_matches(name, list(known), 1)
    return f"did you mean {close[0]!r}?" if close else otherwise


def _run(api: Api, table: str, what: str, text: str, selection: str) -> dict[str, Any]:
    key = "id" if is_id(text) else "name"
    rows = api.rows(table, f"{selection} id", {key: {"_eq": text}}, order="{created: desc}", limit=_SHOWN_MAX + 1)
    kind = table.replace("_", "-")
    if not rows:
        known = [] if key == "id" else api.rows(table, "name", order="{created: desc}", limit=_NAMES_MAX)
        raise NotFound(f"There is no {what} {text!r}.", hint=_hint(text, known, f"see eparch get {kind}s"))
    if len(rows) > 1:
        count = f"more than {_SHOWN_MAX}" if len(rows) > _SHOWN_MAX else str(len(rows))
        raise Ambiguous(
            f"{count[0].upper()}{count[1:]} {what}s are called {text!r}; the newest is {rows[0]['id']}.",
            hint=f"use an id, from eparch get {kind}s --name {_word(text)}",
        )
    return rows[0]


def _hint(name: str, rows: Iterable[dict[str, Any]], otherwise: str) -> str:
    return close_to(name, (row["name"] for row in rows if row["name"]), otherwise)


def _word(text: str) -> str:
    from shlex import quote

    return quote(text)
