"""Following a run while its server goes away: with a real server, which is killed and started again."""

import signal

import pytest

from eparch import Flow, task
from eparch.cli.connection import Api
from eparch.cli.following import Follower
from eparch.client.errors import Unreachable
from eparch.client.profiles import Profile
from eparch.core.errors import NotFound
from eparch.testing import TemporaryServer


@task
def nothing() -> None:
    """Do nothing."""


def made_run(server: TemporaryServer) -> str:
    with Flow("followed") as flow:
        nothing()
    return server.create_run(flow)


def test_a_server_that_was_away_is_asked_again(own_server: TemporaryServer, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = made_run(own_server)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            own_server.start()

    follower = Follower(Api(Profile(None, own_server.url)), run_id, sleep=wait)
    own_server.stop(signal.SIGKILL)
    run, states = follower.states()
    assert (run["state"], len(states)) == ("Scheduled", 1)
    assert len(waits) == 2
    own_server.stop(signal.SIGKILL)
    waits.clear()
    assert list(follower.lines()) == []
    assert len(waits) == 2
    told = f"No server answers at {own_server.url}: Connection refused. The run goes on; asking again for 600 s."
    assert capsys.readouterr().err.splitlines() == [told, told]


def test_a_server_that_stays_away_is_an_error() -> None:
    waits: list[float] = []
    follower = Follower(Api(Profile(None, "http://127.0.0.1:1")), "some-run", away_s_max=3, sleep=waits.append)
    with pytest.raises(Unreachable, match=r"No server answers at http://127\.0\.0\.1:1"):
        follower.states()
    assert sum(waits) == 3


def test_a_run_that_is_deleted_meanwhile_is_an_error(own_server: TemporaryServer) -> None:
    run_id = made_run(own_server)
    waits: list[float] = []
    follower = Follower(Api(Profile(None, own_server.url)), run_id, sleep=waits.append)
    follower.states()
    own_server.client.change("delete_flow_run", {"flow_run_id": run_id}, "success")
    with pytest.raises(NotFound, match=f"Flow run {run_id} is no longer there"):
        follower.states()
    assert waits == []
