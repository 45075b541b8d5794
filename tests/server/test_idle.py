"""A server that nobody asks for anything does nothing."""

import time

import psutil

from tests.server.conftest import StartServer

# There is no signal that nothing has happened: it takes watching for a while.
WATCHED_S = 2.0


def test_nothing_wakes_an_idle_server(start_server: StartServer) -> None:
    with start_server("--no-services-enabled") as server:
        process = psutil.Process(server.pid)
        before = process.num_ctx_switches().voluntary
        time.sleep(WATCHED_S)
        # A loop that looks ten times a second would be there twenty times.
        assert process.num_ctx_switches().voluntary - before <= 5
