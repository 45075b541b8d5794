"""What the installation is kept in."""

from eparch.database import migrations
from tests.operations.backend import Backend
from tests.operations.samples import diamond, make_project, register


def test_the_database_is_told_with_its_size(backend: Backend) -> None:
    told = backend.run("installation")
    kind = "PostgreSQL" if backend.engine.dialect.name == "postgresql" else "SQLite"
    assert told["database"].startswith(f"{kind} ")
    assert told["database"].split(" ")[1][0].isdigit()
    assert told["revision"] == migrations.REVISIONS[-1]
    assert told["size_bytes"] > 100_000


def test_the_size_grows(backend: Backend) -> None:
    before = backend.run("installation")["size_bytes"]
    project = make_project(backend)
    for number in range(40):
        register(backend, project, {**diamond(), "name": f"flow {number}", "notes": "x" * 50_000})
    assert backend.run("installation")["size_bytes"] > before
