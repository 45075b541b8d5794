"""Ids grow, whatever the clock does and however many threads ask."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from uuid import UUID

from eparch.operations.identity import IdMaker, new_id, new_run_name


def test_ids_are_version_7_and_say_when_they_were_made() -> None:
    made = IdMaker(time_ns=lambda: 1_700_000_000_123_456_789).next()
    assert UUID(made).version == 7
    assert UUID(made).int >> 80 == 1_700_000_000_123


def test_ids_grow_within_a_millisecond_and_when_the_clock_steps_back() -> None:
    instants = iter([5_000_000, 5_000_000, 5_999_999, 6_000_000, 1_000_000, 2_000_000, 7_000_000])
    maker = IdMaker(time_ns=lambda: next(instants))
    ids = [maker.next() for _ in range(7)]
    assert ids == sorted(set(ids))


def test_when_a_millisecond_is_used_up_ids_go_on_in_the_next() -> None:
    maker = IdMaker(time_ns=lambda: 5_000_000)
    maker.next()
    maker._entropy = 2**74 - 1
    ids = [maker.next() for _ in range(3)]
    assert ids == sorted(set(ids))
    assert UUID(ids[0]).int >> 80 == 6


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(chain.from_iterable(pool.map(lambda _: [new_id() for _ in range(2_000)], range(8))))
    assert len(set(made)) == 16_000


def test_a_forked_child_makes_other_ids_than_its_parent() -> None:
    maker = IdMaker(seed=b"one and the same")
    before = maker.random_bits(64)
    child = IdMaker(seed=b"one and the same")
    assert child.random_bits(64) == before
    child.start_anew()
    assert child.random_bits(64) != maker.random_bits(64)


def test_the_ids_of_a_forked_process_differ() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 100).decode()
    mine = [new_id() for _ in range(1_000)]
    # The random part, not the instant: both processes were copies of one state.
    assert theirs[-12:] not in {one[-12:] for one in mine}


def test_names_of_runs_vary() -> None:
    assert len({new_run_name() for _ in range(100)}) > 90
