"""Walks over edges, judged by walking every path."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eparch.core.errors import BadInput
from eparch.graphql.traversal import longest_depths, parse_array
from tests.graphql.dataset import row


def by_walking(starts: list[str], following: dict[str, set[str]], limit: int) -> dict[str, int]:
    """Return the depths by following every path, however many there are."""
    depths: dict[str, int] = {}

    def walk(task: str, depth: int) -> None:
        depths[task] = max(depths.get(task, 0), depth)
        if depth < limit:
            for other in following.get(task, ()):
                walk(other, depth + 1)

    for start in starts:
        walk(start, 0)
    return depths


_tasks = st.sampled_from("abcdefg")


@given(st.lists(st.tuples(_tasks, _tasks), max_size=14), st.lists(_tasks, min_size=1, max_size=3), st.integers(0, 5))
def test_depths_are_those_of_the_longest_paths_circles_included(
    edges: list[tuple[str, str]], starts: list[str], limit: int
) -> None:
    following: dict[str, set[str]] = {}
    for one, other in edges:
        following.setdefault(one, set()).add(other)
    assert longest_depths(starts, following, limit) == by_walking(starts, following, limit)


def test_a_chain_ends_at_the_depth_limit() -> None:
    following = {str(number): {str(number + 1)} for number in range(1_000)}
    depths = longest_depths(["0"], following, 50)
    assert (len(depths), max(depths.values())) == (51, 50)


def test_a_task_that_only_long_ways_lead_to_is_not_reached_and_one_with_a_short_way_too_is() -> None:
    following = {str(number): {str(number + 1)} for number in range(60)} | {"0": {"1", "60"}}
    depths = longest_depths(["0"], following, 50)
    assert "59" not in depths
    assert depths["60"] == 1


def test_ten_thousand_tasks_joined_in_every_way_are_walked_at_once() -> None:
    layers = [[f"{layer}-{number}" for number in range(200)] for layer in range(50)]
    following = {task: set(after) for layer, after in pairwise(layers) for task in layer}
    for layer, after in zip(layers, layers[2:], strict=False):
        for task in layer:
            following[task].update(after[:5])
    started = time.perf_counter()
    depths = longest_depths(layers[0], following, 50)
    assert time.perf_counter() - started < 10  # 2 million edges; every path would be 200 to the power of 50
    assert all(depths[task] == depth for depth, layer in enumerate(layers) for task in layer)


def test_a_wide_graph_and_one_that_stands_alone() -> None:
    wide = {"root": {f"leaf {number}" for number in range(2_000)}}
    depths = longest_depths(["root", "alone"], wide, 50)
    assert (len(depths), depths["alone"], depths["leaf 7"]) == (2_002, 0, 1)


def test_arrays_are_read_as_postgresql_writes_them() -> None:
    one, two = row("task", 1), row("task", 2)
    assert parse_array(f"{{{two}, {one},{two} }}") == [one, two]
    assert parse_array(f'{{"{one}"}}') == [one]
    assert parse_array("{}") == parse_array(None) == []


@pytest.mark.parametrize("text", ["", "x", "{x}", row("task", 1), f"{{{row('task', 1)}", 7])
def test_what_is_no_array_of_ids_is_an_error(text: object) -> None:
    with pytest.raises(BadInput):
        parse_array(text)
