"""Secrets on a real server: only the one answer that asked for a value has it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from eparch.cli.main import main
from eparch.database.engines import parse_url
from eparch.server.keys import read_file
from tests.databases import SQLiteDatabases
from tests.server.conftest import StartServer, running
from tests.server.making import mutate
from tests.server.socket_client import SocketClient
from tests.server.wire import ask
from tests.server_process import ServerProcess
from tests.waiting import wait_until

VALUE = "correct horse battery staple"


def set_secret(server: ServerProcess, name: str, value: Any) -> None:
    assert mutate(server, "set_secret", "success", name=name, value=value) == {"success": True}


def answer(server: ServerProcess, name: str) -> Any:
    return ask(server.port, "query ($n: String!) { secret_value(name: $n) }", {"n": name}).json()


def value_of(server: ServerProcess, name: str) -> Any:
    return answer(server, name)["data"]["secret_value"]


@pytest.mark.parametrize("value", [VALUE, {"user": "u", "keys": [1, None]}, "12", 12, False, '"quoted"', ""])
def test_a_secret_is_any_json_and_comes_back_as_it_was(each_server: ServerProcess, value: Any) -> None:
    set_secret(each_server, "any json", value)
    assert value_of(each_server, "any json") == value
    assert "any json" in ask(each_server.port, "{ secret_names }").json()["data"]["secret_names"]
    assert mutate(each_server, "delete_secret", "success", name="any json") == {"success": True}
    (error,) = answer(each_server, "any json")["errors"]
    assert error["message"].startswith("No value found for the requested key")
    assert error["extensions"]["code"] == "NOT_FOUND"


def test_a_secret_can_be_listed_and_watched_but_not_its_value(each_server: ServerProcess) -> None:
    set_secret(each_server, "listed", VALUE)
    rows = ask(each_server.port, "{ secret { id name key_id created updated } }").body.decode()
    assert '"name":"listed"' in rows
    assert VALUE not in rows
    for document in (
        "{ secret { ciphertext } }",
        "{ secret { value } }",
        'subscription { secret_value(name: "listed") }',
    ):
        refused = ask(each_server.port, document)
        assert (refused.status, refused.codes) == (400, ["GRAPHQL_VALIDATION_FAILED"])
        assert VALUE not in refused.body.decode()


def test_a_query_that_is_followed_cannot_have_a_value(each_server: ServerProcess) -> None:
    set_secret(each_server, "followed", VALUE)
    query = '{ hello other: secret_value(name: "followed") }'
    with SocketClient(each_server.port) as client:
        client.subscribe("once", query)
        assert client.receive_next("once")["data"]["other"] == VALUE
        assert client.receive() == {"type": "complete", "id": "once"}
        client.subscribe("followed", query, extensions={"follow": {}})
        refused = client.receive()
    assert refused["type"] == "error"
    assert "cannot be followed" in str(refused)
    assert VALUE not in str(refused)


def stored(url: str) -> str:
    """Return every cell of every table as text."""
    engine = create_engine(parse_url(url))
    try:
        with engine.connect() as connection:
            names = "SELECT name FROM sqlite_master WHERE type = 'table'"
            if connection.dialect.name == "postgresql":
                names = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            tables = connection.execute(text(names)).scalars().all()
            return str([connection.execute(text(f'SELECT * FROM "{table}"')).all() for table in tables])
    finally:
        engine.dispose()


def test_neither_the_database_nor_the_log_has_a_value_even_where_something_goes_wrong(
    each_server: ServerProcess,
) -> None:
    set_secret(each_server, "hidden", VALUE)
    wrong = [
        {"input": {"name": 1, "value": VALUE}},
        {"input": {"name": "x" * 300, "value": VALUE}},
        {"input": {"name": "hidden", "value": VALUE * 5_000}},
        {"input": {"name": "hidden", "value": VALUE, "more": 1}},
        {"input": VALUE},
    ]
    document = "mutation ($input: set_secret_input!) { set_secret(input: $input) { success } }"
    for variables in wrong:
        refused = ask(each_server.port, document, variables)
        assert refused.codes == ["BAD_USER_INPUT"]
        assert "staple" not in refused.body.decode()
    inline = json.dumps(json.dumps(VALUE))
    for form in (inline, json.dumps(VALUE), "correct_horse staple"):
        refused = ask(
            each_server.port, f'mutation {{ set_secret(input: {{name: "hidden", value: {form}}}) {{ success }} }}'
        )
        assert "staple" not in refused.body.decode()
    assert value_of(each_server, "hidden") == VALUE
    assert "hidden" in stored(each_server.database_url)
    assert "staple" not in stored(each_server.database_url)
    assert "staple" not in each_server.log.read_text()


@pytest.fixture
def url(sqlite_databases: SQLiteDatabases) -> Iterator[str]:
    with sqlite_databases.fresh() as made:
        yield made


def keys_of(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    assert main(["secret", "keys"]) == 0
    return [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def at_home(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands of this process find the database and the keys of the server of the test."""
    monkeypatch.setenv("EPARCH_HOME", str(tmp_path / ".eparch"))
    monkeypatch.setenv("EPARCH_DATABASE_URL", url)


@pytest.mark.usefixtures("at_home")
def test_a_key_is_changed_while_the_server_works(
    start_server: StartServer, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_server("--secret-keeper-interval-s", "0.2", url=url) as server:
        for number in range(3):
            set_secret(server, f"S{number}", f"value {number}")
        ((old, role, count),) = keys_of(capsys)
        assert (role, count) == ("encrypts", "3")
        assert main(["secret", "forget-key", old]) == 1
        assert "is the one that encrypts" in capsys.readouterr().err
        assert main(["secret", "rotate-key"]) == 0
        new = capsys.readouterr().out.strip()
        set_secret(server, "S0", "set after")
        wait_until(lambda: keys_of(capsys) == [[new, "encrypts", "3"], [old, "decrypts", "0"]], "all under the new key")
        assert [value_of(server, f"S{number}") for number in range(3)] == ["set after", "value 1", "value 2"]
        assert main(["secret", "forget-key", old]) == 1
        assert "try again in" in capsys.readouterr().err
        path = tmp_path / ".eparch" / "encryption.keys"
        _set_back(path)
        assert main(["secret", "forget-key", old]) == 0
        assert read_file(path).ids == (new,)
        assert value_of(server, "S1") == "value 1"
        assert main(["secret", "forget-key", old]) == 1
        assert f"There is no key {old}" in capsys.readouterr().err


def _set_back(path: Path) -> None:
    before = path.stat().st_mtime - 3_600
    os.utime(path, (before, before))


@pytest.mark.usefixtures("at_home")
def test_a_lost_key_is_told_and_a_restored_one_works_again(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, copy = tmp_path / ".eparch" / "encryption.keys", tmp_path / "copy"
    with running(url, tmp_path) as server:
        set_secret(server, "NAME", VALUE)
    path.rename(copy)
    with running(url, tmp_path) as server:
        (error,) = answer(server, "NAME")["errors"]
        key_id = read_file(copy).ids[0]
        assert error["extensions"]["code"] == "SECRET_UNREADABLE"
        assert f"it is encrypted with the key {key_id}, which is not here" in error["message"]
        refused = ask(server.port, 'mutation { set_secret(input: {name: "OTHER", value: 1}) { success } }')
        assert refused.codes == ["CONFIGURATION_ERROR"]
        assert "The database holds secrets, and the file of their keys" in server.log.read_text()
        assert not path.exists()
        assert keys_of(capsys) == [[key_id, "missing", "1"]]
        copy.rename(path)
        assert value_of(server, "NAME") == VALUE
