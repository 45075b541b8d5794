"""Documents are those that Prefect 1.x clients write: the samples were captured from Prefect 1.4.1."""

import datetime
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import DAILY, rrule, rruleset

from eparch import Flow, FlowError, Parameter, flatten, task, triggers, unmapped
from eparch.cache_validators import partial_inputs_only
from eparch.client.marks import FORMAT_VERSION, is_own_version
from eparch.run_configs import DockerRun, ECSRun, KubernetesRun, LocalRun, UniversalRun, VertexRun
from eparch.schedules import CronClock, DatesClock, IntervalClock, RRuleClock, Schedule, adjustments, filters
from eparch.sdk.storage.documents import storage_of_document
from eparch.storage import GCS, S3, Azure, Bitbucket, Docker, Git, GitHub, GitLab, Local, Module
from tests.sdk.outcomes import _without_versions

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Any:
    return _without_versions(json.loads((SAMPLES / f"{name}.json").read_text()))


def full_flow() -> Flow:
    """Build the flow of the sample, in which every feature of the format occurs."""

    @task(
        tags=["b", "a"],
        max_retries=2,
        retry_delay=datetime.timedelta(seconds=5),
        timeout=30,
        cache_for=datetime.timedelta(hours=1),
        cache_validator=partial_inputs_only(validate_on=["x"]),
    )
    def inc(x: int) -> int:
        return x + 1

    @task(trigger=triggers.any_successful, skip_on_upstream_skip=False)
    def add(a, b=1):  # type: ignore[no-untyped-def]
        return a + b

    @task
    def fl(l):  # type: ignore[no-untyped-def]  # noqa: E741
        return l

    @task(trigger=triggers.some_failed(at_least=1, at_most=0.5))
    def tot(l):  # type: ignore[no-untyped-def]  # noqa: E741
        return l

    with Flow("demo", run_config=UniversalRun(env={"A": "1"}, labels=["l2", "l1"]), storage=Module("demo_mod")) as flow:
        first = inc(Parameter("p", default=1))
        mapped = inc.map([1, 2, 3])
        added = add(first)
        add.map(mapped, b=unmapped(added))
        fl.map(flatten(mapped))
        total = tot(mapped)
        added.set_upstream(total)
    flow.set_reference_tasks([total])
    return flow


def full_schedule() -> Schedule:
    utc = datetime.UTC
    start = datetime.datetime.fromisoformat("2022-01-01")
    rules = rruleset()
    rules.rrule(rrule(DAILY, dtstart=start, count=3))
    rules.exdate(start + datetime.timedelta(days=1))
    until = datetime.datetime(2030, 1, 1, tzinfo=utc)
    return Schedule(
        clocks=[
            IntervalClock(
                datetime.timedelta(minutes=5),
                start_date=start.replace(tzinfo=ZoneInfo("America/New_York")),
                parameter_defaults={"p": 3},
                labels=["x"],
            ),
            IntervalClock(datetime.timedelta(days=1)),
            CronClock(
                "0 9 * * 1-5",
                start_date=start.replace(tzinfo=ZoneInfo("Europe/Paris")),
                end_date=datetime.datetime(2030, 1, 1, tzinfo=utc),
                day_or=False,
            ),
            CronClock("*/5 * * * *"),
            DatesClock(
                [
                    datetime.datetime(2029, 2, 1, tzinfo=ZoneInfo("America/Chicago")),
                    datetime.datetime(2029, 1, 1, 5, tzinfo=utc),
                ]
            ),
            RRuleClock(rrule(DAILY, dtstart=start.replace(tzinfo=utc), until=until, byhour=9)),
            RRuleClock(rules, start_date=start.replace(tzinfo=utc)),
        ],
        filters=[
            filters.is_weekday,
            filters.between_times(datetime.time(9), datetime.time(17)),
            filters.on_date(3, 4),
            filters.between_dates(1, 2, 3, 4),
            filters.is_day_of_week(2),
        ],
        or_filters=[
            filters.at_time(datetime.time(10, 30)),
            filters.between_datetimes(start, datetime.datetime(2023, 1, 1, tzinfo=utc)),
            filters.on_datetime(start),
        ],
        not_filters=[filters.is_month_end, filters.is_month_start, filters.is_weekend],
        adjustments=[adjustments.add(datetime.timedelta(hours=2)), adjustments.next_weekday],
    )


