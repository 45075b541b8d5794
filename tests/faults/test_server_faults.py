"""A real server whose database cannot be used: one clear message, no damage, and no restart when it can be again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from eparch.database import migrate
from tests.clients.api import Api
from tests.database.connections import connected
from tests.databases import Databases
from tests.faults.confinement import on_small_disk, run
from tests.faults.outages import Outage
from tests.server_process import EXECUTABLE, ServerProcess
from tests.waiting import wait_until

START_S_MAX = 60.0


def refused_start(database_url: str, folder: Path) -> list[str]:
    """Return the lines that a server writes that does not start."""
    command = [EXECUTABLE, "server", "start", "--port", "0", "--database-url", database_url]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=START_S_MAX)
    assert ended.returncode == 1, ended
    return (ended.stdout + ended.stderr).splitlines()


def code_of(api: Api, name: str = "again") -> str | None:
    """Try to change something and return the code of the error, None if it was done."""
    answer = api.post(f'mutation {{ create_project(input: {{ name: "{name}" }}) {{ id }} }}').json()
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


def health_of(server: ServerProcess) -> int:
    return httpx.get(f"{server.url}/health", timeout=30).status_code


# ---- At the start ----


def test_a_second_server_on_the_same_file_is_refused_and_the_first_goes_on(
    sqlite_databases: Databases, tmp_path: Path
) -> None:
    with sqlite_databases.fresh() as url:
        server = ServerProcess(url, tmp_path).wait_ready()
        path = url.removeprefix("sqlite:///")
        message, hint = refused_start(url, tmp_path)
        assert f"Another Eparch process, {server.pid}, uses the database {path}." in message
        assert "--database-url" in hint
        api = Api(server.url)
        assert code_of(api) is None
        api.close()
        server.stop()
        ServerProcess(url, tmp_path).wait_ready().stop()


def test_a_database_of_a_newer_version_is_refused_in_two_lines(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh(migrate.upgrade) as url:
        with connected(url) as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999_from_the_future'")
        message, hint = refused_start(url, tmp_path)
    assert "was made by a newer version of Eparch: it is at revision 0999_from_the_future" in message
    assert "upgrade Eparch, or restore a backup" in hint


def test_a_file_that_is_no_database_is_refused_in_two_lines(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_text("Dear diary, " * 500)
    message, _hint = refused_start(f"sqlite:///{path}", tmp_path)
    assert f"The file {path} is not a SQLite database." in message


def test_a_database_that_cannot_be_reached_is_told_in_two_lines(tmp_path: Path) -> None:
    message, hint = refused_start("postgresql://eparch:hunter2@127.0.0.1:1/eparch", tmp_path)
    assert "PostgreSQL cannot be used" in message
    assert "Connection refused" in message
    assert "check that it runs" in hint
    assert "hunter2" not in message + hint


# ---- While it serves ----


def test_a_server_outlives_its_postgresql(tmp_path: Path) -> None:
    outage = Outage()
    try:
        server = ServerProcess(outage.fresh_url(), tmp_path).wait_ready()
        api = Api(server.url)
        assert code_of(api, "before") is None
        outage.stop()
        assert code_of(api, "meanwhile") == "API_ERROR"
        assert api.post("{ project { name } }").json()["errors"][0]["extensions"]["code"] == "API_ERROR"
        assert health_of(server) == 503
        outage.start()
        assert code_of(api, "after") is None
        assert {row["name"] for row in api.ask("{ project { name } }")} == {"before", "after"}
        wait_until(lambda: health_of(server) == 200, "a healthy server")
        api.close()
        server.stop()
    finally:
        outage.close()


def fill_the_disk(folder: Path) -> dict[str, Any]:
    """Serve on a small disk until it is full, and a little longer; return what was seen."""
    filler = folder / "filler"
    filler.write_bytes(bytes(1_000_000))
    log_folder = folder.parent / "log"
    log_folder.mkdir()
    server = ServerProcess(f"sqlite:///{folder / 'eparch.sqlite'}", log_folder).wait_ready()
    api = Api(server.url)
    acknowledged: list[str] = []
    refused: list[str] = []
    while len(refused) < 20:
        name = f"{len(acknowledged) + len(refused)}-".ljust(20_000, "x")
        code = code_of(api, name)
        if code is None:
            acknowledged.append(name)
        else:
            refused.append(code)
    readable = [row["name"] for row in api.ask("{ project { name } }")]
    filler.unlink()
    later = [code_of(api, f"later {number}") for number in range(5)]
    count = len(api.ask("{ project { name } }"))
    api.close()
    server.stop()
    return {
        "told": sorted(set(refused)),
        "enough": len(acknowledged) > 20,
        "lost": len(set(acknowledged) ^ set(readable)),
        "later": later,
        "stored": count - len(acknowledged),
    }


def test_a_server_outlives_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    result = run("-m", "tests.faults.test_server_faults", str(disk), confined_by=on_small_disk(disk, "4m"))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "told": ["API_ERROR"],
        "enough": True,
        "lost": 0,
        "later": [None] * 5,
        "stored": 5,
    }


if __name__ == "__main__":
    print(json.dumps(fill_the_disk(Path(sys.argv[1]))))
