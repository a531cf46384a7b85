"""GroupInfo: the public state of an epoch, signed by a member (RFC 9420 §12.4.3)."""

from dataclasses import dataclass, field

from coterie.mls.codec import Reader, decode, opaque, uint32
from coterie.mls.errors import DecodeError, ValidationError
from coterie.mls.extensions import (
    Extensions,
    ExtensionType,
    encode_extensions,
    find_extension,
    read_extensions,
)
from coterie.mls.framing import WireFormat, message_header
from coterie.mls.group_context import GroupContext
from coterie.mls.limits import MAX_GROUP_INFO_BYTES
from coterie.mls.ratchet_tree import RatchetTree
from coterie.mls.suites import Suite

_HEADER = message_header(WireFormat.GROUP_INFO)


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """`struct` is the GroupInfo itself, `encoded` the MLSMessage around it."""

    context: GroupContext
    extensions: Extensions
    confirmation_tag: bytes
    signer: int
    """Leaf index."""
    signature: bytes = field(repr=False)
    struct: bytes = field(repr=False)

    @classmethod
    def read(cls, reader: Reader) -> "GroupInfo":
        start = reader.position
        context, extensions = GroupContext.read(reader), read_extensions(reader)
        tag, signer, signature = reader.opaque(), reader.uint32(), reader.opaque()
        return cls(context, extensions, tag, signer, signature, reader.since(start))

    @classmethod
    def decode(cls, data: bytes) -> "GroupInfo":
        """From the MLSMessage; raises `DecodeError`. The signature is not verified here."""
        if not data.startswith(_HEADER):
            raise DecodeError("framing.wire-format", "this is no GroupInfo message")
        return decode(cls.read, data[len(_HEADER) :], MAX_GROUP_INFO_BYTES)

    @classmethod
    def sign(
        cls,
        suite: Suite,
        signature_private: bytes,
        context: GroupContext,
        extensions: Extensions,
        confirmation_tag: bytes,
        signer: int,
    ) -> "GroupInfo":
        content = (
            context.encoded
            + encode_extensions(extensions)
            + opaque(confirmation_tag)
            + uint32(signer)
        )
        signature = suite.sign_with_label(signature_private, b"GroupInfoTBS", content)
        return decode(cls.read, content + opaque(signature))

    @property
    def encoded(self) -> bytes:
        return _HEADER + self.struct

    @property
    def external_pub(self) -> bytes | None:
        """The key external commits are sealed to (RFC 9420 §12.4.3.2)."""
        data = find_extension(self.extensions, ExtensionType.EXTERNAL_PUB)
        return None if data is None else decode(Reader.opaque, data)

    @property
    def ratchet_tree(self) -> RatchetTree | None:
        """The tree in its extension; raises `DecodeError`."""
        data = find_extension(self.extensions, ExtensionType.RATCHET_TREE)
        return None if data is None else RatchetTree.decode(data)

    def verify_signer(self, suite: Suite, tree: RatchetTree) -> None:
        """Signed by the key of the signer's own leaf in `tree` and no other (§12.4.3.1)."""
        leaf = tree.leaf(self.signer)
        if leaf is None:
            raise ValidationError("group-info.signer", "the signer of a GroupInfo has no leaf")
        self.verify_signature(suite, leaf.signature_key)

    def verify_signature(self, suite: Suite, public: bytes) -> None:
        content = self.struct[: -len(opaque(self.signature))]
        if not suite.verify_with_label(public, b"GroupInfoTBS", content, self.signature):
            raise ValidationError("group-info.signature", "a GroupInfo is not signed by its signer")
