"""The seeded database: what benchmarks and the tests of the web UI stand on."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import aliased

from benchmarks.seeding.hostile import NAMES, SCRIPT
from benchmarks.seeding.sizes import SIZES
from benchmarks.seeding.world import WIDE_RUN, NotEmpty, seed
from eparch.core.states import ENDING
from eparch.database.engines import parse_url, reading_engine
from eparch.database.migrate import check
from eparch.database.tables import (
    METADATA,
    flow_group,
    flow_run,
    flow_run_state,
    log,
    task_run,
    task_run_artifact,
    task_run_state,
)
from tests.databases import Databases

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SMALL = SIZES["small"]


def seed_small(url: str) -> None:
    seed(url, SMALL, now=NOW)


@pytest.fixture
def url(databases: Databases) -> object:
    with databases.fresh(seed=seed_small) as url:
        yield url


@pytest.fixture
def engine(url: str) -> object:
    engine = reading_engine(parse_url(url))
    yield engine
    engine.dispose()


def test_the_tables_are_sound_and_all_references_lead_somewhere(url: str, engine: Engine) -> None:
    assert check(url) == []
    with engine.connect() as connection:
        for table in METADATA.sorted_tables:
            for key in table.foreign_keys:
                parent = aliased(key.column.table)
                lost = (
                    select(func.count())
                    .select_from(table)
                    .outerjoin(parent, key.parent == parent.c[key.column.name])
                    .where(key.parent.is_not(None), parent.c[key.column.name].is_(None))
                )
                assert connection.scalar(lost) == 0, f"{table.name}.{key.parent.name}"


def test_there_is_as_much_as_was_asked_for(engine: Engine) -> None:
    with engine.connect() as connection:
        groups = connection.scalar(select(func.count()).select_from(flow_group))
        assert groups == SMALL.flows + 1 + len(NAMES)
        ended = connection.scalar(select(func.count()).where(flow_run.c.state.in_(ENDING)))
        assert ended == SMALL.flow_runs + 1 + len(NAMES)
        wide = select(flow_run.c.id).where(flow_run.c.name == WIDE_RUN).scalar_subquery()
        children = select(func.count()).where(task_run.c.flow_run_id == wide, task_run.c.map_index >= 0)
        assert connection.scalar(children) == SMALL.wide_children
        lines = connection.scalar(select(func.count()).where(log.c.flow_run_id == wide))
        assert SMALL.wide_log_lines <= lines <= SMALL.wide_log_lines + SMALL.wide_children
        others = connection.scalar(select(func.count()).where(log.c.flow_run_id != wide))
        assert others >= SMALL.log_lines * 0.9
        tasks = connection.scalar(select(func.count()).where(task_run.c.flow_run_id != wide))
        assert SMALL.task_runs * 0.8 < tasks < SMALL.task_runs * 1.2


@pytest.mark.parametrize(("runs", "states"), [(flow_run, flow_run_state), (task_run, task_run_state)])
def test_a_run_is_in_the_last_state_that_it_entered(engine: Engine, runs: object, states: object) -> None:
    assert runs in (flow_run, task_run)
    run_id = states.c[f"{runs.name}_id"]  # type: ignore[attr-defined]
    joined = runs.join(states, (run_id == runs.c.id) & (states.c.version == runs.c.version))  # type: ignore[attr-defined]
    with engine.connect() as connection:
        total = connection.scalar(select(func.count()).select_from(runs))  # type: ignore[call-overload]
        agreeing = select(func.count()).select_from(joined).where(states.c.state == runs.c.state)  # type: ignore[attr-defined]
        assert connection.scalar(agreeing) == total
        backwards = select(func.count()).where(runs.c.end_time < runs.c.start_time)  # type: ignore[attr-defined]
        assert connection.scalar(backwards) == 0
        ahead = select(func.count()).where(runs.c.state_timestamp > NOW)  # type: ignore[attr-defined]
        assert connection.scalar(ahead) == 0


def test_every_kind_of_day_is_there(engine: Engine) -> None:
    with engine.connect() as connection:
        states = set(connection.scalars(select(flow_run.c.state).distinct()))
        assert {"Success", "Failed", "Running", "Scheduled", "Submitted", "Cancelling"} <= states
        task_states = set(connection.scalars(select(task_run.c.state).distinct()))
        assert {"Success", "Failed", "TriggerFailed", "Mapped", "Running", "Pending"} <= task_states
        late = select(func.count()).where(flow_run.c.state == "Scheduled", flow_run.c.scheduled_start_time < NOW)
        planned = select(func.count()).where(flow_run.c.auto_scheduled, flow_run.c.scheduled_start_time > NOW)
        assert connection.scalar(late) >= 4
        assert connection.scalar(planned) >= 10


def test_what_is_hostile_is_kept_as_it_is(engine: Engine) -> None:
    with engine.connect() as connection:
        assert set(NAMES) <= set(connection.scalars(select(flow_run.c.name)))
        assert SCRIPT in set(connection.scalars(select(log.c.message)))
        assert SCRIPT in set(connection.scalars(select(task_run_artifact.c.kind)))


def test_the_same_arguments_give_the_same_rows(databases: Databases, engine: Engine) -> None:
    columns = (flow_run.c.id, flow_run.c.name, flow_run.c.state, flow_run.c.start_time, flow_run.c.parameters)
    statements = (
        # The next runs of schedules are made by the server's scheduler, with ids and names of its own.
        select(*columns).where(flow_run.c.scheduled_start_time < NOW).order_by(flow_run.c.id),
        # Nor does the seed make the tenant.
        select(*(c for c in log.c if c.name != "tenant_id")).order_by(log.c.id).limit(500),
        select(*(c for c in task_run.c if c.name != "tenant_id")).order_by(task_run.c.id).limit(500),
    )
    with databases.fresh() as url:
        seed(url, SMALL, now=NOW)
        again = reading_engine(parse_url(url))
        with engine.connect() as one, again.connect() as other:
            for statement in statements:
                assert one.execute(statement).all() == other.execute(statement).all()
        again.dispose()


def test_a_database_that_is_in_use_is_left_alone(url: str) -> None:
    with pytest.raises(NotEmpty):
        seed(url, SMALL, now=NOW)
