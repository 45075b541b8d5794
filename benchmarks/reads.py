"""Measure what pages ask, on a database of 1,000,000 task runs and 10,000,000 log lines, idle and under load.

    python benchmarks/seed.py --size reads sqlite:////big/reads.sqlite
    python benchmarks/reads.py sqlite:////big/reads.sqlite [postgresql://...]

In charge of options and of the order of things; not in charge of the questions (`read_questions`) nor of the load,
which is that of hot-path clients (`read_load`).

Each question is asked through HTTP on a connection that is kept. Beside it stands its limit: the same statements,
already compiled, run by the driver in this process, with nothing around them.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cells import percentile
from eparch_server import EparchServer
from machine import describe_machine
from processes import HOST
from read_questions import Question, questions

from eparch.core.principals import Principal
from eparch.database.engines import parse_url, reading_engine
from eparch.graphql import execute
from eparch.graphql.documents import Documents
from eparch.graphql.limits import Limits

LOAD_CLIENTS = 10


def main() -> int:
    """Measure each database in turn and print a table of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database_urls", nargs="+", help="seeded databases; the load writes to them")
    parser.add_argument("--times", type=int, default=30, help="how often each question is asked (default: 30)")
    parser.add_argument("--only", default="", help="only questions whose name has this text")
    parser.add_argument("--no-load", action="store_true", help="leave out the measurement under load")
    arguments = parser.parse_args()
    print(json.dumps(describe_machine(Path(tempfile.gettempdir())), default=str), file=sys.stderr)
    for url in arguments.database_urls:
        with tempfile.TemporaryDirectory() as directory:
            server = EparchServer(Path(directory), None, database_url=url)
            try:
                _measure(server, url, arguments.times, arguments.only, has_load=not arguments.no_load)
            finally:
                server.stop()
    return 0


def _measure(server: EparchServer, url: str, times: int, only: str, *, has_load: bool) -> None:
    asked = [question for question in questions(server.call) if only in question.name]
    print(f"\n{url.split(':')[0]}, ms (p50 / p95)\n")
    print("| question | answer kB | alone | under load | statements alone | alone / statements |")
    print("|---|---|---|---|---|---|")
    with _limits(url) as limit_of:
        for question in asked:
            alone, size = _ask(server.port, question, times)
            limit = _times(limit_of(question), times)
            loaded: list[float] = []
            if has_load:
                with _load(server.port):
                    loaded, _ = _ask(server.port, question, times)
            ratio = (percentile(alone, 0.5) or 0) / (percentile(limit, 0.5) or 1)
            cells = [question.name, f"{size / 1000:,.0f}", _shown(alone), _shown(loaded), _shown(limit), f"{ratio:.1f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def _ask(port: int, question: Question, times: int) -> tuple[list[float], int]:
    """Return how long the answers took, ascending, in seconds, and how many bytes one has."""
    body = json.dumps({"query": question.document, "variables": question.variables})
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    size = 0

    def ask() -> None:
        nonlocal size
        connection.request("POST", "/graphql", body, {"content-type": "application/json"})
        answer = connection.getresponse().read()
        size = len(answer)
        if b'"errors"' in answer[:200]:
            raise RuntimeError(f"{question.name}: {answer[:500].decode()}")

    found = _times(ask, times)
    connection.close()
    return found, size


def _times(function: Callable[[], object], times: int) -> list[float]:
    taken = []
    # The first one fills caches, as it does for people.
    for _ in range(times + 1):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
    return sorted(taken[1:])


@contextmanager
def _limits(url: str) -> Iterator[Callable[[Question], Callable[[], object]]]:
    """Give a function that returns what runs the statements of a question, and nothing else."""
    engine = reading_engine(parse_url(url))
    documents = Documents(Limits())
    with engine.begin() as connection:
        tenant_id = connection.exec_driver_sql("SELECT id FROM tenant").scalar_one()

    def limit_of(question: Question) -> Callable[[], object]:
        loaded = documents.load(question.document, None)
        values = loaded.variables(question.variables)
        prepared = loaded.prepare(values)
        principal = Principal(tenant_id=str(tenant_id))

        def run() -> None:
            with engine.begin() as connection:
                execute.answer(connection, prepared, loaded.literals, values, principal)

        return run

    yield limit_of
    engine.dispose()


@contextmanager
def _load(port: int) -> Iterator[None]:
    """Let clients of the hot path work meanwhile, in a process of their own."""
    command = [sys.executable, str(Path(__file__).with_name("read_load.py")), str(port), str(LOAD_CLIENTS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.close()
        process.wait()


def _shown(ascending: list[float]) -> str:
    if not ascending:
        return "–"
    return " / ".join(f"{1000 * (percentile(ascending, share) or 0):,.1f}" for share in (0.5, 0.95))


if __name__ == "__main__":
    sys.exit(main())
