"""Sealed values: opened by their key alone, and only where they were put."""

import base64

import pytest

from eparch.core.errors import ConfigurationError, SecretUnreadable
from eparch.operations.sealing import Key, Keyring, Sealed

PLACE = ("secret", "tenant", "NAME")


def opened(keyring: Keyring, sealed: Sealed, place: tuple[str, ...] = PLACE) -> bytes:
    return keyring.open(sealed, place, "The secret 'NAME'")


@pytest.mark.parametrize("plain", [b"", b"x", b"hunter2" * 1000])
def test_a_value_comes_back_and_is_never_sealed_twice_alike(plain: bytes) -> None:
    keyring = Keyring([Key.new()])
    one, two = keyring.seal(plain, PLACE), keyring.seal(plain, PLACE)
    assert opened(keyring, one) == opened(keyring, two) == plain
    assert one.ciphertext != two.ciphertext
    # A single byte may well stand among random ones.
    assert len(plain) < 8 or plain not in base64.b64decode(one.ciphertext)


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, new = Key.new(), Key.new()
    before = Keyring([old]).seal(b"value", PLACE)
    keyring = Keyring([new, old])
    assert keyring.seal(b"value", PLACE).key_id == new.id == keyring.ids[0]
    assert (before.key_id, opened(keyring, before)) == (old.id, b"value")


def test_a_lost_key_is_named() -> None:
    lost, other = Key.new(), Key.new()
    sealed = Keyring([lost]).seal(b"value", PLACE)
    with pytest.raises(SecretUnreadable, match=f"'NAME' cannot be read: .*the key {lost.id}") as caught:
        opened(Keyring([other]), sealed)
    assert other.id in caught.value.hint
    with pytest.raises(ConfigurationError, match="no encryption key"):
        Keyring().seal(b"value", PLACE)


@pytest.mark.parametrize(
    "place", [("secret", "tenant", "OTHER"), ("secret", "other", "NAME"), ("secret", "tenantNAME", "")]
)
def test_a_value_cannot_be_opened_where_it_was_not_put(place: tuple[str, ...]) -> None:
    keyring = Keyring([Key.new()])
    with pytest.raises(SecretUnreadable, match="damaged, or was put there from elsewhere"):
        opened(keyring, keyring.seal(b"value", PLACE), place)


@pytest.mark.parametrize("at", [0, 11, 12, 20, -1])
def test_a_changed_bit_is_noticed(at: int) -> None:
    keyring = Keyring([Key.new()])
    sealed = keyring.seal(b"a value of some length", PLACE)
    changed = bytearray(base64.b64decode(sealed.ciphertext))
    changed[at] ^= 1
    for text in (base64.b64encode(changed).decode(), sealed.ciphertext[:8], "not base64!", ""):
        with pytest.raises(SecretUnreadable, match="damaged"):
            opened(keyring, Sealed(sealed.key_id, text))


def test_a_key_is_the_same_key_wherever_it_is_read() -> None:
    key = Key.new()
    again = Key.parse(key.text(), "The setting")
    assert again.id == key.id
    assert opened(Keyring([again]), Keyring([key]).seal(b"value", PLACE)) == b"value"
    assert key.text() not in repr(key)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_what_is_no_key_is_refused_without_being_shown(size: int) -> None:
    text = base64.b64encode(b"k" * size).decode()
    for wrong in (text, f"{text}!"):
        with pytest.raises(
            ConfigurationError, match=r"Line 3 of keys is no encryption key: it must be 32 bytes"
        ) as caught:
            Key.parse(wrong, "Line 3 of keys")
        assert not size or wrong not in f"{caught.value.message} {caught.value.hint}"
