"""In charge of `eparch register`: which files, what became of each; not in charge of registration (`eparch.sdk`)."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

from cyclopts import Parameter

from eparch.cli import references
from eparch.cli.connection import Api, with_api
from eparch.cli.dispatch import CALLED_WRONGLY, FAILED, UsageError
from eparch.cli.following_files import changed_files
from eparch.cli.output import Column, Output, print_rows, say
from eparch.core.errors import EparchError

_CURRENT: Final = "id version"
_COLUMNS: Final = (
    Column("FLOW", lambda row: row["flow"]),
    Column("VERSION", lambda row: str(row["version"])),
    Column("WHAT", lambda row: row["what"]),
    Column("ID", lambda row: row["id"], is_whole=True),
    Column("FILE", lambda row: row["file"]),
)


@with_api
def register(
    api: Api,
    paths: Annotated[list[Path], Parameter(help="Flow files, and folders of such.", negative="")],
    /,
    *,
    project: Annotated[str, Parameter(name=("--project", "-p"), help="The project that the flows belong to.")],
    label: Annotated[
        list[str] | None, Parameter(help="A label that agents must have; may be given several times.", negative="")
    ] = None,
    name: Annotated[
        list[str] | None, Parameter(name=("--name", "-n"), help="Only the flow of this name; may repeat.", negative="")
    ] = None,
    schedule: Annotated[bool, Parameter(help="Whether schedules are active at once.")] = True,
    force: Annotated[bool, Parameter(help="Make a new version of unchanged flows too.", negative="")] = False,
    watch: Annotated[bool, Parameter(help="Go on, and register files again when they change.", negative="")] = False,
    output: Output = "table",
) -> int | None:
    """Register the flows in files, and print the version and id of each.

    A flow that has not changed keeps its version. A file that fails does not keep the others from being registered: the
    exit code is 1 then, 2 for a file without a flow. In a folder all *.py files are looked at, those in folders below
    it too.
    """
    references.project(api, project)
    files = list(_files(paths))
    changes = changed_files(lambda: [file for file, _ in _files(paths)], time.sleep)
    rows: list[dict[str, Any]] = []
    code = 0
    options = {"labels": label, "set_schedule_active": schedule}
    wanted = set(name or ())
    for file, is_named in files:
        try:
            for flow in _flows(file, may_be_none=not is_named):
                if not wanted or flow.name in wanted:
                    row = _registered(api, flow, project, file, is_forced=force, **options)
                    rows.append(row)
        except (EparchError, UsageError) as error:
            code = max(code, CALLED_WRONGLY if isinstance(error, UsageError) else FAILED)
            say(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
    if missing := sorted(wanted - {row["name"] for row in rows}):
        code = max(code, FAILED)
        say(f"error: There is no flow {missing[0]!r} in {', '.join(map(str, paths))}.")
    print_rows(rows, _COLUMNS, output, nothing="No flow was registered.")
    if not watch:
        return code or (None if rows else FAILED)
    _watch(changes, project, label, name, schedule=schedule)
    return None


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield each file, and whether it was named by itself."""
    for path in paths:
        if path.is_dir():
            yield from (
                (file, False)
                for file in sorted(path.rglob("*.py"))
                if not any(part.startswith((".", "__")) for part in file.relative_to(path).parts)
            )
        else:
            references.check_exists(path, "name a file or a folder")
            yield path, True


def _flows(file: Path, *, may_be_none: bool) -> list[Any]:
    """Return the flows in a file; what its code prints goes to stderr."""
    from eparch.sdk.storage.loading import flows_of_file

    with redirect_stdout(sys.stderr):
        flows = flows_of_file(file)
    if not flows and not may_be_none:
        raise UsageError(f"There is no flow in {file}.", hint="the flow must be a variable of the file")
    return flows


def _registered(api: Api, flow: Any, project: str, file: Path, *, is_forced: bool, **options: Any) -> dict[str, Any]:
    from eparch.sdk.registration import register as register_flow

    named = {"archived": {"_eq": False}, "name": {"_eq": flow.name}, "project": {"name": {"_eq": project}}}
    before = {row["id"] for row in api.rows("flow", _CURRENT, named)}
    key = str(uuid4()) if is_forced else None
    flow_id = register_flow(flow, project, client=api.client, idempotency_key=key, **options)
    version = api.rows("flow", _CURRENT, {"id": {"_eq": flow_id}})[0]["version"]
    what = "unchanged" if flow_id in before else "registered"
    return {
        "flow": f"{project}/{flow.name}",
        "name": flow.name,
        "version": version,
        "what": what,
        "id": flow_id,
        "file": str(file),
    }


def _watch(
    changes: Iterator[list[Path]], project: str, label: list[str] | None, name: list[str] | None, *, schedule: bool
) -> None:
    """Register what changes, each time in a process of its own: it imports anew what flow files import."""
    import subprocess

    options = ["--project", project, "--schedule" if schedule else "--no-schedule"]
    options += [word for one in label or () for word in ("--label", one)]
    options += [word for one in name or () for word in ("--name", one)]
    say("Watching for changes; Ctrl-C ends it.")
    for changed in changes:
        words = [sys.executable, "-P", "-m", "eparch.cli", "register", *map(str, changed), *options]
        subprocess.run(words, check=False)  # noqa: S603 - the words are ours
