"""The seal of the device store: XChaCha20-Poly1305 under a key that is not in the store."""

from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

from coterie.governance.signatures import kdf
from coterie.sdk.errors import VaultLocked, VaultTooNew
from coterie.sdk.seals import SealBroken, seal, unseal

T = TypeVar("T")
KEY_BYTES: Final = 32
_ENCODER: Final = msgspec.msgpack.Encoder(uuid_format="bytes")


class Seal:
    """Seals records, each bound to its place, and tags the names they are looked up by."""

    def __init__(self, key: bytes) -> None:
        self._record_key = kdf(key, "vault record")
        self._tag_key = kdf(key, "vault tag")

    def __repr__(self) -> str:
        return "Seal(…)"

    def close(self, place: bytes, record: object) -> bytes:
        """`nonce ‖ ciphertext` of a record that lies at `place` and cannot be moved elsewhere."""
        return seal(self._record_key, _ENCODER.encode(record), place)

    def open(self, place: bytes, sealed: bytes, shape: type[T]) -> T:
        """Raises VaultLocked when the key is another, or the record was moved or damaged, and
        VaultTooNew when it is of another version's shape."""
        try:
            plain = unseal(self._record_key, sealed, place)
        except SealBroken:
            raise VaultLocked("A record of this profile cannot be opened with its key.") from None
        try:
            return msgspec.msgpack.decode(plain, type=shape)
        except msgspec.ValidationError:
            raise VaultTooNew from None

    def tag(self, kind: bytes, name: bytes) -> bytes:
        """A keyed hash to look `name` up by, which reveals nothing without the key (16 bytes)."""
        return blake2b(kind + b"\0" + name, key=self._tag_key, digest_size=16).digest()
