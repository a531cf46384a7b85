"""Reactions the server can count and keep unique, but not read (`docs/protocol.md` §4).

A token is `base64url(BLAKE2b-192(key = KDF(CK(epoch of the message), 'reaction'), H(message) ‖
user_id ‖ normalised emoji))`: 32 characters. Members invert it over the catalogue, the commonest
emoji first. The signature covers the token and never the emoji, so that it proves nothing about
what was felt to somebody who lacks the key.
"""

import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from itertools import chain
from typing import Final
from uuid import UUID

from coterie.governance.signatures import BadSignature, kdf, sign, verify
from coterie.protocol.header import EntryKind, Header, HeaderError, ReactionOp, ReactionTail
from coterie.sdk.content import ContentError, Problem
from coterie.sdk.errors import ClientError

TOKEN_BYTES: Final = 32
_DIGEST_BYTES: Final = 24
_VARIATION_SELECTOR_16: Final = "\ufe0f"


class UnknownEmoji(ClientError):
    """The text is no emoji of the catalogue: nobody could read the reaction."""

    code = "unknown_emoji"

    def __init__(self) -> None:
        super().__init__("A reaction is one emoji. Send anything else as a message.")


def normalise(emoji: str) -> str:
    """NFC, without U+FE0F: two ways to type one emoji are one reaction."""
    return unicodedata.normalize("NFC", emoji).replace(_VARIATION_SELECTOR_16, "")


def require_known(emoji: str) -> str:
    """The emoji as the catalogue writes it. Raises UnknownEmoji."""
    known = catalogue().get(normalise(emoji))
    if known is None:
        raise UnknownEmoji
    return known


def token(content_key: bytes, message_hash: bytes, user_id: UUID, emoji: str) -> bytes:
    """The 32 ASCII characters that stand for `emoji`, by this user, on this message.

    `content_key` is that of the message's own epoch: the token stays one across epochs.
    """
    state = _state(content_key, message_hash, user_id)
    state.update(normalise(emoji).encode())
    return urlsafe_b64encode(state.digest())


def invert(
    content_key: bytes,
    message_hash: bytes,
    user_id: UUID,
    reaction_token: bytes,
    custom: Iterable[str] = (),
) -> str | None:
    """The emoji a token stands for, or None when neither catalogue nor `custom` names holds it."""
    state = _state(content_key, message_hash, user_id)
    named = ((normalise(name), name) for name in custom)
    for normal, emoji in chain(named, catalogue().items()):
        attempt = state.copy()
        attempt.update(normal.encode())
        if urlsafe_b64encode(attempt.digest()) == reaction_token:
            return emoji
    return None


def seal_reaction(
    header: Header,
    reaction_token: bytes,
    op: ReactionOp,
    counter: int,
    device_seed: bytes,
    context_hash: bytes,
) -> bytes:
    """The exact bytes to send. `context_hash` is H(GroupContext) of the header's epoch."""
    clear = header.encode()
    fields = _signed_fields(context_hash, clear, reaction_token, op, counter)
    signature = sign(device_seed, "reaction", *fields)
    return clear + ReactionTail(reaction_token, op, counter, signature).encode()


def open_reaction(entry: bytes, device_key: bytes, context_hash: bytes) -> ReactionTail:
    """The reaction, its signature checked. Raises ContentError."""
    clear, tail = _split(entry)
    fields = _signed_fields(context_hash, clear, tail.token, tail.op, tail.counter)
    try:
        verify(device_key, tail.signature, "reaction", *fields)
    except BadSignature:
        raise ContentError(Problem.BAD_SIGNATURE, "the sender's signature is wrong") from None
    return tail


@cache
def catalogue() -> dict[str, str]:
    """Every emoji by its normal form, the commonest first."""
    text = files("coterie.sdk").joinpath("emoji.gen.txt").read_text("utf-8")
    return {normalise(emoji): emoji for emoji in text.split()}


def _state(content_key: bytes, message_hash: bytes, user_id: UUID) -> blake2b:
    key = kdf(content_key, "reaction")
    return blake2b(message_hash + user_id.bytes, key=key, digest_size=_DIGEST_BYTES)


def _split(entry: bytes) -> tuple[bytes, ReactionTail]:
    try:
        header, tail = Header.decode(entry), ReactionTail.decode(entry)
    except HeaderError as error:
        raise ContentError(Problem.NOT_AN_ENTRY, str(error)) from None
    if header.kind is not EntryKind.REACTION:
        raise ContentError(Problem.NOT_AN_ENTRY, "this entry is not a reaction")
    return header.encode(), tail


def _signed_fields(
    context_hash: bytes, header: bytes, reaction_token: bytes, op: ReactionOp, counter: int
) -> tuple[bytes, ...]:
    return context_hash, header, reaction_token, bytes([op]), counter.to_bytes(8, "big")
