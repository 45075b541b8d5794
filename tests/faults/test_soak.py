"""Servers, agents and the database are killed, paused and restarted at random under load; no promise is broken.

A short form runs with every test run; `make soak` runs it for half an hour. `EPARCH_TEST_SOAK_SEED` repeats one.
"""

import os
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.database.connections import connected
from tests.faults.soak import HEARTBEAT_TIMEOUT_S, PAUSE_S, Soak, soak_s
from tests.faults.soak_judge import faults_in, read_journal, unfinished
from tests.waiting import wait_until

SEED = int(os.environ.get("EPARCH_TEST_SOAK_SEED", random.randrange(10**6)))
DURATION_S = soak_s()
# After the last pause a lease and a heartbeat must run out, then what was left is carried out anew.
END_S_MAX = 120 + PAUSE_S + 4 * HEARTBEAT_TIMEOUT_S
BYTES_MAX = 400 * 2**20
# A server of this age has filled its caches.
GROWN_UP_S = 120
GROWTH_MAX = 1.25

pytestmark = [pytest.mark.xdist_group("soak"), pytest.mark.timeout(DURATION_S + 900)]


@pytest.fixture
def soak(tmp_path: Path) -> Iterator[Soak]:
    print(f"seed {SEED}")
    made = Soak(tmp_path, SEED)
    yield made
    made.close()


def test_whatever_is_killed_no_promise_is_broken(soak: Soak) -> None:
    soak.break_things(DURATION_S)
    soak.mend()

    def left() -> list[str]:
        with connected(soak.url) as connection:
            return unfinished(connection)

    try:
        wait_until(lambda: not left(), "every run to end", END_S_MAX)
    except TimeoutError:
        assert left() == []
    with connected(soak.url) as connection:
        journal = [line for path in soak.journals() for line in read_journal(path)]
        assert faults_in(connection, journal, soak.created) == []
    soak.check_logs()
    told: dict[str, int] = defaultdict(int)
    for line in journal:
        told[line["what"]] += 1
    print(f"seed {SEED}: {dict(soak.happened)}; {len(soak.created)} runs made; {dict(told)}")
    assert soak.created
    assert told["state"] > 20
    assert sum(soak.happened.values()) > DURATION_S / 10
    assert memory_is_flat(soak.memory)


def memory_is_flat(memory: list[tuple[int, float, int]]) -> bool:
    """Return whether no server has grown since it was grown up, nor is any large."""
    by_server: dict[int, list[int]] = defaultdict(list)
    for pid, age_s, size in memory:
        if age_s > GROWN_UP_S:
            by_server[pid].append(size)
    return all(size < BYTES_MAX for _, _, size in memory) and all(
        sizes[-1] < GROWTH_MAX * sizes[0] for sizes in by_server.values()
    )
