"""Backfills from the command line: looked at, begun, watched, cancelled."""

from datetime import timedelta

import pytest

from eparch import Flow, Parameter, task
from eparch.schedules import Interval
from eparch.testing import TemporaryServer
from tests.cli.program import ID, Program

RANGE = ("--from", "2026-01-01T00:00+00:00", "--to", "2026-01-01T03:00+00:00")


@task
def work(day: str) -> None:
    """Do nothing."""


@pytest.fixture
def hourly(own_server: TemporaryServer) -> None:
    with Flow("hourly", schedule=Interval(timedelta(hours=1))) as flow:
        work(Parameter("day", default="today"))
    own_server.register(flow)


@pytest.mark.usefixtures("hourly")
def test_a_backfill_is_looked_at_begun_watched_and_cancelled(own: Program) -> None:
    looked = own("backfill", "create", "hourly", *RANGE, "--dry-run")
    assert looked.code == 0
    assert len(looked.out.splitlines()) == 1 + 4
    assert "This would be 4 instants. Without --dry-run it begins." in looked.err
    assert own.json("backfill", "list") == []

    begun = own("backfill", "create", "hourly", *RANGE, "--concurrency", "2", "--param", "day=then", "--label", "x")
    id_ = begun.out.strip()
    assert begun.code == 0
    assert "A backfill of flow hourly has begun: 4 instants." in begun.err
    (found,) = own.json("backfill", "list", "--flow", "hourly")
    assert (found["id"], found["state"], found["concurrency"], found["instant_count"]) == (id_, "Running", 2, 4)
    assert (found["parameters"], found["labels"], found["direction"]) == ({"day": "then"}, ["x"], "forward")
    assert id_ in own.ok("backfill", "list")
    shown = own.ok("backfill", "show", id_)
    assert "flow      hourly" in shown
    assert "order     the oldest first" in shown

    assert "makes no more runs; its runs that had not ended are cancelled." in own("backfill", "cancel", id_).err
    assert own.json("backfill", "show", id_)["state"] == "Cancelled"
    assert own("backfill", "cancel", id_).error == "error: The backfill has ended already: Cancelled."


@pytest.mark.usefixtures("hourly")
def test_a_date_as_the_end_means_the_whole_day(own: Program) -> None:
    made = own.json("backfill", "create", "hourly", "--from", "2026-01-01", "--to", "2026-01-01", "--dry-run")
    assert made["instant_count"] == 24
    newest = own.json("backfill", "create", "hourly", *RANGE, "--backward", "--dry-run")["instants"][0]
    assert newest["start_time"] == "2026-01-01T03:00:00.000000+00:00"


@pytest.mark.usefixtures("hourly")
@pytest.mark.parametrize(
    ("words", "code", "error", "hint"),
    [
        (("create", "hourli", *RANGE), 1, "There is no flow 'hourli'.", "did you mean 'hourly'?"),
        (("create", "hourly", *RANGE, "--param", "dai=1"), 2, "Flow 'hourly' has no parameter 'dai'.", "did you mean"),
        (("create", "hourly", "--from", "soon"), 2, "--from is 'soon'", "such as 2026-01-01T06:00+01:00"),
        (("create", "hourly", *RANGE, "--concurrency", "0"), 1, "A concurrency of 0 is not possible", ""),
        (("show", "hourly"), 1, "There is no backfill 'hourly'.", "see eparch backfill list"),
        (("cancel", "00000000-0000-0000-0000-000000000007"), 1, "There is no backfill", "see eparch backfill list"),
    ],
)
def test_wrong_calls(own: Program, words: tuple[str, ...], code: int, error: str, hint: str) -> None:
    done = own("backfill", *words)
    assert (done.code, done.out) == (code, "")
    assert error in done.error
    if hint:
        assert hint in done.hint
    assert own.json("backfill", "list") == []


def test_a_flow_without_a_schedule_has_no_past(own: Program, own_server: TemporaryServer) -> None:
    with Flow("by-hand") as flow:
        work("now")
    own_server.register(flow)
    done = own("backfill", "create", "by-hand", *RANGE)
    assert done.code == 1
    assert "has no schedule" in done.error


def test_an_id_is_all_that_is_printed(own: Program, hourly: None) -> None:
    import re

    assert re.fullmatch(ID, own.ok("backfill", "create", "hourly", *RANGE))
