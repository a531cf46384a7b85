"""PrivateMessage: content encrypted under its sender's ratchet (RFC 9420 §6.3)."""

import secrets
from dataclasses import dataclass, field

from coterie.mls.codec import Reader, decode, opaque, uint8, uint32, uint64
from coterie.mls.errors import DecodeError, ValidationError
from coterie.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    Sender,
    SenderType,
    WireFormat,
    content_type_of,
    encode_content,
    message_header,
    read_auth_data,
    read_content,
    read_enum,
)
from coterie.mls.secret_tree import SecretTree
from coterie.mls.suites import NONCE_LENGTH, Suite

_REUSE_GUARD_LENGTH = 4
_SAMPLE_LENGTH = 32  # KDF.Nh


@dataclass(frozen=True, slots=True)
class PrivateMessage:
    group_id: bytes
    epoch: int
    content_type: ContentType
    authenticated_data: bytes
    encrypted_sender_data: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)

    @classmethod
    def read(cls, reader: Reader) -> "PrivateMessage":
        return cls(
            reader.opaque(),
            reader.uint64(),
            read_enum(reader, ContentType),
            reader.opaque(),
            reader.opaque(),
            reader.opaque(),
        )

    def encode(self) -> bytes:
        """As MLSMessage."""
        return (
            message_header(WireFormat.PRIVATE_MESSAGE)
            + self._header()
            + opaque(self.authenticated_data)
            + opaque(self.encrypted_sender_data)
            + opaque(self.ciphertext)
        )

    def _header(self) -> bytes:
        """SenderDataAAD; with authenticated_data it is PrivateContentAAD."""
        return opaque(self.group_id) + uint64(self.epoch) + uint8(self.content_type)

    @classmethod
    def seal(
        cls,
        suite: Suite,
        sender_data_secret: bytes,
        tree: SecretTree,
        authenticated: AuthenticatedContent,
        padding: int = 0,
    ) -> "tuple[PrivateMessage, SecretTree]":
        """The message, and the secret tree without the key it used."""
        framed = authenticated.framed
        content_type = content_type_of(framed.content)
        if framed.sender.leaf_index is None:
            raise ValidationError("private.sender", "only a member sends a PrivateMessage")
        leaf_index = framed.sender.leaf_index
        generation, (key, nonce), tree = tree.take_next(suite, leaf_index, content_type)
        guard = secrets.token_bytes(_REUSE_GUARD_LENGTH)
        plaintext = (
            encode_content(framed.content) + authenticated.encode_auth_data() + bytes(padding)
        )
        message = cls(
            framed.group_id, framed.epoch, content_type, framed.authenticated_data, b"", b""
        )
        ciphertext = suite.encrypt(key, _guarded(nonce, guard), plaintext, message._content_aad())
        sender_data = uint32(leaf_index) + uint32(generation) + guard
        sender_key, sender_nonce = sender_data_key(suite, sender_data_secret, ciphertext)
        sealed = suite.encrypt(sender_key, sender_nonce, sender_data, message._header())
        return message._with(sealed, ciphertext), tree

    def _content_aad(self) -> bytes:
        return self._header() + opaque(self.authenticated_data)

    def _with(self, encrypted_sender_data: bytes, ciphertext: bytes) -> "PrivateMessage":
        return PrivateMessage(
            self.group_id,
            self.epoch,
            self.content_type,
            self.authenticated_data,
            encrypted_sender_data,
            ciphertext,
        )

    def unseal(
        self, suite: Suite, sender_data_secret: bytes, tree: SecretTree
    ) -> tuple[AuthenticatedContent, SecretTree]:
        """The content, its signature not yet verified, and the tree without the key used.

        Raises `SecretError` when it does not open, `DecodeError` when it opens to nonsense.
        """
        leaf_index, generation, guard = self._sender(suite, sender_data_secret)
        if leaf_index >= tree.width:
            raise ValidationError("sender.member", "the sender is no member")
        (key, nonce), tree = tree.take(suite, leaf_index, self.content_type, generation)
        plaintext = suite.decrypt(key, _guarded(nonce, guard), self.ciphertext, self._content_aad())
        return self._authenticated(plaintext, leaf_index), tree

    def _sender(self, suite: Suite, sender_data_secret: bytes) -> tuple[int, int, bytes]:
        """SenderData: leaf index, generation, reuse guard."""
        key, nonce = sender_data_key(suite, sender_data_secret, self.ciphertext)
        data = suite.decrypt(key, nonce, self.encrypted_sender_data, self._header())
        return decode(_read_sender_data, data)

    def _authenticated(self, plaintext: bytes, leaf_index: int) -> AuthenticatedContent:
        reader = Reader(plaintext)
        content = read_content(reader, self.content_type)
        signature, tag = read_auth_data(reader, content)
        if any(reader.rest()):
            raise DecodeError("private.padding", "padding is not zero")
        sender = Sender(SenderType.MEMBER, leaf_index)
        framed = FramedContent.of(
            self.group_id, self.epoch, sender, self.authenticated_data, content
        )
        return AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, framed, signature, tag)


def _read_sender_data(reader: Reader) -> tuple[int, int, bytes]:
    return reader.uint32(), reader.uint32(), reader.take(_REUSE_GUARD_LENGTH)


def sender_data_key(suite: Suite, secret: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of the sender data, from a sample of the ciphertext (RFC 9420 §6.3.2)."""
    sample = ciphertext[:_SAMPLE_LENGTH]
    key = suite.expand_with_label(secret, b"key", sample, suite.key_length)
    return key, suite.expand_with_label(secret, b"nonce", sample, NONCE_LENGTH)


def _guarded(nonce: bytes, guard: bytes) -> bytes:
    """The nonce with the reuse guard in its first bytes (RFC 9420 §6.3.1)."""
    head = bytes(one ^ other for one, other in zip(nonce, guard, strict=False))
    return head + nonce[len(head) :]
