"""Framing of handshake messages: content, signature, PublicMessage (RFC 9420 §6)."""

import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from coterie.mls.codec import Reader, opaque, uint8, uint16, uint32, uint64
from coterie.mls.commits import Commit
from coterie.mls.errors import DecodeError, ValidationError
from coterie.mls.proposals import Proposal, read_proposal
from coterie.mls.suites import PROTOCOL_VERSION, Suite

E = TypeVar("E", bound=IntEnum)


class WireFormat(IntEnum):
    PUBLIC_MESSAGE = 1
    PRIVATE_MESSAGE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ContentType(IntEnum):
    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(IntEnum):
    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


_INDEXED_SENDERS = (SenderType.MEMBER, SenderType.EXTERNAL)
_SENDERS_WITH_CONTEXT = (SenderType.MEMBER, SenderType.NEW_MEMBER_COMMIT)


def read_enum(reader: Reader, kind: type[E]) -> E:
    value = reader.uint8()
    try:
        return kind(value)
    except ValueError:
        raise DecodeError("framing.enum", f"{kind.__name__} {value} is unknown") from None


def message_header(wire_format: WireFormat) -> bytes:
    """How every MLSMessage begins."""
    return uint16(PROTOCOL_VERSION) + uint16(wire_format)


@dataclass(frozen=True, slots=True)
class Sender:
    kind: SenderType
    index: int | None = None
    """Leaf index of a member, index of an external sender, else None."""

    @classmethod
    def member(cls, leaf_index: int) -> "Sender":
        return cls(SenderType.MEMBER, leaf_index)

    @classmethod
    def read(cls, reader: Reader) -> "Sender":
        kind = read_enum(reader, SenderType)
        return cls(kind, reader.uint32() if kind in _INDEXED_SENDERS else None)

    def encode(self) -> bytes:
        return uint8(self.kind) + (b"" if self.index is None else uint32(self.index))

    @property
    def leaf_index(self) -> int | None:
        """The leaf index of a member; None for everybody else."""
        return self.index if self.kind is SenderType.MEMBER else None


Content = bytes | Proposal | Commit


def read_content(reader: Reader, content_type: ContentType) -> Content:
    if content_type is ContentType.APPLICATION:
        return reader.opaque()
    if content_type is ContentType.PROPOSAL:
        return read_proposal(reader)
    return Commit.read(reader)


def encode_content(content: Content) -> bytes:
    return opaque(content) if isinstance(content, bytes) else content.encode()


def content_type_of(content: Content) -> ContentType:
    if isinstance(content, bytes):
        return ContentType.APPLICATION
    return ContentType.COMMIT if isinstance(content, Commit) else ContentType.PROPOSAL


@dataclass(frozen=True, slots=True)
class FramedContent:
    group_id: bytes
    epoch: int
    sender: Sender
    authenticated_data: bytes
    content: Content
    encoded: bytes = field(repr=False)

    @classmethod
    def of(
        cls,
        group_id: bytes,
        epoch: int,
        sender: Sender,
        authenticated_data: bytes,
        content: Content,
    ) -> "FramedContent":
        encoded = (
            opaque(group_id)
            + uint64(epoch)
            + sender.encode()
            + opaque(authenticated_data)
            + uint8(content_type_of(content))
            + encode_content(content)
        )
        return cls(group_id, epoch, sender, authenticated_data, content, encoded)

    @classmethod
    def read(cls, reader: Reader) -> "FramedContent":
        start = reader.position
        group_id, epoch, sender = reader.opaque(), reader.uint64(), Sender.read(reader)
        authenticated_data = reader.opaque()
        content = read_content(reader, read_enum(reader, ContentType))
        encoded = reader.since(start)
        return cls(group_id, epoch, sender, authenticated_data, content, encoded)


