"""Proposals (RFC 9420 §12.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from coterie.mls.codec import Reader, opaque, uint8, uint16, uint32
from coterie.mls.errors import DecodeError
from coterie.mls.extensions import Extensions, encode_extensions, read_extensions
from coterie.mls.key_packages import KeyPackage
from coterie.mls.nodes import LeafNode
from coterie.mls.psk import PreSharedKeyID, read_psk_id


@dataclass(frozen=True, slots=True)
class Add:
    key_package: KeyPackage
    kind: ClassVar[int] = 1

    def encode(self) -> bytes:
        return uint16(self.kind) + self.key_package.encoded


@dataclass(frozen=True, slots=True)
class Update:
    leaf_node: LeafNode
    kind: ClassVar[int] = 2

    def encode(self) -> bytes:
        return uint16(self.kind) + self.leaf_node.encoded


@dataclass(frozen=True, slots=True)
class Remove:
    removed: int
    """Leaf index."""
    kind: ClassVar[int] = 3

    def encode(self) -> bytes:
        return uint16(self.kind) + uint32(self.removed)


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    psk_id: PreSharedKeyID
    kind: ClassVar[int] = 4

    def encode(self) -> bytes:
        return uint16(self.kind) + self.psk_id.encode()


@dataclass(frozen=True, slots=True)
class ReInit:
    group_id: bytes
    version: int
    cipher_suite: int
    extensions: Extensions
    kind: ClassVar[int] = 5

    @classmethod
    def read(cls, reader: Reader) -> "ReInit":
        """Its content, without the proposal's type."""
        return cls(reader.opaque(), reader.uint16(), reader.uint16(), read_extensions(reader))

    def content(self) -> bytes:
        suite = uint16(self.version) + uint16(self.cipher_suite)
        return opaque(self.group_id) + suite + encode_extensions(self.extensions)

    def encode(self) -> bytes:
        return uint16(self.kind) + self.content()


@dataclass(frozen=True, slots=True)
class ExternalInit:
    kem_output: bytes
    kind: ClassVar[int] = 6

    def encode(self) -> bytes:
        return uint16(self.kind) + opaque(self.kem_output)


@dataclass(frozen=True, slots=True)
class GroupContextExtensions:
    extensions: Extensions
    kind: ClassVar[int] = 7

    def encode(self) -> bytes:
        return uint16(self.kind) + encode_extensions(self.extensions)


Proposal = Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions


@dataclass(frozen=True, slots=True)
class ProposalReference:
    """Stands in a commit for a proposal sent before it; a hash of 32 bytes."""

    reference: bytes


_READERS: dict[int, Callable[[Reader], Proposal]] = {
    Add.kind: lambda reader: Add(KeyPackage.read(reader)),
    Update.kind: lambda reader: Update(LeafNode.read(reader)),
    Remove.kind: lambda reader: Remove(reader.uint32()),
    PreSharedKey.kind: lambda reader: PreSharedKey(read_psk_id(reader)),
    ReInit.kind: ReInit.read,
    ExternalInit.kind: lambda reader: ExternalInit(reader.opaque()),
    GroupContextExtensions.kind: lambda reader: GroupContextExtensions(read_extensions(reader)),
}


def read_proposal(reader: Reader) -> Proposal:
    kind = reader.uint16()
    read = _READERS.get(kind)
    if read is None:
        raise DecodeError("proposal.type", f"proposal type {kind} is unknown")
    return read(reader)


_BY_VALUE, _BY_REFERENCE = 1, 2


def read_proposal_or_reference(reader: Reader) -> Proposal | ProposalReference:
    form = reader.uint8()
    if form == _BY_VALUE:
        return read_proposal(reader)
    if form == _BY_REFERENCE:
        return ProposalReference(reader.opaque())
    raise DecodeError("proposal.form", "a proposal stands neither by value nor by reference")


def encode_proposal_or_reference(item: Proposal | ProposalReference) -> bytes:
    if isinstance(item, ProposalReference):
        return uint8(_BY_REFERENCE) + opaque(item.reference)
    return uint8(_BY_VALUE) + item.encode()
