"""The program that carries out one flow run: `python -m eparch.agents.flow_run FLOW_RUN_ID`.

In charge of the way in and out of the process: who watches over it, and its exit code; not in charge of the run itself
(`eparch.sdk.engine.server_run`). Agents start it, as a process, in a container or in a Kubernetes job.

With `--control FD` somebody watches from outside: a line `end STATE` that can be read from FD ends the run. When FD
closes, whoever watched is gone, and the run watches over itself from then on.

Exit codes: 0, the server has been told how the run ended, or that it goes on later; 3, the server could not be told.
"""

import argparse
import logging
import os
import sys
import threading
from typing import Final

from eparch.client.client import Client
from eparch.client.errors import ClientError
from eparch.sdk.engine.server_run import Interruption, run_flow_run
from eparch.sdk.engine.watching import Watch
from eparch.sdk.storage.loading import let_import_from

UNTOLD: Final = 3

_logger: Final = logging.getLogger("eparch.flow_run")


def carry_out(flow_run_id: str, control: int | None) -> int:
    """Carry out a flow run and return the exit code of its process."""
    # As for any program; after the standard library, so that a file of the user's does not stand in for a part of it.
    let_import_from(os.getcwd())
    client = Client()
    interruption = Interruption()
    if control is not None:
        listener = threading.Thread(target=_listen, args=(control, client, flow_run_id, interruption), daemon=True)
        listener.start()
    try:
        run_flow_run(flow_run_id, client=client, watches=control is None, interruption=interruption)
    except ClientError as error:
        _logger.error("Flow run %s: the server could not be told how it ended: %s", flow_run_id, error)
        return UNTOLD
    return 0


def main(words: list[str] | None = None) -> int:
    """Read the command line, carry the run out, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m eparch.agents.flow_run", description="Carry out one flow run.")
    parser.add_argument("flow_run_id", nargs="?", default=os.environ.get("EPARCH_FLOW_RUN_ID"))
    parser.add_argument("--control", type=int)
    given = parser.parse_args(words)
    if not given.flow_run_id:
        parser.error("which flow run? Name it, or set EPARCH_FLOW_RUN_ID.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s | %(message)s")
    return carry_out(given.flow_run_id, given.control)


def _listen(control: int, client: Client, flow_run_id: str, interruption: Interruption) -> None:
    with os.fdopen(control, encoding="ascii") as lines:
        for line in lines:
            word, _, state = line.strip().partition(" ")
            if word == "end":
                interruption.end(state)
                return
    _logger.warning("The agent of flow run %s is gone; the run watches over itself.", flow_run_id)
    Watch(client, flow_run_id, lambda state: interruption.end(state))


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of tasks that cannot be stopped must not keep a cancelled run alive.
    os._exit(code)
