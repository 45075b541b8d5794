"""Secrets as rows: sealed, by tenant, bound to their place, and brought under a new key."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from eparch.core.errors import NotFound, SecretUnreadable
from eparch.core.principals import Principal
from eparch.database.tables import secret
from eparch.operations.sealing import Key, Keyring, Sealed
from eparch.operations.secrets import place_of, secrets_by_key
from eparch.services.secret_keeper import SecretKeeper, SecretKeeperCounts
from tests.operations.backend import OTHER_TENANT, Backend

OTHER = Principal(OTHER_TENANT)


def keep(backend: Backend, keyring: Keyring, name: str, value: str, principal: Principal | None = None) -> Sealed:
    owner = principal or backend.principal
    sealed = keyring.seal(value.encode(), place_of(owner.tenant_id, name))
    assert backend.run("set_secret", name=name, sealed=sealed, _principal=owner) == {"success": True}
    return sealed


def value_of(backend: Backend, keyring: Keyring, name: str, principal: Principal | None = None) -> str:
    owner = principal or backend.principal
    sealed = backend.run("secret_value", name=name, _principal=owner)
    return keyring.open(sealed, place_of(owner.tenant_id, name), name).decode()


def run_keeper(backend: Backend, keyring: Keyring, *, before_change: Callable[[], Any] = lambda: None) -> Any:
    async def read(function: Any) -> Any:
        with backend.engine.connect() as connection:
            return function(connection)

    async def change(function: Any) -> Any:
        before_change()
        with backend.transaction() as tx:
            return function(tx, backend.now)

    return asyncio.run(SecretKeeper(read, change, lambda: keyring, read_max=2).run_once(backend.now))


def test_a_secret_is_set_overwritten_listed_and_deleted(backend: Backend) -> None:
    keyring = Keyring([Key.new()])
    keep(backend, keyring, "B", "one")
    keep(backend, keyring, "A", "two")
    now = backend.move_clock(minutes=1)
    keep(backend, keyring, "B", "three")
    assert backend.run("secret_names") == ["A", "B"]
    assert value_of(backend, keyring, "B") == "three"
    (row,) = backend.rows(secret, name="B")
    assert row["updated"] == now > row["created"]
    assert backend.run("delete_secret", name="B") == {"success": True}
    assert backend.run("delete_secret", name="B") == {"success": False}
    with pytest.raises(NotFound, match="No value found for the requested key: there is no secret 'B'"):
        backend.run("secret_value", name="B")


def test_tenants_cannot_see_or_delete_each_others_secrets(backend: Backend) -> None:
    keyring = Keyring([Key.new()])
    keep(backend, keyring, "NAME", "mine")
    assert backend.run("secret_names", _principal=OTHER) == []
    assert backend.run("delete_secret", name="NAME", _principal=OTHER) == {"success": False}
    keep(backend, keyring, "NAME", "theirs", OTHER)
    assert (value_of(backend, keyring, "NAME"), value_of(backend, keyring, "NAME", OTHER)) == ("mine", "theirs")


def test_a_value_that_is_copied_to_another_row_cannot_be_opened_there(backend: Backend) -> None:
    keyring = Keyring([Key.new()])
    sealed = keep(backend, keyring, "PASSWORD", "theirs", OTHER)
    keep(backend, keyring, "MINE", "mine")
    with backend.transaction() as tx:
        tx.execute(update(secret).where(secret.c.name == "MINE").values(ciphertext=sealed.ciphertext))
    with pytest.raises(SecretUnreadable, match="put there from elsewhere"):
        value_of(backend, keyring, "MINE")


@pytest.mark.parametrize("count", [0, 1, 5])
def test_the_keeper_brings_all_secrets_of_all_tenants_under_the_first_key(backend: Backend, count: int) -> None:
    old, new = Key.new(), Key.new()
    for number in range(count):
        keep(backend, Keyring([old]), f"S{number}", f"value {number}", OTHER if number % 2 else None)
    both = Keyring([new, old])
    assert run_keeper(backend, both) == SecretKeeperCounts(found=count, resealed=count)
    with backend.transaction() as tx:
        assert secrets_by_key(tx) == ({new.id: count} if count else {})
    for number in range(count):
        assert value_of(backend, Keyring([new]), f"S{number}", OTHER if number % 2 else None) == f"value {number}"
    assert run_keeper(backend, both) == SecretKeeperCounts()


def test_secrets_whose_key_is_lost_stay_as_they_are_and_do_not_hold_up_the_others(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    lost, old, new = Key.new(), Key.new(), Key.new()
    for number in range(5):
        keep(backend, Keyring([lost]), f"LOST{number}", "gone")
    keep(backend, Keyring([old]), "NAME", "value")
    keyring = Keyring([new, old])
    assert run_keeper(backend, keyring) == SecretKeeperCounts(found=6, resealed=1, unreadable=5)
    assert f"5 secrets need keys that this server does not have: {lost.id}" in caplog.text
    assert value_of(backend, keyring, "NAME") == "value"
    assert value_of(backend, Keyring([lost]), "LOST3") == "gone"


def test_a_secret_that_is_set_while_the_keeper_is_at_it_keeps_its_new_value(backend: Backend) -> None:
    old, new = Key.new(), Key.new()
    keep(backend, Keyring([old]), "NAME", "before")
    both = Keyring([new, old])
    counts = run_keeper(backend, both, before_change=lambda: keep(backend, Keyring([old]), "NAME", "after"))
    assert counts == SecretKeeperCounts(found=1, resealed=0)
    assert value_of(backend, both, "NAME") == "after"


def test_without_a_key_the_keeper_leaves_all_as_it_is(backend: Backend) -> None:
    keyring = Keyring([Key.new()])
    keep(backend, keyring, "NAME", "value")
    assert run_keeper(backend, Keyring()) == SecretKeeperCounts()
    assert value_of(backend, keyring, "NAME") == "value"
