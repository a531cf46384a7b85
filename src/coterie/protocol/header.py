"""The clear header of an encrypted entry: 90 bytes, the associated data of its ciphertext.

`1 ‖ conversation 16 ‖ epoch u64 ‖ device 16 ‖ client_id 16 ‖ kind u8 ‖ target 32`, big-endian.
A message, an edit or a deletion is `header ‖ nonce 24 ‖ ciphertext`; a reaction is
`header ‖ token 32 ‖ op u8 ‖ counter u64 ‖ signature 64`.
"""

import struct
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from uuid import UUID

import msgspec

VERSION: Final = 1
HEADER_BYTES: Final = 90
NONCE_BYTES: Final = 24
NO_TARGET: Final = bytes(32)
CONVERSATION, DEVICE, CLIENT = slice(1, 17), slice(25, 41), slice(41, 57)
"""Where the ids of a header stand, for whoever needs no more than their bytes."""
_LAYOUT: Final = struct.Struct(">B16sQ16s16sB32s")
_REACTION: Final = struct.Struct(">32sBQ64s")


class EntryKind(IntEnum):
    """What an entry of a conversation's log is. The first five stand in headers."""

    MESSAGE = 1
    EDIT = 2
    DELETION = 3
    REACTION = 4
    PIN = 5
    STATEMENT = 6
    COMMIT = 7


_KINDS: Final = {kind.value: kind for kind in EntryKind if kind <= EntryKind.PIN}


class ReactionOp(IntEnum):
    REMOVE = 0
    ADD = 1


class HeaderError(ValueError):
    """The bytes are not an entry of this version."""


class Header(msgspec.Struct, frozen=True):
    conversation_id: UUID
    epoch: int
    device_id: UUID
    client_id: UUID
    kind: EntryKind
    target: bytes = NO_TARGET

    def encode(self) -> bytes:
        return _LAYOUT.pack(
            VERSION,
            self.conversation_id.bytes,
            self.epoch,
            self.device_id.bytes,
            self.client_id.bytes,
            self.kind,
            self.target,
        )

    @classmethod
    def decode(cls, entry: bytes) -> "Header":
        """Read the header that opens `entry`. Raises HeaderError."""
        if len(entry) < HEADER_BYTES:
            raise HeaderError("the entry is shorter than its header")
        version, conversation, epoch, device, client, kind, target = _LAYOUT.unpack_from(entry)
        if version != VERSION:
            raise HeaderError(f"unknown version {version}")
        if kind not in _KINDS:
            raise HeaderError(f"unknown kind {kind}")
        return cls(
            _known_id(conversation),
            epoch,
            _known_id(device),
            UUID(bytes=client),
            _KINDS[kind],
            target,
        )


class ReactionTail(msgspec.Struct, frozen=True):
    """What follows the header of a reaction. `token` is 32 ASCII characters, base64url."""

    token: bytes
    op: ReactionOp
    counter: int
    signature: bytes

    def encode(self) -> bytes:
        return _REACTION.pack(self.token, self.op, self.counter, self.signature)

    @classmethod
    def decode(cls, entry: bytes) -> "ReactionTail":
        """Read the tail of a whole reaction entry. Raises HeaderError."""
        if len(entry) != HEADER_BYTES + _REACTION.size:
            raise HeaderError("a reaction has a fixed length")
        token, op, counter, signature = _REACTION.unpack_from(entry, HEADER_BYTES)
        if op not in (ReactionOp.ADD, ReactionOp.REMOVE):
            raise HeaderError(f"unknown reaction op {op}")
        return cls(token, ReactionOp(op), counter, signature)


@lru_cache(maxsize=16_384)
def _known_id(data: bytes) -> UUID:
    """The same few conversations and devices are named again and again."""
    return UUID(bytes=data)


def entry_hash(entry: bytes) -> bytes:
    """H of the exact bytes sent: names the entry as a target and in the log's chain."""
    return blake2b(entry, digest_size=32).digest()
