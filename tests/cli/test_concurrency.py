"""Concurrency limits on the command line: set, in use, deleted."""

from eparch import Flow, task
from eparch.testing import TemporaryServer
from tests.cli.program import Program


@task(tags=["db"])
def nothing() -> None:
    """Do nothing."""


def test_limits_are_set_listed_and_deleted(own: Program, own_server: TemporaryServer) -> None:
    assert "There are no limits" in own("concurrency", "list").err
    assert "At most 10 task runs with the tag db" in own("concurrency", "set", "tag", "db", "10").err
    own.ok("concurrency", "set", "label", "gpu", "2")
    own.ok("concurrency", "set", "label", "gpu", "1")
    with Flow("limited") as flow:
        nothing()
    own_server.register(flow)
    for name in ("first", "second"):
        own.ok("run", "-n", "limited", "--label", "gpu", "--run-name", name)
    given = {"labels": ["gpu"], "limit": 10}
    (taken,) = own_server.client.change("claim_flow_runs", given, "flow_runs { name }")["flow_runs"]
    assert taken == {"name": "first"}
    rows = [{key: value for key, value in row.items() if key != "id"} for row in own.json("concurrency", "list")]
    assert rows == [
        {"kind": "tag", "name": "db", "limit": 10, "in_use": 0, "waiting": 0},
        {"kind": "label", "name": "gpu", "limit": 1, "in_use": 1, "waiting": 0},
    ]
    own.ok("concurrency", "delete", "label", "gpu", "--yes")
    assert [row["name"] for row in own.json("concurrency", "list")] == ["db"]


def test_wrong_calls(own: Program) -> None:
    own.ok("concurrency", "set", "tag", "database", "1")
    assert own("concurrency", "set", "tag", "db", "-1").code == 2
    assert own("concurrency", "set", "flow", "db", "1").code == 2
    assert own("concurrency", "delete", "tag", "databse", "-y").hint == "hint: did you mean 'database'?"
    assert own("concurrency", "delete", "tag", "database").code == 2
