"""Leaf and parent nodes of the ratchet tree (RFC 9420 §7.1, §7.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from itertools import pairwise

from coterie.mls.codec import Reader, decode, opaque, uint8, uint16, uint32, uint64, vector
from coterie.mls.errors import DecodeError, ValidationError
from coterie.mls.extensions import (
    BASIC_CREDENTIAL,
    DEFAULT_EXTENSIONS,
    Extension,
    Extensions,
    encode_extensions,
    encode_uint16s,
    find_extension,
    read_credential,
    read_extensions,
    read_uint16s,
)
from coterie.mls.hpke import check_public_key
from coterie.mls.suites import PROTOCOL_VERSION, Suite, signature_public_key


class LeafNodeSource(IntEnum):
    """Where a leaf node came from (RFC 9420 §7.2)."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a client supports; defaults are not listed (RFC 9420 §7.2)."""

    versions: tuple[int, ...] = (PROTOCOL_VERSION,)
    cipher_suites: tuple[int, ...] = ()
    extensions: tuple[int, ...] = ()
    proposals: tuple[int, ...] = ()
    credentials: tuple[int, ...] = (BASIC_CREDENTIAL,)

    @classmethod
    def read(cls, reader: Reader) -> "Capabilities":
        return cls(*(read_uint16s(reader) for _ in range(5)))

    def encode(self) -> bytes:
        lists = (
            self.versions,
            self.cipher_suites,
            self.extensions,
            self.proposals,
            self.credentials,
        )
        return b"".join(map(encode_uint16s, lists))


@dataclass(frozen=True, slots=True)
class LeafNode:
    """A member's public half; immutable, with the exact bytes it was read from."""

    encryption_key: bytes
    signature_key: bytes
    credential_type: int
    identity: bytes
    capabilities: Capabilities
    source: LeafNodeSource
    lifetime: tuple[int, int] | None
    """not_before and not_after in seconds since 1970, for KEY_PACKAGE only."""
    parent_hash: bytes | None
    """For COMMIT only."""
    extensions: Extensions
    signature: bytes = field(repr=False)
    encoded: bytes = field(repr=False)

    @classmethod
    def read(cls, reader: Reader) -> "LeafNode":
        start = reader.position
        encryption_key, signature_key = reader.opaque(), reader.opaque()
        credential_type, identity = read_credential(reader)
        capabilities = Capabilities.read(reader)
        source = _read_source(reader)
        lifetime = parent_hash = None
        if source is LeafNodeSource.KEY_PACKAGE:
            lifetime = (reader.uint64(), reader.uint64())
        elif source is LeafNodeSource.COMMIT:
            parent_hash = reader.opaque()
        extensions = read_extensions(reader)
        signature = reader.opaque()
        return cls(
            encryption_key,
            signature_key,
            credential_type,
            identity,
            capabilities,
            source,
            lifetime,
            parent_hash,
            extensions,
            signature,
            reader.since(start),
        )

    @classmethod
    def decode(cls, data: bytes) -> "LeafNode":
        return decode(cls.read, data)

    @classmethod
    def sign(
        cls,
        suite: Suite,
        signature_private: bytes,
        *,
        encryption_key: bytes,
        identity: bytes,
        capabilities: Capabilities,
        extensions: Sequence[Extension],
        lifetime: tuple[int, int] | None = None,
        parent_hash: bytes | None = None,
        place: tuple[bytes, int] | None = None,
    ) -> "LeafNode":
        """A leaf node for a key package (`lifetime`), a commit (`parent_hash` and `place`) or an
        update (`place`: group id and leaf index)."""
        content = (
            opaque(encryption_key)
            + opaque(signature_public_key(signature_private))
            + uint16(BASIC_CREDENTIAL)
            + opaque(identity)
            + capabilities.encode()
            + _encode_source(lifetime, parent_hash)
            + encode_extensions(extensions)
        )
        signed = content + _encode_place(place)
        signature = suite.sign_with_label(signature_private, b"LeafNodeTBS", signed)
        return cls.decode(content + opaque(signature))

    def extension(self, kind: int) -> bytes | None:
        return find_extension(self.extensions, kind)

    def verify_signature(self, suite: Suite, place: tuple[bytes, int] | None) -> None:
        """`place`: group id and leaf index, which every source but KEY_PACKAGE signs too."""
        content = self.encoded[: -len(opaque(self.signature))]
        if self.source is not LeafNodeSource.KEY_PACKAGE:
            content += _encode_place(place)
        if not suite.verify_with_label(self.signature_key, b"LeafNodeTBS", content, self.signature):
            raise ValidationError("leaf.signature", "a leaf node is not signed by its own key")

    def check_content(self, suite: Suite) -> None:
        """What a leaf must satisfy whatever group it is in (RFC 9420 §7.3)."""
        check_public_key(self.encryption_key)
        if PROTOCOL_VERSION not in self.capabilities.versions:
            raise ValidationError("leaf.version", "a leaf does not support MLS 1.0")
        if suite.id not in self.capabilities.cipher_suites:
            raise ValidationError("leaf.suite", "a leaf does not support the group's suite")
        if self.credential_type not in self.capabilities.credentials:
            raise ValidationError("leaf.credential", "a leaf does not support its own credential")
        kinds = {kind for kind, _ in self.extensions} - DEFAULT_EXTENSIONS
        if not kinds.issubset(self.capabilities.extensions):
            raise ValidationError("leaf.extensions", "a leaf does not support its own extension")


def _read_source(reader: Reader) -> LeafNodeSource:
    value = reader.uint8()
    try:
        return LeafNodeSource(value)
    except ValueError:
        raise DecodeError("leaf.source", f"leaf node source {value} is unknown") from None


def _encode_source(lifetime: tuple[int, int] | None, parent_hash: bytes | None) -> bytes:
    if lifetime is not None:
        return uint8(LeafNodeSource.KEY_PACKAGE) + uint64(lifetime[0]) + uint64(lifetime[1])
    if parent_hash is not None:
        return uint8(LeafNodeSource.COMMIT) + opaque(parent_hash)
    return uint8(LeafNodeSource.UPDATE)


def _encode_place(place: tuple[bytes, int] | None) -> bytes:
    return b"" if place is None else opaque(place[0]) + uint32(place[1])


@dataclass(frozen=True)
class ParentNode:
    """An inner node: a key that all below it hold, save the unmerged leaves."""

    encryption_key: bytes
    parent_hash: bytes
    unmerged_leaves: tuple[int, ...] = ()
    """Leaf indices, ascending."""

    @classmethod
    def read(cls, reader: Reader) -> "ParentNode":
        node = cls(reader.opaque(), reader.opaque(), reader.vector(Reader.uint32))
        leaves = node.unmerged_leaves
        if any(first >= second for first, second in pairwise(leaves)):
            raise DecodeError("parent.unmerged-order", "unmerged leaves are not ascending")
        return node

    @cached_property
    def encoded(self) -> bytes:
        unmerged = vector(map(uint32, self.unmerged_leaves))
        return opaque(self.encryption_key) + opaque(self.parent_hash) + unmerged

    def with_unmerged(self, leaf_index: int) -> "ParentNode":
        leaves = tuple(sorted((*self.unmerged_leaves, leaf_index)))
        return ParentNode(self.encryption_key, self.parent_hash, leaves)

    def without_unmerged(self, leaf_indices: frozenset[int]) -> "ParentNode":
        leaves = tuple(leaf for leaf in self.unmerged_leaves if leaf not in leaf_indices)
        return ParentNode(self.encryption_key, self.parent_hash, leaves)


Node = LeafNode | ParentNode