@dataclass(frozen=True, slots=True)
class AuthenticatedContent:
    """Content with its signature and, for a commit, its confirmation tag (RFC 9420 §6.1)."""

    wire_format: WireFormat
    framed: FramedContent
    signature: bytes = field(repr=False)
    confirmation_tag: bytes | None = field(repr=False)

    @classmethod
    def sign(
        cls,
        suite: Suite,
        wire_format: WireFormat,
        framed: FramedContent,
        context: bytes,
        signature_private: bytes,
    ) -> "AuthenticatedContent":
        """Signed, still without confirmation tag. `context`: the GroupContext of its epoch."""
        signed = _signed_content(wire_format, framed, context)
        signature = suite.sign_with_label(signature_private, b"FramedContentTBS", signed)
        return cls(wire_format, framed, signature, None)

    @classmethod
    def read(cls, reader: Reader, wire_format: WireFormat) -> "AuthenticatedContent":
        framed = FramedContent.read(reader)
        return cls(wire_format, framed, *read_auth_data(reader, framed.content))

    def confirmed(self, tag: bytes) -> "AuthenticatedContent":
        return AuthenticatedContent(self.wire_format, self.framed, self.signature, tag)

    def verify_signature(self, suite: Suite, public: bytes, context: bytes) -> None:
        signed = _signed_content(self.wire_format, self.framed, context)
        if not suite.verify_with_label(public, b"FramedContentTBS", signed, self.signature):
            raise ValidationError("framing.signature", "a message is not signed by its sender")

    def encode_auth_data(self) -> bytes:
        tag = b"" if self.confirmation_tag is None else opaque(self.confirmation_tag)
        return opaque(self.signature) + tag

    def encode(self) -> bytes:
        return uint16(self.wire_format) + self.framed.encoded + self.encode_auth_data()

    def proposal_reference(self, suite: Suite) -> bytes:
        """ProposalRef (RFC 9420 §5.2)."""
        return suite.ref_hash(b"MLS 1.0 Proposal Reference", self.encode())

    def membership_tag(self, suite: Suite, membership_key: bytes, context: bytes) -> bytes:
        """RFC 9420 §6.2."""
        signed = _signed_content(self.wire_format, self.framed, context)
        return suite.mac(membership_key, signed + self.encode_auth_data())


def read_auth_data(reader: Reader, content: Content) -> tuple[bytes, bytes | None]:
    """Signature and, for a commit, confirmation tag."""
    signature = reader.opaque()
    return signature, reader.opaque() if isinstance(content, Commit) else None


def _signed_content(wire_format: WireFormat, framed: FramedContent, context: bytes) -> bytes:
    """FramedContentTBS (RFC 9420 §6.1)."""
    content = message_header(wire_format) + framed.encoded
    return content + context if framed.sender.kind in _SENDERS_WITH_CONTEXT else content


@dataclass(frozen=True, slots=True)
class PublicMessage:
    """A signed, readable message; a member's carries a membership tag too."""

    authenticated: AuthenticatedContent
    membership_tag: bytes | None = field(repr=False)

    @classmethod
    def read(cls, reader: Reader) -> "PublicMessage":
        authenticated = AuthenticatedContent.read(reader, WireFormat.PUBLIC_MESSAGE)
        by_member = authenticated.framed.sender.kind is SenderType.MEMBER
        return cls(authenticated, reader.opaque() if by_member else None)

    def encode(self) -> bytes:
        """As MLSMessage."""
        tag = b"" if self.membership_tag is None else opaque(self.membership_tag)
        return (
            message_header(WireFormat.PUBLIC_MESSAGE)
            + self.authenticated.framed.encoded
            + self.authenticated.encode_auth_data()
            + tag
        )

    def has_membership_tag(self, suite: Suite, membership_key: bytes, context: bytes) -> bool:
        """True too for senders that are no members, who have none."""
        if self.membership_tag is None:
            return True
        expected = self.authenticated.membership_tag(suite, membership_key, context)
        return hmac.compare_digest(expected, self.membership_tag)
