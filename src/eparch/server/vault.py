"""Secrets on their way in and out: sealed before they reach a queue or a statement, opened for the one who asks.

In charge of the keys of this process and of reading them anew when they have changed; not in charge of where they come
from (`keys`) nor of rows (`operations.secrets`).
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from eparch.core.errors import BadInput, ConfigurationError, EparchError
from eparch.operations.sealing import Keyring, Sealed
from eparch.operations.secrets import VALUE_BYTES_MAX, check_name, place_of
from eparch.server.keys import Signature, is_file, make_file, read_keys, signature_of
from eparch.server.settings import Settings

logger: Final = logging.getLogger("eparch.vault")

# A key that nobody has would otherwise let every question run the command.
_REREAD_S: Final = 10.0


class Vault:
    """The keys of this process. Safe to use from several threads, which may wait for a file or a command.

    Args:
        monotonic: seconds that never go back.
    """

    def __init__(self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._signature: Signature | None = None
        self._keyring = Keyring()
        self._read_at = float("-inf")

    def unlock(self, *, has_secrets: bool) -> None:
        """Read the keys; make the first one where there is none, unless secrets are there that it would not open.

        Raises:
            ConfigurationError: keys are set that cannot be used.
        """
        with self._lock:
            self._read()
            if self._keyring.ids or not is_file(self._settings):
                return
            path = self._settings.encryption_keys_file
            if has_secrets:
                logger.error(
                    "The database holds secrets, and the file of their keys %s does not exist: they cannot be read, and"
                    " no new ones can be set, until it is restored or other keys are set.",
                    path,
                )
                return
            try:
                self._keyring = make_file(path)
            except ConfigurationError as error:
                # Everything but secrets works without.
                logger.warning("There is no encryption key, so no secrets can be kept: %s", error.message)
                return
            self._signature = signature_of(self._settings)
            logger.info("The key of secrets is in %s: keep a copy elsewhere, apart from backups of the database.", path)

    def seal(self, tenant_id: str, name: str, value: Any) -> Sealed:
        """Return the value of a secret, any JSON, as it may be kept.

        Raises:
            BadInput: the name or the value is too long, or is empty.
            ConfigurationError: there is no key.
        """
        check_name(name)
        if value is None:
            raise BadInput(f"The secret {name!r} cannot be null.", hint="delete it with delete_secret")
        plain = msgspec.json.encode(value)
        if len(plain) > VALUE_BYTES_MAX:
            raise BadInput(
                f"The secret {name!r} exceeds the limit: {len(plain)} bytes, at most {VALUE_BYTES_MAX} are taken."
            )
        return self.current().seal(plain, place_of(tenant_id, name))

    def open(self, tenant_id: str, name: str, sealed: Sealed) -> Any:
        """Return the value of a secret.

        Raises:
            SecretUnreadable: its key is not here, or what is kept is not what was sealed.
        """
        keyring = self.current(wanted=sealed.key_id)
        return msgspec.json.decode(keyring.open(sealed, place_of(tenant_id, name), f"The secret {name!r}"))

    def current(self, *, wanted: str | None = None) -> Keyring:
        """Return the keys, read anew if their file has changed, or if the key `wanted` is not among them."""
        with self._lock:
            is_missing = wanted is not None and wanted not in self._keyring.ids
            if self._has_changed() or (is_missing and self._monotonic() - self._read_at >= _REREAD_S):
                self._read_again()
            return self._keyring

    def refresh(self) -> Keyring:
        """Read the keys anew, wherever they come from, and return them."""
        with self._lock:
            self._read_again()
            return self._keyring

    def _has_changed(self) -> bool:
        signature = signature_of(self._settings)
        # A file that is gone takes no key away from a process that has read it.
        return signature is not None and signature != self._signature

    def _read_again(self) -> None:
        try:
            self._read()
        except EparchError as error:
            logger.error("The encryption keys cannot be read anew, so the ones before stay in use: %s", error.message)

    def _read(self) -> None:
        self._read_at = self._monotonic()
        signature = signature_of(self._settings)
        found = read_keys(self._settings)
        if found.ids:
            self._keyring, self._signature = found, signature
