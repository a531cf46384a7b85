"""The content of messages, edits, deletions and pins, encrypted and signed (`docs/protocol.md` §3).

An entry is `header 90 ‖ nonce 24 ‖ ciphertext`; the header is the associated data. The plaintext
is `length u32 ‖ signature 64 ‖ body ‖ zeros`, where `length` is that of the body and the zeros fill
the bucket of `padding`. The signature is by the device's key, under the label 'message', over
`H(GroupContext) ‖ key commitment ‖ header ‖ nonce ‖ H(body)`.
"""

import secrets
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Final, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from coterie.governance.signatures import BadSignature, hash_of, kdf, sign, verify
from coterie.protocol import limits
from coterie.protocol.codec import UNREADABLE
from coterie.protocol.commands import Cursor, Hash
from coterie.protocol.header import HEADER_BYTES, NONCE_BYTES, EntryKind, Header, HeaderError
from coterie.sdk.errors import ClientError
from coterie.sdk.files import FileInfo
from coterie.sdk.padding import padded_length
from coterie.sdk.seals import SealBroken, decrypt, encrypt

CONTENT_LABEL: Final = b"coterie/1 content"
KEY_BYTES: Final = 32
_LENGTH_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_BODY_START: Final = _LENGTH_BYTES + _SIGNATURE_BYTES
_KINDS: Final = frozenset({EntryKind.MESSAGE, EntryKind.EDIT, EntryKind.DELETION, EntryKind.PIN})


class Exporter(Protocol):
    """The part of an `mls.Group` that content needs."""

    def export(self, label: bytes, context: bytes, length: int) -> bytes: ...


class Problem(StrEnum):
    """Why an entry is shown as a stub."""

    NOT_AN_ENTRY = "not_an_entry"
    DOES_NOT_OPEN = "does_not_open"
    BAD_PADDING = "bad_padding"
    BAD_SIGNATURE = "bad_signature"
    BAD_BODY = "bad_body"


class ContentError(Exception):
    """The entry is not what an honest device sends: `problem` says in which way."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(detail)
        self.problem = problem


class EntryTooLarge(ClientError):
    """The text and what travels with it do not fit into one entry."""

    code = "entry_too_large"

    def __init__(self) -> None:
        super().__init__("The message is too long. Split it, or send it as a file.")


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The newest entry of this log that the sender has verified: `(sequence, chain value)`."""

    seq: Cursor
    chain: Hash


class ForeignHead(msgspec.Struct, frozen=True, array_like=True):
    """A head of another conversation that sender and receiver share."""

    conversation_id: UUID
    seq: Cursor
    chain: Hash


class DeviceListRef(msgspec.Struct, frozen=True, array_like=True):
    """The newest device list of the sender: its version, and H of its bytes."""

    version: Cursor
    hash: Hash


class Pin(msgspec.Struct, frozen=True, array_like=True):
    """`number` rises each time a message is pinned or unpinned: no old pin can be played again."""

    number: Cursor
    pinned: bool


class Portrayed(StrEnum):
    """Whom the one file of a message is a picture of."""

    SENDER = "sender"
    GROUP = "group"


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is encrypted. A deletion has no text, nor has a pin; `edit_no` is 0 but in an edit.
    Only a pin has `pin`. `portrays` is a `Portrayed`, or something that a later version knows.

    It may grow: a reader passes over fields that it does not know. What is as by default is left
    out, so that a mention does not make a short message longer than others.
    """

    text: str | None = None
    files: Annotated[tuple[FileInfo, ...], Meta(max_length=limits.FILES_PER_MESSAGE)] = ()
    edit_no: Cursor = 0
    pin: Pin | UnsetType = UNSET
    head: Head
    foreign_heads: Annotated[tuple[ForeignHead, ...], Meta(max_length=limits.FOREIGN_HEADS)] = ()
    device_list: DeviceListRef
    mentions: Annotated[tuple[UUID, ...], Meta(max_length=limits.MENTIONS_PER_MESSAGE)] = ()
    everyone: bool = False
    portrays: Annotated[str, Meta(max_length=16)] | None = None

    def __repr__(self) -> str:
        return f"Body(edit_no={self.edit_no}, head={self.head.seq}, …)"


_ENCODER: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
_DECODER: Final = msgspec.msgpack.Decoder(Body)


def content_key(group: Exporter, conversation_id: UUID) -> bytes:
    """CK of the group's present epoch, 32 bytes (RFC 9420 §8.5)."""
    return group.export(CONTENT_LABEL, conversation_id.bytes, KEY_BYTES)


