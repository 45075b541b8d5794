"""A process that is killed at any moment loses nothing that it has acknowledged, and nothing is there by half."""

import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from eparch.database import migrate
from tests.database.connections import connected
from tests.databases import Databases
from tests.faults import versions

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 10
SEED = 20260131


def acknowledged_before_kill(url: str, chance: random.Random) -> dict[int, int]:
    """Let a process write, kill it after some acknowledgements, and return all that it had given."""
    command = [sys.executable, "-m", "tests.faults.versions", url, str(chance.randrange(2**32))]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = list(islice(process.stdout, chance.randrange(20, 700)))
    process.kill()
    # What it has told before it died is in the pipe; only the very last line may be cut off.
    rest, errors = process.communicate()
    assert process.returncode == -9, errors
    assert errors == ""
    lines += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    return versions.acknowledged(lines)


def test_a_killed_writer_loses_nothing_that_it_acknowledged(durable_databases: Databases) -> None:
    chance = random.Random(SEED)
    promised: dict[int, int] = {}
    with durable_databases.fresh(migrate.upgrade) as url:
        with connected(url) as connection:
            versions.add_runs(connection)
            if durable_databases.dialect == "postgresql":
                # The writers lock each other out often, as work that stands alone locks in any order.
                connection.exec_driver_sql(f"ALTER DATABASE {url.rpartition('/')[2]} SET deadlock_timeout = '20ms'")
        for _ in range(ROUNDS):
            told = acknowledged_before_kill(url, chance)
            # The next life goes on where the last one was acknowledged, or further.
            assert all(version > promised.get(number, 0) for number, version in told.items())
            promised |= told
            with connected(url) as connection:
                assert versions.faults_in(connection, promised) == []
            assert migrate.check(url) == []
    assert sum(promised.values()) > 100 * ROUNDS


KILLED_BY_ITSELF = """
import os, signal, sys
from sqlalchemy import Engine, event
from eparch.database.migrate import prepare

statements = 0

def count(*_arguments):
    global statements
    statements += 1
    if str(statements) == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "before_cursor_execute", count)
if sys.argv[2] == "commit":
    event.listen(Engine, "commit", lambda _connection: os.kill(os.getpid(), signal.SIGKILL))
prepare(sys.argv[1])
"""


@pytest.mark.parametrize("statement", ["1", "3", "8", "20", "40", "commit"])
def test_a_migration_that_is_killed_has_not_happened(durable_databases: Databases, statement: str) -> None:
    with durable_databases.fresh() as url:
        command = [sys.executable, "-c", KILLED_BY_ITSELF, url, statement]
        killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert killed.returncode == -9, killed.stderr
        assert migrate.current(url) is None
        migrate.upgrade(url)
        assert migrate.check(url) == []
