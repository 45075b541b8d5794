"""In charge of this machine: Python, packages, settings, the database; not in charge of the server."""

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from eparch.cli.doctor.finding import Finding, ok, problem, warning
from eparch.core.errors import EparchError
from eparch.server.settings import Resolved, is_loopback, resolve
from eparch.version import __version__

_PYTHON_MIN: Final = (3, 11)
_SERVER_PACKAGES: Final = ("uvicorn", "sqlalchemy", "starlette", "graphql", "alembic")
_FREE_PROBLEM: Final = 200 * 1024 * 1024
_FREE_WARNING: Final = 2 * 1024 * 1024 * 1024


def findings(server_url: str) -> Iterator[Finding]:
    """Look at this machine.

    Args:
        server_url: the server that is spoken to; another machine's has its database elsewhere.
    """
    yield _python()
    yield _program()
    missing = [name for name in _SERVER_PACKAGES if find_spec(name) is None]
    has_server = not missing
    if has_server:
        yield ok("packages", "A server can be started here.")
    else:
        yield warning(
            "packages", f"No server can be started here: {missing[0]} is missing.", "pip install 'eparch[server]'"
        )
    try:
        resolved = resolve()
    except EparchError as error:
        yield problem("settings", error.message, error.hint)
        return
    changed = sorted(name for name, origin in resolved.origins.items() if origin != "default")
    shown = f"{', '.join(changed) or 'none'} {'differs' if len(changed) == 1 else 'differ'} from the default"
    yield ok("settings", f"All can be used; {shown}.")
    if has_server:
        yield from _database(resolved, is_here=is_loopback(urlsplit(server_url).hostname or ""))


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    told = f"Python {version} in {sys.prefix}, Eparch {__version__}."
    if sys.version_info < _PYTHON_MIN:
        return problem("python", told, "Eparch needs Python 3.11 or newer")
    return ok("python", told)


def _program() -> Finding:
    """Look whether the `eparch` that a shell would find is this installation's."""
    found = shutil.which("eparch")
    own = Path(sys.executable).parent
    if found is None:
        return warning("program", "There is no eparch on PATH.", f"add {own} to PATH")
    if Path(found).parent.resolve() != own.resolve():
        return warning(
            "program",
            f"The first eparch on PATH is {found}, of another installation than this, {own}.",
            "use one of the two, or flows and agents may see different packages",
        )
    return ok("program", found)


def _database(resolved: Resolved, *, is_here: bool) -> Iterator[Finding]:
    from eparch.database.condition import problem_of
    from eparch.database.engines import parse_url, sqlite_path
    from eparch.database.identity import name_of

    url = resolved.settings.database_url
    is_default = resolved.origins["database_url"] == "default"
    try:
        parsed = parse_url(url)
        path = sqlite_path(parsed)
        if path is not None and not path.exists():
            if not is_default:
                yield warning("database", f"There is no file {path} yet.", "eparch server start makes it")
            elif is_here:
                yield ok("database", f"None on this machine yet; eparch server start makes {path}.")
            return
        wrong = problem_of(parsed)
    except EparchError as error:
        wrong = error
    if wrong is not None:
        yield problem("database", wrong.message, wrong.hint)
        return
    yield ok("database", f"{name_of(parsed)} can be written and has this version's tables.")
    if path is not None:
        yield _disk(path)


def _disk(database: Path) -> Finding:
    free = shutil.disk_usage(database.parent).free
    size = sum(file.stat().st_size for file in database.parent.glob(f"{database.name}*") if file.is_file())
    told = f"{_bytes(free)} are free beside a database of {_bytes(size)}."
    hint = f"free some space on the disk of {database.parent}, or delete old runs"
    if free < _FREE_PROBLEM:
        return problem("disk", told, hint)
    # A migration or VACUUM may write the whole file anew.
    return warning("disk", told, hint) if free < max(_FREE_WARNING, size) else ok("disk", told)


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
