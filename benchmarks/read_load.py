"""Clients of the hot path that work while something else is measured.

    python benchmarks/read_load.py PORT CLIENTS

In charge of the load until standard input ends; not in charge of measuring it. Prints a line once it works.
"""

from __future__ import annotations

import sys
import threading

from eparch_server import EparchClients
from loadgen import Connections, Window, run_generator
from processes import HOST

SLICE_S = 1.0


def main() -> int:
    """Work until told to end."""
    clients = EparchClients(int(sys.argv[1]))
    scripts = clients.open_scripts(int(sys.argv[2]))
    is_over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
    print("working", flush=True)
    changes = 0
    while not is_over.is_set():
        measured = run_generator(HOST, clients.port, scripts, Connections.KEEP_ALIVE, Window(0, SLICE_S, 10))
        changes += sum(measured.completed)
    clients.close_scripts(scripts)
    print(changes, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
