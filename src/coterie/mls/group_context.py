"""The GroupContext: what all members agree on in an epoch (RFC 9420 §8.1)."""

from dataclasses import dataclass, replace

from coterie.mls.codec import Reader, decode, opaque, uint16, uint64
from coterie.mls.errors import DecodeError, ValidationError
from coterie.mls.extensions import (
    Extensions,
    encode_extensions,
    find_extension,
    read_extensions,
)
from coterie.mls.limits import MAX_GROUP_INFO_BYTES
from coterie.mls.suites import PROTOCOL_VERSION, Suite

_LAST_EPOCH = 2**64 - 1


@dataclass(frozen=True, slots=True)
class GroupContext:
    version: int
    cipher_suite: int
    group_id: bytes
    epoch: int
    tree_hash: bytes
    confirmed_transcript_hash: bytes
    extensions: Extensions

    @classmethod
    def initial(
        cls, suite: Suite, group_id: bytes, tree_hash: bytes, extensions: Extensions
    ) -> "GroupContext":
        """Epoch 0 (RFC 9420 §11)."""
        return cls(PROTOCOL_VERSION, suite.id, group_id, 0, tree_hash, b"", extensions)

    @classmethod
    def read(cls, reader: Reader) -> "GroupContext":
        version = reader.uint16()
        if version != PROTOCOL_VERSION:
            raise DecodeError("context.version", f"protocol version {version} is unknown")
        return cls(
            version,
            reader.uint16(),
            reader.opaque(),
            reader.uint64(),
            reader.opaque(),
            reader.opaque(),
            read_extensions(reader),
        )

    @classmethod
    def decode(cls, data: bytes) -> "GroupContext":
        return decode(cls.read, data, MAX_GROUP_INFO_BYTES)

    @property
    def encoded(self) -> bytes:
        """The TLS bytes, which signatures and the key schedule cover."""
        return (
            uint16(self.version)
            + uint16(self.cipher_suite)
            + opaque(self.group_id)
            + uint64(self.epoch)
            + opaque(self.tree_hash)
            + opaque(self.confirmed_transcript_hash)
            + encode_extensions(self.extensions)
        )

    def extension(self, kind: int) -> bytes | None:
        return find_extension(self.extensions, kind)

    def next(self, tree_hash: bytes, extensions: Extensions) -> "GroupContext":
        """Epoch n+1 as an UpdatePath sees it: with the transcript hash of epoch n."""
        if self.epoch == _LAST_EPOCH:
            raise ValidationError("context.epoch", "the group has had its last epoch")
        return replace(self, epoch=self.epoch + 1, tree_hash=tree_hash, extensions=extensions)

    def confirmed(self, transcript_hash: bytes) -> "GroupContext":
        return replace(self, confirmed_transcript_hash=transcript_hash)
