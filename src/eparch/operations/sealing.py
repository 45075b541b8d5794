"""Encryption of what must not be read in the database.

In charge of keys, of sealing bytes and of opening them again (AES-256-GCM); not in charge of where keys come from
(`server.keys`) nor of what is sealed (`secrets`).

A sealed text names the key that opens it, so that several keys can be in use while one takes over from another. It is
bound to the place where it is kept: copied to another row it cannot be opened.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from eparch.core.errors import ConfigurationError, SecretUnreadable

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_ID_CHARACTERS: Final = 16


class Sealed(NamedTuple):
    """A sealed value, as it is kept.

    Attributes:
        key_id: of the key that opens it.
        ciphertext: base64 of the nonce, the encrypted value and the tag.
    """

    key_id: str
    ciphertext: str


class Key:
    """A key of AES-256. Its id is made from it, so no list has to say which is which."""

    __slots__ = ("_bytes", "id")

    def __init__(self, key: bytes) -> None:
        self._bytes = key
        self.id = hashlib.sha256(b"eparch encryption key\0" + key).hexdigest()[:_ID_CHARACTERS]

    @classmethod
    def new(cls) -> "Key":
        """Return a key that nobody else has."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def parse(cls, text: str, origin: str) -> "Key":
        """Return the key that a text holds.

        Args:
            origin: where the text stands, for the message; the text itself is never shown.
        Raises:
            ConfigurationError: it is not the base64 of 32 bytes.
        """
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise ConfigurationError(
                f"{origin} is no encryption key: it must be {KEY_BYTES} bytes in base64.",
                hint=f"make one with: openssl rand -base64 {KEY_BYTES}",
            )
        return cls(key)

    def text(self) -> str:
        """Return what `parse` reads. It is as secret as all that the key has sealed."""
        return base64.b64encode(self._bytes).decode()

    def __repr__(self) -> str:
        return f"<Key {self.id}>"

    def encrypt(self, plain: bytes, bound_to: bytes) -> bytes:
        """Return nonce, encrypted bytes and tag."""
        nonce = os.urandom(_NONCE_BYTES)
        encrypted: bytes = nonce + _cipher(self._bytes).encrypt(nonce, plain, bound_to)
        return encrypted

    def decrypt(self, encrypted: bytes, bound_to: bytes) -> bytes | None:
        """Return what was encrypted, None if it was not by this key, not so, or not there."""
        from cryptography.exceptions import InvalidTag

        if len(encrypted) < _NONCE_BYTES:
            return None
        try:
            plain: bytes = _cipher(self._bytes).decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], bound_to)
        except InvalidTag:
            return None
        return plain


class Keyring:
    """Keys: the first seals, all of them open. It may be empty."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._by_id = {key.id: key for key in keys}

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the keys; the first one seals."""
        return tuple(self._by_id)

    @property
    def keys(self) -> Sequence[Key]:
        """The keys in their order."""
        return tuple(self._by_id.values())

    def seal(self, plain: bytes, bound_to: Sequence[str]) -> Sealed:
        """Return a value sealed by the first key.

        Args:
            bound_to: names the place where it will be kept; opening it takes the same.
        Raises:
            ConfigurationError: there is no key.
        """
        if not self._by_id:
            raise ConfigurationError(
                "This server has no encryption key, so it cannot keep secrets.",
                hint="set encryption_keys, encryption_keys_command or encryption_keys_file; its log says what is wrong",
            )
        key = next(iter(self._by_id.values()))
        return Sealed(key.id, base64.b64encode(key.encrypt(plain, _joined(bound_to))).decode())

    def open(self, sealed: Sealed, bound_to: Sequence[str], what: str) -> bytes:
        """Return what was sealed.

        Args:
            what: the thing, for messages.
        Raises:
            SecretUnreadable: see there.
        """
        key = self._by_id.get(sealed.key_id)
        if key is None:
            known = ", ".join(self._by_id) or "none"
            raise SecretUnreadable(
                f"{what} cannot be read: it is encrypted with the key {sealed.key_id}, which is not here.",
                hint=f"give the server that key again (it has: {known}), or set the value anew if the key is lost",
            )
        try:
            encrypted = base64.b64decode(sealed.ciphertext, validate=True)
        except (binascii.Error, ValueError):
            encrypted = b""
        plain = key.decrypt(encrypted, _joined(bound_to))
        if plain is None:
            raise SecretUnreadable(
                f"{what} cannot be read: what is stored is damaged, or was put there from elsewhere.",
                hint="restore it from a backup, or set the value anew",
            )
        return plain


def _joined(names: Sequence[str]) -> bytes:
    """Return names as bytes that no other names have."""
    return msgspec.json.encode(list(names))


def _cipher(key: bytes):  # type: ignore[no-untyped-def]
    # Imported here: it takes longer than the rest of this package, and most calls need no encryption.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
