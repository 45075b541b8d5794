"""A server that says nothing for too long is dead, one that said goodbye is not."""

from eparch.core.peers import Peers


def test_one_that_speaks_in_time_is_alive() -> None:
    peers = Peers(silence_s=7)
    for now_s in (0.0, 5.0, 12.0):
        peers.hear("a", now_s)
        assert peers.silent(now_s + 7) == []


def test_one_that_falls_silent_is_told_once() -> None:
    peers = Peers(silence_s=7)
    peers.hear("b", 0)
    peers.hear("a", 0)
    peers.hear("c", 5)
    assert peers.silent(7.5) == ["a", "b"]
    assert peers.silent(8) == []
    assert peers.silent(20) == ["c"]


def test_one_that_comes_back_can_fall_silent_again() -> None:
    peers = Peers(silence_s=7)
    peers.hear("a", 0)
    assert peers.silent(8) == ["a"]
    peers.hear("a", 9)
    assert peers.silent(17) == ["a"]


def test_one_that_said_goodbye_is_not_missed() -> None:
    peers = Peers(silence_s=7)
    peers.hear("a", 0)
    peers.leave("a")
    peers.leave("never heard of")
    assert peers.silent(100) == []
