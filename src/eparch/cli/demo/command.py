"""In charge of `eparch demo`: the stage, the curtain, and what the audience is told."""

import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from eparch.cli.connection import Api
from eparch.cli.demo.children import Child, end_on_signals, running, wait_until
from eparch.cli.demo.story import PROJECT, Ending, Story
from eparch.cli.output import Column, print_rows, say
from eparch.client.profiles import Profile
from eparch.server.settings import resolve

_FLOWS: Final = Path(__file__).parent / "flows"
_PORT: Final = 4200
_READY_S_MAX: Final = 60.0
_PLAY_S_MAX: Final = 180.0

_COLUMNS: Final = (
    Column("FLOW", lambda row: row["flow"]),
    Column("RUN", lambda row: row["name"]),
    Column("STATE", lambda row: row["state"], is_state=True, is_whole=True),
    Column("AS EXPECTED", lambda row: row["as_expected"]),
    Column("TASK RUNS", lambda row: row["task_runs"]),
    Column("TOOK", lambda row: row["took"]),
    Column("REMARK", lambda row: row["remark"]),
)


def demo(
    *,
    home: Annotated[
        Path | None, Parameter(help="Keep the database in this folder; by default it is a temporary one.")
    ] = None,
    port: Annotated[
        int | None, Parameter(help="Port of the server; else EPARCH_PORT, or 4200, or a free one if that is taken.")
    ] = None,
    once: Annotated[bool, Parameter(help="End when every run has become what it is to become.", negative="")] = False,
) -> int:
    """Start a server, an agent and example flows: some succeed, some fail, one waits for approval, one is late.

    A table shows what became of the runs. Then server and agent go on until Ctrl-C, which ends both. With --once they
    end by themselves, and the exit code is 1 if a run became something else than it was to become.
    """
    if port is None and "EPARCH_PORT" in os.environ:
        # Of the user's variables this alone is about the demo too.
        port = resolve(environment={"EPARCH_PORT": os.environ["EPARCH_PORT"]}).settings.port
    end_on_signals()
    folder = Path(tempfile.mkdtemp(prefix="eparch-demo-")) if home is None else home.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_well = False
    try:
        is_well = _play(folder, port, once=once)
    except KeyboardInterrupt:
        say("The server and the agent have been stopped.")
        is_well = True
        raise
    finally:
        if home is None and is_well:
            shutil.rmtree(folder)
        else:
            say(f"The database and the logs are in {folder}.")
    return 0 if is_well else 1


def _play(folder: Path, port: int | None, *, once: bool) -> bool:
    """Set the stage, show the play and its endings; tell whether all ended as expected.

    Raises:
        DemoError: the play did not get that far.
        KeyboardInterrupt: the audience has seen enough.
    """
    with ExitStack() as stage:
        environment = _environment(folder)
        server, url = stage.enter_context(_serving(port, folder, environment))
        print(f"The server listens on {url}", flush=True)
        api = Api(Profile(None, url))
        _register(api)
        agent_words = [*_program(), "agent", "start", "local", "--name", "demo"]
        agent = stage.enter_context(running("agent", agent_words, environment | {"EPARCH_API_URL": url}, folder))
        story = Story(api)
        story.start()
        say("The agent carries out the runs; this takes about ten seconds.")
        story.play(_PLAY_S_MAX)
        for child in (server, agent):
            child.check_alive()
        endings = story.endings()
        print_rows([_row(ending) for ending in endings], _COLUMNS, "table", nothing="")
        is_well = all(ending.is_as_expected for ending in endings)
        if not is_well:
            say("Some runs did not become what they were to become.")
        if not once:
            say(f"EPARCH_API_URL={url} eparch get flow-runs shows the runs; Ctrl-C ends the demo.")
            sys.stdout.flush()
            _wait(server, agent)
        return is_well


def _wait(*children: Child) -> None:
    """Wait until the audience has seen enough.

    Raises:
        DemoError: one of the processes has ended by itself.
        KeyboardInterrupt: it has.
    """
    while not threading.Event().wait(1.0):
        for child in children:
            child.check_alive()


@contextmanager
def _serving(port: int | None, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[Child, str]]:
    """Run a server with its data in `folder`; yield it and its address, once it listens.

    Raises:
        DemoError: it does not start; without a port of its own, neither where servers are expected nor anywhere else.
    """
    for tried in (_PORT, 0) if port is None else (port,):
        words = [*_program(), "server", "start", "--port", str(tried)]
        with running("server", words, dict(environment), folder) as server:
            wait_until(partial(_is_decided, server), "the server", _READY_S_MAX)
            if tried == _PORT and port is None and not server.is_alive:
                continue
            server.check_alive()
            yield server, _address(server)
            return


def _is_decided(server: Child) -> bool:
    """Return whether a server listens, or has given up."""
    return bool(_address(server)) or not server.is_alive


def _address(server: Child) -> str:
    """Return where a server has said that it listens; empty until then."""
    for line in server.log.read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "address" in said:
            return str(said["address"])
    return ""


def _register(api: Api) -> None:
    """Register the flows of the demo, as `eparch register` would."""
    from eparch.sdk.registration import register
    from eparch.sdk.storage.loading import flows_of_file

    if not api.rows("project", "id", {"name": {"_eq": PROJECT}}):
        api.change("create_project", "id", name=PROJECT)
    count = 0
    with redirect_stdout(sys.stderr):
        for file in sorted(_FLOWS.glob("[a-z]*.py")):
            for flow in flows_of_file(file):
                register(flow, PROJECT, client=api.client)
                count += 1
    say(f"{count} flows of {_FLOWS} are registered.")


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user's own settings is found or changed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("EPARCH_")}
    return own | {"EPARCH_HOME": str(folder)}


def _program() -> list[str]:
    return [sys.executable, "-P", "-m", "eparch.cli"]


def _row(ending: Ending) -> dict[str, str]:
    return {
        "flow": ending.flow,
        "name": ending.name,
        "state": ending.state,
        "as_expected": "yes" if ending.is_as_expected else f"no: {ending.expected}",
        "task_runs": str(ending.task_runs) if ending.name else "",
        "took": "" if ending.duration_s is None else f"{ending.duration_s:.1f} s",
        "remark": ending.remark,
    }
