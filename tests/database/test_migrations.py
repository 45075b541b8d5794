"""Migrations reach the tables of this version, keep the data, and are carried out as a whole or not at all."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from eparch.core.errors import EparchError
from eparch.database import migrate, migrations
from eparch.database.migrations.regenerate import initial_sql
from eparch.database.schema import describe, wanted
from eparch.database.tables import METADATA
from tests.database.connections import connected
from tests.database.rows import counts, fill
from tests.databases import Databases

HEAD = migrations.REVISIONS[-1]


@pytest.fixture
def own_revisions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the migrations, to which a test may add; the folder of its versions."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "FOLDER", folder)
    return folder / "versions"


def add_revision(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, body: str) -> None:
    before = migrations.REVISIONS[-1]
    text = f"from alembic import op\nimport sqlalchemy as sa\nrevision = {name!r}\ndown_revision = {before!r}\n"
    (folder / f"v{name}.py").write_text(f"{text}def upgrade():\n{body}")
    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, name))


# ---- What they reach ----


@pytest.mark.parametrize("is_analysed", [True, False])
def test_statistics_that_sqlite_has_are_renewed_with_its_indexes(
    sqlite_databases: Databases, monkeypatch: pytest.MonkeyPatch, own_revisions: Path, is_analysed: bool
) -> None:
    def analysed_indexes() -> set[str]:
        with connected(url) as connection:
            if not connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").first():
                return set()
            return set(connection.exec_driver_sql("SELECT idx FROM sqlite_stat1").scalars())

    with sqlite_databases.fresh(migrate.upgrade) as url:
        with connected(url) as connection:
            fill(connection)
            if is_analysed:
                connection.exec_driver_sql("ANALYZE")
        add_revision(monkeypatch, own_revisions, "9999_new", "    op.execute('CREATE INDEX new_one ON log (level)')\n")
        migrate.upgrade(url)
        assert ("new_one" in analysed_indexes()) == is_analysed


def test_the_list_of_revisions_is_the_one_line_of_the_scripts() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [HEAD]
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == migrations.REVISIONS


def test_migrating_an_empty_database_gives_exactly_the_tables_of_the_metadata(eparch_url: str) -> None:
    with connected(eparch_url) as connection:
        found, right = describe(connection), wanted(connection)
    assert found == right
    assert {line.split()[1].split(".")[0] for line in found if line.startswith("column ")} == set(METADATA.tables)


def test_a_description_tells_everything_that_a_migration_could_forget(eparch_url: str) -> None:
    with connected(eparch_url) as connection:
        lines = "\n".join(sorted(describe(connection)))
    for name in (
        "column flow_run.state: ",
        "constraint of task_run: CONSTRAINT ck_task_run_state CHECK",
        "constraint of flow_run: CONSTRAINT fk_flow_run_flow_id_flow FOREIGN KEY",
        "constraint of project: CONSTRAINT uq_project_tenant_id_name UNIQUE",
        "constraint of tenant: CONSTRAINT pk_tenant PRIMARY KEY",
        "index edge_flow_id_task_ids_key: CREATE UNIQUE INDEX",
    ):
        assert name in lines
    assert "state = 'Cached'" in next(line for line in lines.splitlines() if "ix_task_run_cached_key:" in line)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_first_revision_can_be_regenerated_while_it_is_the_only_one(dialect: str) -> None:
    if len(migrations.REVISIONS) > 1:
        pytest.skip("the first revision is frozen")
    from sqlalchemy.dialects import postgresql, sqlite

    made = initial_sql({"sqlite": sqlite, "postgresql": postgresql}[dialect].dialect())  # type: ignore[no-untyped-call]
    kept = (migrations.FOLDER / "versions" / f"{HEAD}.{dialect}.sql").read_text()
    assert made == kept, "the tables have changed: python -m eparch.database.migrations.regenerate"


def test_every_revision_is_reached_from_the_one_before_with_data_present(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_revisions = migrations.REVISIONS
    with databases.fresh() as url:
        for count in range(1, len(all_revisions) + 1):
            monkeypatch.setattr(migrations, "REVISIONS", all_revisions[:count])
            before: dict[str, int] = {}
            with connected(url) as connection:
                if count > 1:
                    before = counts(connection)
            migrate.upgrade(url)
            with connected(url) as connection:
                assert {name: rows for name, rows in counts(connection).items() if name in before} == before
                if count == 1:
                    assert set(fill(connection).values()) == {1}
        assert migrate.check(url) == []


# ---- How they are carried out ----


def test_a_table_that_others_refer_to_is_changed_without_losing_their_rows(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, own_revisions: Path
) -> None:
    with databases.fresh(migrate.upgrade) as url:
        with connected(url) as connection:
            before = fill(connection)
        add_revision(
            monkeypatch,
            own_revisions,
            "0002_longer_names",
            "    with op.batch_alter_table('flow') as flow:\n"
            "        flow.alter_column('name', existing_type=sa.Text(), nullable=True)\n"
            "        flow.add_column(sa.Column('colour', sa.Text()))\n",
        )
        migrate.upgrade(url)
        assert migrate.current(url) == "0002_longer_names"
        with connected(url) as connection:
            assert counts(connection) == before
            connection.exec_driver_sql("UPDATE flow SET name = NULL, colour = 'red'")
        # References are enforced as before: the changed table still has its children.
        with connected(url) as connection, pytest.raises(IntegrityError):
            connection.exec_driver_sql("UPDATE flow SET project_id = '00000000-0000-0000-0000-000000000000'")
        with connected(url) as connection:
            connection.exec_driver_sql("DELETE FROM flow")
            assert counts(connection)["task_run_state"] == 0


@pytest.mark.parametrize("starts_empty", [True, False])
def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, own_revisions: Path, starts_empty: bool
) -> None:
    add_revision(
        monkeypatch, own_revisions, "0002_fine", "    op.create_table('colour', sa.Column('n', sa.Integer()))\n"
    )
    body = "    op.drop_table('colour')\n    op.create_table('size', sa.Column('n', sa.Integer()))\n    1 / 0\n"
    add_revision(monkeypatch, own_revisions, "0003_broken", body)
    with databases.fresh(None if starts_empty else migrate.upgrade) as url:
        with connected(url) as connection:
            before = describe(connection)
        with pytest.raises(ZeroDivisionError):
            migrate.upgrade(url)
        with connected(url) as connection:
            assert describe(connection) == before
        if starts_empty:
            assert migrate.current(url) is None


def test_a_migration_that_breaks_a_reference_is_undone(
    sqlite_databases: Databases, monkeypatch: pytest.MonkeyPatch, own_revisions: Path
) -> None:
    with sqlite_databases.fresh(migrate.upgrade) as url:
        with connected(url) as connection:
            before = fill(connection)
        add_revision(monkeypatch, own_revisions, "0002_careless", "    op.execute('DELETE FROM project')\n")
        with pytest.raises(EparchError, match="1 rows of flow refer to rows of project that do not exist"):
            migrate.upgrade(url)
        with connected(url) as connection:
            assert counts(connection) == before


def test_servers_that_start_at_once_migrate_once(
    postgresql_databases: Databases, monkeypatch: pytest.MonkeyPatch, own_revisions: Path
) -> None:
    # Slow enough that all are under way at the same time, and no revision may be carried out twice.
    add_revision(
        monkeypatch, own_revisions, "0002_slow", "    op.execute('SELECT pg_sleep(0.3); CREATE TABLE once ()')\n"
    )
    errors: list[BaseException] = []

    def start(url: str) -> None:
        try:
            migrate.prepare(url)
        except BaseException as error:
            errors.append(error)

    with postgresql_databases.fresh() as url:
        threads = [threading.Thread(target=start, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert migrate.current(url) == "0002_slow"


def test_a_start_with_a_current_database_does_not_import_alembic(eparch_url: str) -> None:
    program = (
        "import sys; from eparch.database.migrate import prepare; prepare(sys.argv[1]);"
        "print([name for name in sys.modules if name.partition('.')[0] in ('alembic', 'mako')])"
    )
    answer = subprocess.run([sys.executable, "-c", program, eparch_url], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


# ---- What `eparch db` tells ----


def test_the_revision_is_told_and_nothing_is_made_by_asking(sqlite_databases: Databases, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "eparch.sqlite"
    assert migrate.current(f"sqlite:///{missing}") is None
    assert not missing.parent.exists()
    assert "no tables" in migrate.check(f"sqlite:///{missing}")[0]


def test_check_is_content_with_a_migrated_database(eparch_url: str) -> None:
    assert migrate.current(eparch_url) == HEAD
    assert migrate.check(eparch_url) == []


def test_check_leaves_nothing_behind(eparch_url: str) -> None:
    with connected(eparch_url) as connection:
        before = fill(connection)
    migrate.check(eparch_url)
    with connected(eparch_url) as connection:
        assert counts(connection) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DROP INDEX ix_flow_scheduled", ["Missing: index ix_flow_scheduled"]),
        ("ALTER TABLE flow ADD COLUMN colour TEXT", ["Not of this version: column flow.colour: "]),
        (
            "DROP INDEX ix_task_run_cached_key; CREATE INDEX ix_task_run_cached_key ON task_run (cache_key)",
            ["Missing: index ix_task_run_cached_key", "Not of this version: index ix_task_run_cached_key"],
        ),
    ],
)
def test_check_tells_what_differs(eparch_url: str, change: str, told: list[str]) -> None:
    with connected(eparch_url) as connection:
        for statement in change.split(";"):
            connection.exec_driver_sql(statement)
    problems = migrate.check(eparch_url)
    assert len(problems) == len(told)
    assert all(problem.startswith(start) for problem, start in zip(problems, told, strict=True))


def test_check_tells_of_a_damaged_file(sqlite_databases: Databases) -> None:
    with sqlite_databases.fresh(migrate.upgrade) as url:
        with connected(url) as connection:
            fill(connection)
            root_page = connection.exec_driver_sql(
                "SELECT rootpage FROM sqlite_master WHERE name = 'ix_flow_tenant_id_name'"
            ).scalar_one()
        path = Path(url.removeprefix("sqlite:///"))
        content = bytearray(path.read_bytes())
        content[4096 * (root_page - 1) : 4096 * (root_page - 1) + 8] = b"\x0a" + bytes(7)  # an index page without rows
        path.write_bytes(content)
        assert "ix_flow_tenant_id_name" in " ".join(migrate.check(url))
