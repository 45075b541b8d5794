"""What servers tell each other: every name once, in messages that PostgreSQL takes, and none of their own."""

from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import create_engine

from eparch.database.notices import PAYLOAD_BYTES_MAX
from eparch.server.replicas import SILENCE_S, Message, Replicas


class World:
    """A server that hears what a test says, at a time that the test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.changed: list[frozenset[str]] = []
        self.missed = 0
        # It is never started, so it never connects.
        engine = create_engine("sqlite://")
        self.replicas = Replicas(
            engine, "me", changed=self.changed.append, missed=self._miss, monotonic_s=lambda: self.now_s
        )

    def _miss(self) -> None:
        self.missed += 1

    def hear(self, sender: str, *touched: str, is_last: bool = False) -> None:
        self.replicas._receive(msgspec.json.encode(Message(sender, list(touched), is_last)).decode())

    def compose(self, *touched: str) -> Iterator[Message]:
        for payload in self.replicas._compose(frozenset(touched)):
            assert len(payload.encode()) <= PAYLOAD_BYTES_MAX
            yield msgspec.json.decode(payload, type=Message)


@pytest.fixture
def world() -> World:
    return World()


def test_what_was_touched_is_told(world: World) -> None:
    assert list(world.compose("flow_run", "log")) == [Message("me", ["flow_run", "log"])]


def test_where_nothing_was_touched_a_sign_of_life_is_told(world: World) -> None:
    assert list(world.compose()) == [Message("me")]


@pytest.mark.parametrize("name", ["slot:{:05}" + "x" * 50, "é" * 40 + "{}", '"' * 60 + "{}"])
def test_many_names_are_told_in_several_messages(world: World, name: str) -> None:
    names = {name.format(index) for index in range(1000)}
    told = [each.touched for each in world.compose(*names)]
    assert len(told) > 1
    assert sorted(each for part in told for each in part) == sorted(names)


def test_what_others_touched_is_passed_on_and_what_this_server_touched_is_not(world: World) -> None:
    world.hear("other", "flow_run")
    world.hear("other")
    world.hear("me", "project")
    assert world.changed == [{"flow_run"}]


def test_everybody_looks_once_when_another_server_has_fallen_silent(world: World) -> None:
    world.hear("other", "flow_run")
    world.now_s = SILENCE_S + 1
    world.hear("me")
    world.hear("me")
    assert world.missed == 1


def test_nobody_looks_when_another_server_has_ended_well(world: World) -> None:
    world.hear("other")
    world.hear("other", is_last=True)
    world.now_s = SILENCE_S + 1
    world.hear("me")
    assert world.missed == 0


def test_after_a_lost_connection_everybody_looks_once_and_nobody_is_called_silent(world: World) -> None:
    world.hear("other")
    world.now_s = SILENCE_S + 1
    world.replicas._after_gap()
    world.hear("me")
    assert world.missed == 1
