"""The process that has everything loaded, and copies itself for each flow run: `python -m eparch.agents.nursery FD`.

In charge of copying and of remembering how copies ended; not in charge of what a copy does (`flow_run`). It has one
thread and holds no connection, so that nothing is shared with a copy that must not be.
"""

import contextlib
import json
import os
import signal
import socket
import sys
from typing import Any, Final, NoReturn

_REQUEST_BYTES_MAX: Final = 1 << 20


def main(fd: int) -> None:
    """Serve requests until the agent hangs up."""
    _load()
    ended: list[tuple[int, int]] = []
    with socket.socket(fileno=fd) as agent:
        while True:
            request, descriptors, _, _ = socket.recv_fds(agent, _REQUEST_BYTES_MAX, 2)
            if not request:
                return
            given = json.loads(request)
            if not descriptors:
                _reap(ended)
                agent.send(json.dumps({"ended": ended}).encode())
                ended.clear()
                continue
            control, output = descriptors
            folder = given["folder"]
            if folder is not None and not os.path.isdir(folder):
                agent.send(json.dumps({"error": f"there is no folder {folder}"}).encode())
            else:
                pid = os.fork()
                if pid == 0:
                    agent.close()
                    _become(given, control, output)
                # In both, so that it holds whichever comes first.
                with contextlib.suppress(OSError):
                    os.setpgid(pid, pid)
                agent.send(json.dumps({"pid": pid}).encode())
            os.close(control)
            os.close(output)


def _load() -> None:
    """Load what a flow run needs, before there is one."""
    import asyncio  # noqa: F401
    import http.client
    import logging
    import ssl  # noqa: F401
    import tempfile  # noqa: F401
    import uuid  # noqa: F401

    import cloudpickle  # noqa: F401

    import eparch.agents.flow_run
    import eparch.executors
    import eparch.results
    import eparch.run_configs
    import eparch.schedules
    import eparch.sdk.flows
    import eparch.sdk.functions
    import eparch.sdk.resource_managers
    import eparch.sdk.tracing
    import eparch.storage  # noqa: F401

    logging.getLogger("eparch")
    http.client.HTTPConnection("127.0.0.1")


def _become(given: dict[str, Any], control: int, output: int) -> NoReturn:
    """Turn this copy into the process of a flow run."""
    code = 1
    try:
        # A group of its own, so that a signal reaches what the run has started too.
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.clear()
        os.environ.update(given["environment"])
        if given["folder"] is not None:
            os.chdir(given["folder"])
        from eparch.agents.flow_run import main as carry_out

        code = carry_out([given["flow_run_id"], "--control", str(control)])
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        # Past this, the code of the process that was copied would go on.
        os._exit(code)


def _reap(ended: list[tuple[int, int]]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        ended.append((pid, os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
