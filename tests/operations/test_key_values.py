"""Key-value pairs: set, overwritten, compared before they are set, deleted."""

from typing import Any

import pytest

from eparch.core.errors import BadInput, Conflict
from eparch.core.principals import Principal
from eparch.database.tables import key_value
from eparch.operations.key_values import KEY_CHARACTERS_MAX, VALUE_BYTES_MAX
from tests.databases import PostgreSQLDatabases
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.conftest import opened
from tests.operations.test_races import call, meanwhile


def stored(backend: Backend, key: str) -> Any:
    (row,) = backend.rows(key_value, tenant_id=TENANT, key=key)
    return row["value"]


@pytest.mark.parametrize("value", [{"a": [1, None, "ü"]}, [], "text", '"quoted"', 0, 1.5, False, None, ""])
def test_a_value_is_any_json_and_comes_back_as_it_was(backend: Backend, value: Any) -> None:
    for version in (1, 2):
        assert backend.run("set_key_value", key="k", value=value)["version"] == version
        assert stored(backend, "k") == value


def test_setting_a_key_again_keeps_its_id_and_counts_its_version(backend: Backend) -> None:
    first = backend.run("set_key_value", key="k", value=1)
    now = backend.move_clock(minutes=1)
    second = backend.run("set_key_value", key="k", value=2)
    assert (second["id"], first["version"], second["version"]) == (first["id"], 1, 2)
    (row,) = backend.rows(key_value)
    assert (row["value"], row["version"], row["updated"]) == (2, 2, now)
    assert row["created"] < now
    assert backend.touched == {"key_value"}


def test_a_pair_is_set_only_at_the_version_that_was_expected(backend: Backend) -> None:
    assert backend.run("set_key_value", key="k", value=1, expected_version=0)["version"] == 1
    assert backend.run("set_key_value", key="k", value=2, expected_version=1)["version"] == 2
    for wrong in (0, 1, 3, -1):
        with pytest.raises(Conflict, match=f"'k'.*version {wrong} was expected.*its version is 2") as caught:
            backend.run("set_key_value", key="k", value=3, expected_version=wrong)
        assert caught.value.detail == {"key": "k", "expected_version": wrong, "version": 2}
    with pytest.raises(Conflict, match="there is no such pair"):
        backend.run("set_key_value", key="other", value=3, expected_version=1)
    assert stored(backend, "k") == 2
    assert backend.count(key_value) == 1


def test_a_pair_is_deleted_once_and_only_at_the_version_that_was_expected(backend: Backend) -> None:
    made = backend.run("set_key_value", key="k", value=1)
    with pytest.raises(Conflict, match="version 7 was expected, and its version is 1"):
        backend.run("delete_key_value", key_value_id=made["id"], expected_version=7)
    assert backend.run("delete_key_value", key_value_id=made["id"], expected_version=1) == {"success": True}
    assert backend.run("delete_key_value", key_value_id=made["id"]) == {"success": False}
    assert backend.rows(key_value) == []


def test_tenants_have_keys_of_their_own(backend: Backend) -> None:
    other = Principal(OTHER_TENANT)
    mine = backend.run("set_key_value", key="k", value="mine")
    theirs = backend.run("set_key_value", key="k", value="theirs", _principal=other)
    assert mine["id"] != theirs["id"]
    assert stored(backend, "k") == "mine"
    for key_value_id in (theirs["id"], UNKNOWN):
        assert backend.run("delete_key_value", key_value_id=key_value_id) == {"success": False}
    assert backend.count(key_value) == 2


def test_a_value_may_have_ten_kilobytes_and_no_more(backend: Backend) -> None:
    backend.run("set_key_value", key="k", value="ü" * ((VALUE_BYTES_MAX - 2) // 2))
    with pytest.raises(BadInput, match=f"'k'.*{VALUE_BYTES_MAX + 1} bytes.*at most {VALUE_BYTES_MAX}"):
        backend.run("set_key_value", key="k", value="x" * (VALUE_BYTES_MAX - 1))


@pytest.mark.parametrize("key", ["", "x" * (KEY_CHARACTERS_MAX + 1)])
def test_a_key_has_a_length_that_an_index_takes(backend: Backend, key: str) -> None:
    with pytest.raises(BadInput, match=f"this one has {len(key)}"):
        backend.run("set_key_value", key=key, value=1)


def test_a_value_that_is_left_out_is_no_null(backend: Backend) -> None:
    with pytest.raises(BadInput, match="no value for the key 'k'"):
        backend.run("set_key_value", key="k")


@pytest.mark.parametrize("expected", [None, 0])
def test_of_two_that_make_a_key_at_once_the_second_sees_the_first(
    postgresql_databases: PostgreSQLDatabases, expected: int | None
) -> None:
    with opened(postgresql_databases) as backend:

        def second() -> Any:
            try:
                return backend.run("set_key_value", key="k", value="second", expected_version=expected)["version"]
            except Conflict as error:
                return error.detail["version"]

        with meanwhile(backend, second) as (tx, later):
            call(tx, backend, "set_key_value", key="k", value="first", expected_version=expected)
        assert later.result() == (2 if expected is None else 1)
        assert stored(backend, "k") == ("second" if expected is None else "first")


def test_of_two_that_have_read_one_version_one_is_refused(postgresql_databases: PostgreSQLDatabases) -> None:
    with opened(postgresql_databases) as backend:
        backend.run("set_key_value", key="k", value=0)

        def second() -> Any:
            with pytest.raises(Conflict, match="version 1 was expected, and its version is 2"):
                backend.run("set_key_value", key="k", value="second", expected_version=1)

        with meanwhile(backend, second) as (tx, _):
            call(tx, backend, "set_key_value", key="k", value="first", expected_version=1)
        assert stored(backend, "k") == "first"