def test_a_flow_with_every_feature_is_written_as_in_the_sample() -> None:
    flow = full_flow()
    flow.schedule = full_schedule()
    assert _without_versions(flow.serialize()) == sample("flow_full")


def test_an_empty_flow_is_written_as_in_the_sample() -> None:
    assert _without_versions(Flow("empty").serialize()) == sample("flow_minimal")


def test_the_same_code_gives_the_same_document() -> None:
    assert json.dumps(full_flow().serialize()) == json.dumps(full_flow().serialize())


def test_run_configs_are_written_as_in_the_sample() -> None:
    made = [
        UniversalRun(),
        LocalRun(working_dir="/w"),
        DockerRun(image="i", ports=[80], host_config={"a": 1}),
        KubernetesRun(image="i", job_template={"kind": "Job"}, cpu_limit=2),
        ECSRun(image="i", cpu="1 vcpu", memory="2 GB", run_task_kwargs={"cluster": "c"}),
        VertexRun(image="i"),
    ]
    assert [_without_versions(config.serialize()) for config in made] == sample("run_configs")


def test_storages_are_written_as_in_the_sample() -> None:
    docker = {**Docker("r", "n", "t", path="p").serialize(), "path": None, "stored_as_script": False}
    made = [
        Local("/srv/flows/flows").serialize(),
        {**docker, "prefect_version": "1.4.1"},
        GitHub("o/r", "f.py", access_token_secret="T").serialize(),
        GitLab("o/r", path="f.py").serialize(),
        Bitbucket("P", "r", path="f.py").serialize(),
        Git("f.py", repo="o/r").serialize(),
        Module("m").serialize(),
        S3("b", "k", stored_as_script=True).serialize(),
        GCS("b").serialize(),
        Azure("c", connection_string_secret="S").serialize(),
    ]
    known = {"CodeCommit", "Webhook"}  # written by Prefect alone; Eparch says that it cannot read them
    wanted = [document for document in sample("storages") if document["type"] not in known]
    assert [_without_versions(document) for document in made] == wanted


@pytest.mark.parametrize("document", json.loads((SAMPLES / "storages.json").read_text()), ids=lambda d: d["type"])
def test_a_storage_is_read_back_as_it_was_written(document: dict[str, Any]) -> None:
    document["flows"] = {"etl": "somewhere"}
    if document["type"] in ("CodeCommit", "Webhook"):
        with pytest.raises(FlowError, match="which Eparch cannot read"):
            storage_of_document(document)
        return
    if document["type"] == "Docker":
        document["path"] = "/flows/etl.py"
        document["prefect_version"] = FORMAT_VERSION
        document["stored_as_script"] = True
    storage = storage_of_document(document)
    assert _without_versions(storage.serialize()) == _without_versions(document)
    assert storage.location("etl") == "somewhere"


def test_the_version_mark_tells_whose_library_wrote_a_flow() -> None:
    assert is_own_version(Flow("empty").serialize()["__version__"])
    assert not is_own_version("1.4.1")
    assert not is_own_version(None)


def test_a_default_that_is_no_json_is_said_with_its_parameter() -> None:
    with Flow("etl") as flow:
        Parameter("since", default=datetime.date(2026, 1, 1))()
    with pytest.raises(FlowError, match="default of parameter 'since' of flow 'etl' cannot be JSON"):
        flow.serialize()
    with Flow("etl") as flow:
        Parameter("limit", default=float("nan"))()
    with pytest.raises(FlowError, match="'limit'"):
        flow.serialize()
