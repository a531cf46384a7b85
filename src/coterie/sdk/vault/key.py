"""Where the key of the device store is kept: the system's keyring, else a file of its owner's.

Never under the login password: that one travels to the server, and may be weak.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from coterie.sdk.errors import VaultLocked
from coterie.sdk.vault.seal import KEY_BYTES

KEY_FILE: Final = "vault.key"
_SERVICE: Final = "coterie"


def new_key(home: Path, profile_id: str) -> bytes:
    """Draw the key of a new profile and keep it."""
    key = secrets.token_bytes(KEY_BYTES)
    if not _keyring_put(profile_id, key):
        _write_private(home / KEY_FILE, key)
    return key


def find_key(home: Path, profile_id: str) -> bytes:
    """The key of an existing profile. Raises VaultLocked."""
    path = home / KEY_FILE
    key = path.read_bytes() if path.exists() else _keyring_get(profile_id)
    if key is None or len(key) != KEY_BYTES:
        raise VaultLocked(
            f"The key of this profile is neither in the system's keyring nor in {path}. "
            "Unlock the keyring, or run as the user who signed up."
        )
    return key


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # of a store that was never finished: it seals nothing
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keyring_put(profile_id: str, key: bytes) -> bool:
    """Whether a system keyring took the key and gives it back."""
    with suppress(Exception):  # the backends raise errors of their own, of every kind
        import keyring

        keyring.set_password(_SERVICE, profile_id, key.hex())
        return keyring.get_password(_SERVICE, profile_id) == key.hex()
    return False


def _keyring_get(profile_id: str) -> bytes | None:
    with suppress(Exception):  # as above; a missing key is told apart by the caller
        import keyring

        found = keyring.get_password(_SERVICE, profile_id)
        return bytes.fromhex(found) if found else None
    return None
