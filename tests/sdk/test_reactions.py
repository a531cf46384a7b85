"""Reaction tokens: unique, unreadable without the key, invertible with it, and signed."""

import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import blake2b
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from coterie.protocol.header import EntryKind, Header, HeaderError, ReactionOp, ReactionTail
from coterie.sdk.content import ContentError, Problem
from coterie.sdk.reactions import (
    UnknownEmoji,
    catalogue,
    invert,
    normalise,
    open_reaction,
    require_known,
    seal_reaction,
    token,
)

KEY = bytes(range(32))
MESSAGE = bytes(range(32, 64))
USER = UUID(int=7)
CONTEXT = bytes(range(64, 96))
DEVICE = SigningKey(bytes(range(96, 128)))


def test_a_token_has_the_bytes_of_the_protocol() -> None:
    reaction_key = blake2b(b"coterie/1 reaction", key=KEY, digest_size=32).digest()
    digest = blake2b(MESSAGE + USER.bytes + "❤".encode(), key=reaction_key, digest_size=24)
    assert token(KEY, MESSAGE, USER, "❤️") == urlsafe_b64encode(digest.digest())


@given(st.sampled_from(sorted(catalogue().values())))
def test_every_emoji_fits_the_column_and_reads_back_as_sent(emoji: str) -> None:
    reaction = token(KEY, MESSAGE, USER, emoji)
    assert len(reaction) == 32
    assert invert(KEY, MESSAGE, USER, reaction) == emoji


def test_one_emoji_typed_two_ways_is_one_reaction() -> None:
    """The UNIQUE of the table would otherwise let somebody react twice with one heart."""
    assert token(KEY, MESSAGE, USER, "❤️") == token(KEY, MESSAGE, USER, "❤")
    assert invert(KEY, MESSAGE, USER, token(KEY, MESSAGE, USER, "❤")) == "❤️"


def test_tokens_tell_nothing_between_users_messages_or_keys() -> None:
    reactions = {
        token(KEY, MESSAGE, USER, "👍"),
        token(KEY, MESSAGE, uuid4(), "👍"),
        token(KEY, secrets.token_bytes(32), USER, "👍"),
        token(secrets.token_bytes(32), MESSAGE, USER, "👍"),
        token(KEY, MESSAGE, USER, "👎"),
    }
    assert len(reactions) == 5


def test_a_foreign_token_is_not_inverted() -> None:
    reaction = token(KEY, MESSAGE, USER, "👍")
    assert invert(KEY, MESSAGE, uuid4(), reaction) is None
    assert invert(KEY, MESSAGE, USER, token(KEY, MESSAGE, USER, ":party:")) is None


def test_names_of_the_group_are_inverted_too() -> None:
    reaction = token(KEY, MESSAGE, USER, ":party:")
    assert invert(KEY, MESSAGE, USER, reaction, custom=[":party:"]) == ":party:"


def test_the_worst_inversion_is_quick() -> None:
    """10 ms are measured; the bound only catches an inversion that became slow by design."""
    catalogue()
    began = time.perf_counter()
    assert invert(KEY, MESSAGE, USER, b"A" * 32) is None
    assert time.perf_counter() - began < 0.5


def test_the_catalogue_begins_with_the_commonest_and_fits_the_limits() -> None:
    emoji = list(catalogue().values())
    assert emoji[:3] == ["👍", "❤️", "😂"]
    assert len(emoji) > 3_500
    assert len(set(map(normalise, emoji))) == len(emoji)
    assert all(require_known(each) == each for each in emoji)


@pytest.mark.parametrize("text", ["", "a", "hello", "👍👍", "👍" * 30])
def test_what_is_no_emoji_is_refused_before_it_is_sent(text: str) -> None:
    with pytest.raises(UnknownEmoji):
        require_known(text)


def _header(kind: EntryKind = EntryKind.REACTION) -> Header:
    return Header(uuid4(), 3, uuid4(), uuid4(), kind, MESSAGE)


def _reaction(header: Header, op: ReactionOp = ReactionOp.ADD, counter: int = 1) -> bytes:
    reaction = token(KEY, MESSAGE, USER, "👍")
    return seal_reaction(header, reaction, op, counter, bytes(DEVICE), CONTEXT)


@given(st.sampled_from(ReactionOp), st.integers(0, 2**64 - 1))
def test_a_reaction_opens_as_it_was_sealed(op: ReactionOp, counter: int) -> None:
    entry = _reaction(_header(), op, counter)
    tail = open_reaction(entry, bytes(DEVICE.verify_key), CONTEXT)
    assert (tail.token, tail.op, tail.counter) == (token(KEY, MESSAGE, USER, "👍"), op, counter)


def test_the_signature_covers_what_the_protocol_names() -> None:
    header = _header()
    tail = ReactionTail.decode(_reaction(header, ReactionOp.REMOVE, 9))
    fields = [CONTEXT, header.encode(), tail.token, b"\0", (9).to_bytes(8, "big")]
    framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    DEVICE.verify_key.verify(b"coterie/1 reaction\0" + framed, tail.signature)


def test_every_changed_byte_is_refused() -> None:
    entry = _reaction(_header())
    for position in range(len(entry)):
        damaged = bytearray(entry)
        damaged[position] ^= 1
        with pytest.raises(ContentError):
            open_reaction(bytes(damaged), bytes(DEVICE.verify_key), CONTEXT)


def test_another_device_or_context_is_refused() -> None:
    entry = _reaction(_header())
    other = bytes(SigningKey.generate().verify_key)
    for device_key, context in ((other, CONTEXT), (bytes(DEVICE.verify_key), bytes(32))):
        with pytest.raises(ContentError) as refusal:
            open_reaction(entry, device_key, context)
        assert refusal.value.problem is Problem.BAD_SIGNATURE


def test_only_a_reaction_is_a_reaction() -> None:
    """A device's signature on a reaction must not pass under the header of another kind."""
    for entry in (_reaction(_header(EntryKind.MESSAGE)), _reaction(_header())[:-1], b""):
        with pytest.raises(ContentError) as refusal:
            open_reaction(entry, bytes(DEVICE.verify_key), CONTEXT)
        assert refusal.value.problem is Problem.NOT_AN_ENTRY


def test_a_tail_of_another_length_is_no_reaction() -> None:
    with pytest.raises(HeaderError):
        ReactionTail.decode(_reaction(_header()) + b"\0")
