"""Commits and the update paths in them (RFC 9420 §7.6, §12.4)."""

from dataclasses import dataclass

from coterie.mls.codec import Reader, decode, opaque, optional, vector
from coterie.mls.nodes import LeafNode
from coterie.mls.proposals import (
    Proposal,
    ProposalReference,
    encode_proposal_or_reference,
    read_proposal_or_reference,
)


@dataclass(frozen=True, slots=True)
class HPKECiphertext:
    kem_output: bytes
    ciphertext: bytes

    @classmethod
    def read(cls, reader: Reader) -> "HPKECiphertext":
        return cls(reader.opaque(), reader.opaque())

    def encode(self) -> bytes:
        return opaque(self.kem_output) + opaque(self.ciphertext)


@dataclass(frozen=True, slots=True)
class UpdatePathNode:
    """A new key of the direct path, its secret sealed to each key of the copath's resolution."""

    encryption_key: bytes
    encrypted_path_secrets: tuple[HPKECiphertext, ...]

    @classmethod
    def read(cls, reader: Reader) -> "UpdatePathNode":
        return cls(reader.opaque(), reader.vector(HPKECiphertext.read))

    def encode(self) -> bytes:
        secrets = vector(secret.encode() for secret in self.encrypted_path_secrets)
        return opaque(self.encryption_key) + secrets


@dataclass(frozen=True, slots=True)
class UpdatePath:
    leaf_node: LeafNode
    nodes: tuple[UpdatePathNode, ...]

    @classmethod
    def read(cls, reader: Reader) -> "UpdatePath":
        return cls(LeafNode.read(reader), reader.vector(UpdatePathNode.read))

    @classmethod
    def decode(cls, data: bytes) -> "UpdatePath":
        return decode(cls.read, data)

    def encode(self) -> bytes:
        return self.leaf_node.encoded + vector(node.encode() for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Commit:
    proposals: tuple[Proposal | ProposalReference, ...]
    path: UpdatePath | None

    @classmethod
    def read(cls, reader: Reader) -> "Commit":
        return cls(reader.vector(read_proposal_or_reference), reader.optional(UpdatePath.read))

    def encode(self) -> bytes:
        path = None if self.path is None else self.path.encode()
        return vector(map(encode_proposal_or_reference, self.proposals)) + optional(path)