def seal_entry(
    content_key: bytes, header: Header, body: Body, device_seed: bytes, context_hash: bytes
) -> bytes:
    """The exact bytes to send. `context_hash` is H(GroupContext) of the header's epoch.

    Raises EntryTooLarge.
    """
    clear = header.encode()
    nonce = secrets.token_bytes(NONCE_BYTES)
    encoded = _ENCODER.encode(body)
    signed = _signed_fields(content_key, context_hash, clear, nonce, encoded)
    plaintext = _padded(encoded, sign(device_seed, "message", *signed))
    entry = clear + nonce + encrypt(_message_key(content_key), nonce, plaintext, clear)
    if len(entry) > limits.ENTRY_BYTES:
        raise EntryTooLarge
    return entry


def open_entry(content_key: bytes, entry: bytes, device_key: bytes, context_hash: bytes) -> Body:
    """The body, once everything about it is proven. Raises ContentError.

    The caller looks up `device_key` and `context_hash` by the header, and judges the header.
    """
    clear, nonce, ciphertext = _split(entry)
    try:
        plaintext = decrypt(_message_key(content_key), nonce, ciphertext, clear)
    except SealBroken:
        raise ContentError(Problem.DOES_NOT_OPEN, "the message does not decrypt") from None
    encoded, signature = _unpadded(plaintext)
    signed = _signed_fields(content_key, context_hash, clear, nonce, encoded)
    try:
        verify(device_key, signature, "message", *signed)
    except BadSignature:
        raise ContentError(Problem.BAD_SIGNATURE, "the sender's signature is wrong") from None
    return _parse(encoded)


def _split(entry: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        header = Header.decode(entry)
    except HeaderError as error:
        raise ContentError(Problem.NOT_AN_ENTRY, str(error)) from None
    if header.kind not in _KINDS:
        raise ContentError(Problem.NOT_AN_ENTRY, "an entry of this kind has no body")
    nonce_end = HEADER_BYTES + NONCE_BYTES
    return entry[:HEADER_BYTES], entry[HEADER_BYTES:nonce_end], entry[nonce_end:]


def _signed_fields(
    content_key: bytes, context_hash: bytes, header: bytes, nonce: bytes, body: bytes
) -> tuple[bytes, ...]:
    return context_hash, _key_commitment(content_key, nonce), header, nonce, hash_of(body)


def _key_commitment(content_key: bytes, nonce: bytes) -> bytes:
    """XChaCha20-Poly1305 does not commit to its key: one ciphertext could open under two."""
    return blake2b(b"commit" + nonce, key=content_key, digest_size=32).digest()


def _message_key(content_key: bytes) -> bytes:
    return kdf(content_key, "message key")


def _padded(body: bytes, signature: bytes) -> bytes:
    plaintext = len(body).to_bytes(_LENGTH_BYTES, "big") + signature + body
    return plaintext.ljust(padded_length(len(plaintext)), b"\0")


def _unpadded(plaintext: bytes) -> tuple[bytes, bytes]:
    """The body and its signature. There is one padding for each body, and no other is taken."""
    end = _BODY_START + int.from_bytes(plaintext[:_LENGTH_BYTES], "big")
    if len(plaintext) != padded_length(end) or any(plaintext[end:]):
        raise ContentError(Problem.BAD_PADDING, "the message is padded wrongly")
    return plaintext[_BODY_START:end], plaintext[_LENGTH_BYTES:_BODY_START]


def _parse(encoded: bytes) -> Body:
    try:
        return _DECODER.decode(encoded)
    except UNREADABLE:
        raise ContentError(Problem.BAD_BODY, "the message has an unknown form") from None
