"""Device lists: the one object by which an identity says which devices are its own.

`1 ‖ user_id 16 ‖ identity_key 32 ‖ version u32 ‖ prev_hash 32 ‖ count u8 ‖ entries ‖ signature 64`
with entries `device_id 16 ‖ device_key 32 ‖ added_at u64 ‖ revoked_at u64`, sorted by device_id.
Entries are never dropped; `revoked_at` 0 says active. The hash of a list is H of all its bytes;
version 1 has a `prev_hash` of zeros.
"""

from typing import Final
from uuid import UUID

import msgspec

from coterie.governance.encoding import EncodingError, Reader, check_rising, uint
from coterie.governance.signatures import (
    HASH_BYTES,
    SIGNATURE_BYTES,
    hash_of,
    public_key,
    sign,
    verify,
)

_VERSION: Final = 1
_LABEL: Final = "device-list"


class DeviceEntry(msgspec.Struct, frozen=True):
    """Times in ms since 1970; `revoked_at` 0: active."""

    device_id: UUID
    device_key: bytes
    added_at: int
    revoked_at: int = 0

    def encode(self) -> bytes:
        times = uint(self.added_at, 8) + uint(self.revoked_at, 8)
        return self.device_id.bytes + self.device_key + times


class DeviceList(msgspec.Struct, frozen=True):
    user_id: UUID
    identity_key: bytes
    version: int
    prev_hash: bytes
    entries: tuple[DeviceEntry, ...]
    signature: bytes

    def encode(self) -> bytes:
        return _content(self) + self.signature

    @property
    def hash(self) -> bytes:
        return hash_of(self.encode())

    @classmethod
    def decode(cls, data: bytes) -> "DeviceList":
        """Raises EncodingError. The signature is not verified: see `verify`."""
        reader = Reader(data)
        reader.version(_VERSION)
        user_id, identity_key = UUID(bytes=reader.take(16)), reader.take(32)
        version, prev_hash = reader.uint(4), reader.take(HASH_BYTES)
        entries = tuple(_read_entry(reader) for _ in range(reader.uint(1)))
        signature = reader.take(SIGNATURE_BYTES)
        reader.finish()
        check_rising((entry.device_id.bytes for entry in entries), "devices")
        if (version <= 1) != (prev_hash == bytes(HASH_BYTES)) or version == 0:
            raise EncodingError("version 1 of a device list, and no other, follows none")
        return cls(user_id, identity_key, version, prev_hash, entries, signature)

    def verify(self) -> None:
        """Raises BadSignature unless signed by the identity key it names."""
        verify(self.identity_key, self.signature, _LABEL, _content(self))

    def entry(self, device_id: UUID) -> DeviceEntry | None:
        return next((entry for entry in self.entries if entry.device_id == device_id), None)

    def names_active(self, device_id: UUID, device_key: bytes) -> bool:
        return self._names(device_id, device_key, revoked=False)

    def names_revoked(self, device_id: UUID, device_key: bytes) -> bool:
        return self._names(device_id, device_key, revoked=True)

    def _names(self, device_id: UUID, device_key: bytes, *, revoked: bool) -> bool:
        entry = self.entry(device_id)
        if entry is None or entry.device_key != device_key:
            return False
        return (entry.revoked_at != 0) is revoked

    def follows(self, previous: "DeviceList") -> bool:
        """Whether this is the next version of `previous`: nothing dropped, nothing un-revoked."""
        return self.version == previous.version + 1 and self.is_later_than(previous)

    def is_later_than(self, previous: "DeviceList") -> bool:
        """Whether this may be a later version of `previous`, however many lie between: of the same
        identity, with nothing dropped and nothing un-revoked."""
        if self.version == previous.version + 1 and self.prev_hash != previous.hash:
            return False
        return (
            self.user_id == previous.user_id
            and self.identity_key == previous.identity_key
            and self.version > previous.version
            and all(_kept(entry, self.entry(entry.device_id)) for entry in previous.entries)
        )

    @property
    def revokes(self) -> bool:
        """Whether it revokes any device."""
        return any(entry.revoked_at for entry in self.entries)

    def with_device(
        self, identity_seed: bytes, device_id: UUID, device_key: bytes, added_at: int
    ) -> "DeviceList":
        """The next version, with a further device."""
        entry = DeviceEntry(device_id, device_key, added_at)
        return self._next(identity_seed, (*self.entries, entry))

    def with_revoked(self, identity_seed: bytes, device_id: UUID, revoked_at: int) -> "DeviceList":
        """The next version, with a device revoked."""
        entries = tuple(
            msgspec.structs.replace(entry, revoked_at=entry.revoked_at or revoked_at)
            if entry.device_id == device_id
            else entry
            for entry in self.entries
        )
        return self._next(identity_seed, entries)

    def _next(self, identity_seed: bytes, entries: tuple[DeviceEntry, ...]) -> "DeviceList":
        return _sign(identity_seed, self.user_id, self.version + 1, self.hash, entries)


def first_device_list(
    identity_seed: bytes, user_id: UUID, device_id: UUID, device_key: bytes, added_at: int
) -> DeviceList:
    """Version 1: the device an account begins with."""
    entry = DeviceEntry(device_id, device_key, added_at)
    return _sign(identity_seed, user_id, 1, bytes(HASH_BYTES), (entry,))


def _sign(
    identity_seed: bytes,
    user_id: UUID,
    version: int,
    prev_hash: bytes,
    entries: tuple[DeviceEntry, ...],
) -> DeviceList:
    ordered = tuple(sorted(entries, key=lambda entry: entry.device_id.bytes))
    unsigned = DeviceList(user_id, public_key(identity_seed), version, prev_hash, ordered, b"")
    signature = sign(identity_seed, _LABEL, _content(unsigned))
    return msgspec.structs.replace(unsigned, signature=signature)


def _content(devices: DeviceList) -> bytes:
    """What is signed: everything before the signature."""
    return (
        uint(_VERSION, 1)
        + devices.user_id.bytes
        + devices.identity_key
        + uint(devices.version, 4)
        + devices.prev_hash
        + uint(len(devices.entries), 1)
        + b"".join(entry.encode() for entry in devices.entries)
    )


def _read_entry(reader: Reader) -> DeviceEntry:
    device_id, device_key = UUID(bytes=reader.take(16)), reader.take(32)
    return DeviceEntry(device_id, device_key, reader.uint(8), reader.uint(8))


def _kept(before: DeviceEntry, after: DeviceEntry | None) -> bool:
    return (
        after is not None
        and after.device_key == before.device_key
        and after.added_at == before.added_at
        and before.revoked_at in (0, after.revoked_at)
    )
