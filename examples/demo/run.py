"""The demo: a server, an agent of Prefect 1.4.1, and flows that succeed, fail, wait, map and start each other.

    make demo

In charge of the stage and the curtain; not in charge of the play (story.py) nor of its processes (children.py). On a
terminal it goes on serving until Ctrl-C; otherwise it ends, with the code 0 if every run has become what it was to be.
"""

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
from children import Child, DemoError, end_on_sigterm, free_port, run_to_the_end, running, wait_until
from rich.console import Console
from rich.table import Table
from story import PROJECT, Ending, Story

ROOT = Path(__file__).resolve().parents[2]
FLOWS = Path(__file__).parent / "flows"
SERVER = Path(sys.executable).parent / "eparch"
PREFECT = ROOT / ".venv-prefect" / "bin" / "prefect"

_READY_S_MAX = 60.0
_PLAY_S_MAX = 180.0
_FAVOURITE_PORT = 4200

_STYLES = {"Success": "green", "Failed": "red", "Running": "cyan"}


def main() -> int:
    console = Console(width=None if sys.stdout.isatty() else 120)
    end_on_sigterm()
    if not PREFECT.exists():
        console.print(f"there is no Prefect client in {PREFECT.parents[1]}; run: make guest")
        return 1
    home = Path(tempfile.mkdtemp(prefix="eparch-demo-"))
    try:
        code = 0 if play(console, home) else 1
    except KeyboardInterrupt:
        code = 130  # what a shell reports after Ctrl-C
        console.print("interrupted; the server and the agent have been stopped")
    except (DemoError, httpx.HTTPError) as error:
        code = 1
        console.print(f"[red]the demo failed:[/] {error}", highlight=False)
    if code == 1:
        console.print(f"the logs of the server and of the agent are in {home}", highlight=False)
    else:
        shutil.rmtree(home)
    return code


def play(console: Console, home: Path) -> bool:
    """Set the stage, show the play and its endings; tell whether all ended as expected.

    Raises:
        DemoError: the play did not get that far.
        KeyboardInterrupt: the user did not want to see it to the end.
    """
    with ExitStack() as stage:
        url = f"http://127.0.0.1:{free_port(_FAVOURITE_PORT)}"
        server = stage.enter_context(serving(url, home))
        console.print(f"the server listens on [bold]{url}[/]")
        guest = guest_environment(url, home)
        run_to_the_end("register", [str(PREFECT), "create", "project", PROJECT], guest, home)
        register = [str(PREFECT), "register", "--project", PROJECT, "--path", str(FLOWS)]
        run_to_the_end("register", register, guest, home)
        console.print(f"the flows of {FLOWS.relative_to(ROOT)} are registered")
        agent = stage.enter_context(
            running("agent", [str(PREFECT), "agent", "local", "start", "--show-flow-logs"], guest, home)
        )
        story = Story(url)
        stage.callback(story.close)
        story.start()
        with console.status("the agent executes the runs; this takes half a minute"):
            story.play(_PLAY_S_MAX)
        for child in (server, agent):
            child.check_alive()
        endings = story.endings()
        console.print(table_of(endings))
        is_well = all(ending.is_as_expected for ending in endings)
        if not is_well:
            console.print("[red]some runs did not become what they were to become[/]")
        if sys.stdout.isatty():
            with suppress(KeyboardInterrupt):
                console.print(f"GraphQL is served on [bold]{url}[/]; the data is in {home}; Ctrl-C ends the demo")
                threading.Event().wait()
        return is_well


@contextmanager
def serving(url: str, home: Path) -> Iterator[Child]:
    """Run a server with its data in `home`, from when it is healthy."""
    database_url = f"sqlite:///{home / 'eparch.db'}"
    port = url.rpartition(":")[2]
    command = [str(SERVER), "server", "start", "--port", port, "--database-url", database_url]
    with running("server", command, environment(home), home) as server:

        def is_healthy() -> bool:
            server.check_alive()
            try:
                return httpx.get(f"{url}/health", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(is_healthy, f"the server at {url}", _READY_S_MAX)
        yield server


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user's own settings is found or changed."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C.UTF-8"}


def guest_environment(url: str, home: Path) -> dict[str, str]:
    """Return the environment that points a Prefect 1.x client to the server: nothing else is needed."""
    return environment(home) | {
        "PATH": f"{PREFECT.parent}:{os.environ.get('PATH', os.defpath)}",
        "PREFECT__BACKEND": "server",
        "PREFECT__CLOUD__API": url,
    }


def table_of(endings: list[Ending]) -> Table:
    """Return what became of the runs as a table."""
    table = Table(title="What became of the runs")
    for heading in ("flow", "run", "state", "as expected", "task runs", "duration", "remark"):
        table.add_column(heading, justify="right" if heading in {"task runs", "duration"} else "left")
    for ending in endings:
        table.add_row(
            ending.flow,
            ending.name,
            f"[{_STYLES.get(ending.state, 'default')}]{ending.state}[/]",
            "yes" if ending.is_as_expected else f"[red]no: {ending.expected}[/]",
            str(ending.task_runs) if ending.name else "",
            "" if ending.duration_s is None else f"{ending.duration_s:.1f} s",
            ending.remark,
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
