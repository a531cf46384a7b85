"""Entries: they open exactly as sealed, for who may open them, and in no other way."""

import secrets
from hashlib import blake2b
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt
from nacl.signing import SigningKey

from coterie.protocol import limits
from coterie.protocol.header import EntryKind, Header
from coterie.sdk.content import (
    Body,
    ContentError,
    DeviceListRef,
    EntryTooLarge,
    ForeignHead,
    Head,
    Pin,
    Problem,
    content_key,
    open_entry,
    seal_entry,
)
from coterie.sdk.files import FileInfo

KEY = bytes(range(32))
CONTEXT = bytes(range(32, 64))
DEVICE = SigningKey(bytes(range(64, 96)))
DEVICE_KEY = bytes(DEVICE.verify_key)
HEAD = Head(41, bytes(range(96, 128)))
DEVICE_LIST = DeviceListRef(1, bytes(32))

hashes = st.binary(min_size=32, max_size=32)
heads = st.builds(Head, st.integers(0, limits.LARGEST_NUMBER), hashes)
file_infos = st.builds(
    FileInfo,
    file_id=st.uuids(),
    key=hashes,
    encryption_header=st.binary(min_size=24, max_size=24),
    name=st.text(max_size=100),
    mime_type=st.text(max_size=50),
    size_bytes=st.integers(0, limits.FILE_BYTES),
    hash=hashes,
    dimensions=st.none() | st.tuples(st.integers(1, 9_999), st.integers(1, 9_999)),
    thumbnail=st.none() | st.binary(max_size=64),
)
bodies = st.builds(
    Body,
    text=st.none() | st.text(max_size=2_000),
    files=st.lists(file_infos, max_size=limits.FILES_PER_MESSAGE).map(tuple),
    edit_no=st.integers(0, 2**31),
    head=heads,
    foreign_heads=st.lists(
        st.builds(ForeignHead, st.uuids(), st.integers(0, limits.LARGEST_NUMBER), hashes),
        max_size=limits.FOREIGN_HEADS,
    ).map(tuple),
    pin=st.just(UNSET) | st.builds(Pin, st.integers(0, 2**31), st.booleans()),
    device_list=st.builds(DeviceListRef, st.integers(1, 2**31), hashes),
    mentions=st.lists(st.uuids(), max_size=limits.MENTIONS_PER_MESSAGE).map(tuple),
    everyone=st.booleans(),
)
kinds = st.sampled_from([EntryKind.MESSAGE, EntryKind.EDIT, EntryKind.DELETION, EntryKind.PIN])


def _header(kind: EntryKind = EntryKind.MESSAGE) -> Header:
    return Header(uuid4(), 7, uuid4(), uuid4(), kind, secrets.token_bytes(32))


def _body(text: str = "hello") -> Body:
    return Body(text=text, head=HEAD, device_list=DEVICE_LIST)


def _sealed(text: str = "hello") -> bytes:
    return seal_entry(KEY, _header(), _body(text), bytes(DEVICE), CONTEXT)


@given(bodies, kinds)
def test_an_entry_opens_as_it_was_sealed(body: Body, kind: EntryKind) -> None:
    entry = seal_entry(KEY, _header(kind), body, bytes(DEVICE), CONTEXT)
    assert open_entry(KEY, entry, DEVICE_KEY, CONTEXT) == body


def test_a_body_may_grow() -> None:
    """Whoever knows less of it passes over what they do not know."""

    class Older(msgspec.Struct):
        text: str | None
        head: Head

    class Newer(Body, frozen=True, kw_only=True):
        mood: str

    body = msgspec.structs.replace(_body(), mentions=(uuid4(),), everyone=True)
    encoded = msgspec.msgpack.encode(body)
    older = msgspec.msgpack.decode(encoded, type=Older)
    assert (older.text, older.head) == ("hello", HEAD)
    newer = Newer(**msgspec.structs.asdict(_body()), mood="merry")
    entry = seal_entry(KEY, _header(), newer, bytes(DEVICE), CONTEXT)
    assert open_entry(KEY, entry, DEVICE_KEY, CONTEXT) == _body()


def test_a_body_mentions_only_so_many() -> None:
    most = tuple(uuid4() for _ in range(limits.MENTIONS_PER_MESSAGE))
    for mentions, opens in ((most, True), ((*most, uuid4()), False)):
        body = msgspec.structs.replace(_body(), mentions=mentions)
        entry = seal_entry(KEY, _header(), body, bytes(DEVICE), CONTEXT)
        if opens:
            assert open_entry(KEY, entry, DEVICE_KEY, CONTEXT) == body
        else:
            with pytest.raises(ContentError) as caught:
                open_entry(KEY, entry, DEVICE_KEY, CONTEXT)
            assert caught.value.problem is Problem.BAD_BODY


def test_the_header_stays_readable() -> None:
    header = _header(EntryKind.EDIT)
    entry = seal_entry(KEY, header, _body(), bytes(DEVICE), CONTEXT)
    assert Header.decode(entry) == header


def test_an_entry_has_the_bytes_of_the_protocol() -> None:
    """Taken apart by hand, as a second implementation would."""
    entry = _sealed()
    header, nonce, ciphertext = entry[:90], entry[90:114], entry[114:]
    key = blake2b(b"coterie/1 message key", key=KEY, digest_size=32).digest()
    plaintext = decrypt(ciphertext, header, nonce, key)

    length = int.from_bytes(plaintext[:4], "big")
    signature, body, padding = (
        plaintext[4:68],
        plaintext[68 : 68 + length],
        plaintext[68 + length :],
    )
    assert len(plaintext) == 256
    assert not any(padding)
    assert msgspec.msgpack.decode(body)["text"] == "hello"

    commitment = blake2b(b"commit" + nonce, key=KEY, digest_size=32).digest()
    body_hash = blake2b(body, digest_size=32).digest()
    fields = [CONTEXT, commitment, header, nonce, body_hash]
    framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    DEVICE.verify_key.verify(b"coterie/1 message\0" + framed, signature)


def test_sealing_twice_shows_nothing_in_common() -> None:
    header = _header()
    one, two = (seal_entry(KEY, header, _body(), bytes(DEVICE), CONTEXT) for _ in range(2))
    assert one[90:114] != two[90:114]
    assert one[114:] != two[114:]


def test_every_changed_byte_is_refused() -> None:
    entry = _sealed()
    for position in range(len(entry)):
        damaged = bytearray(entry)
        damaged[position] ^= 1
        with pytest.raises(ContentError):
            open_entry(KEY, bytes(damaged), DEVICE_KEY, CONTEXT)


@given(st.integers(0, 370))
def test_every_shortened_entry_is_refused(length: int) -> None:
    with pytest.raises(ContentError):
        open_entry(KEY, _sealed()[:length], DEVICE_KEY, CONTEXT)


def test_an_entry_with_bytes_added_is_refused() -> None:
    assert _refusal(_sealed() + b"\0") is Problem.DOES_NOT_OPEN


def test_an_entry_under_another_header_is_refused() -> None:
    """The server can move ciphertext; the header it moves it under is the associated data."""
    assert _refusal(_header().encode() + _sealed()[90:]) is Problem.DOES_NOT_OPEN


def test_another_key_device_or_context_is_refused() -> None:
    entry = _sealed()
    other = bytes(SigningKey.generate().verify_key)
    assert _refusal(entry, key=secrets.token_bytes(32)) is Problem.DOES_NOT_OPEN
    assert _refusal(entry, device_key=other) is Problem.BAD_SIGNATURE
    assert _refusal(entry, context=secrets.token_bytes(32)) is Problem.BAD_SIGNATURE


def test_a_member_cannot_pass_on_what_another_wrote() -> None:
    """Every member has the key: only the signature says who wrote, and under which nonce."""
    entry = _sealed()
    key = blake2b(b"coterie/1 message key", key=KEY, digest_size=32).digest()
    plaintext = decrypt(entry[114:], entry[:90], entry[90:114], key)
    for header, nonce in ((_header().encode(), entry[90:114]), (entry[:90], bytes(24))):
        forged = header + nonce + encrypt(plaintext, header, nonce, key)
        assert _refusal(forged) is Problem.BAD_SIGNATURE


def test_a_reaction_has_no_body() -> None:
    entry = seal_entry(KEY, _header(EntryKind.REACTION), _body(), bytes(DEVICE), CONTEXT)
    assert _refusal(entry) is Problem.NOT_AN_ENTRY


def test_padding_of_another_form_is_refused() -> None:
    """It could carry hidden bytes, and give one message several lengths."""
    body = msgspec.msgpack.encode(_body())
    filled = _plaintext(body).ljust(255, b"\0") + b"\x01"
    longer = _plaintext(body).ljust(300, b"\0")
    bare = _plaintext(body)
    lying = (2**32 - 1).to_bytes(4, "big") + bare[4:].ljust(252, b"\0")
    for plaintext in (filled, longer, bare, lying, b"", b"\0\0\0"):
        assert _refusal(_entry_of(plaintext)) is Problem.BAD_PADDING


def test_a_signature_is_checked_before_the_body_is_parsed() -> None:
    garbage = _plaintext(b"\xc1 this is no msgpack").ljust(256, b"\0")
    assert _refusal(_entry_of(garbage)) is Problem.BAD_SIGNATURE


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        b"",
        msgspec.msgpack.encode({}),
        msgspec.msgpack.encode({"text": 5, "head": (1, bytes(32)), "device_list": (1, bytes(32))}),
        msgspec.msgpack.encode({"text": "", "head": (1, b"x"), "device_list": (1, bytes(32))}),
        msgspec.msgpack.encode(
            {"text": "", "head": (-1, bytes(32)), "device_list": (1, bytes(32))}
        ),
        b"\x81\xa1x" + b"\x91" * 5_000 + b"\xc0",
        b"\x81\xa4text\xa2\xff\xfe",
    ],
)
def test_a_signed_body_of_another_form_is_refused(body: bytes) -> None:
    """A member's own client may be broken or hostile: it must not stop the others."""
    assert _refusal(_signed_entry_of(body)) is Problem.BAD_BODY


def test_a_newer_client_may_say_more() -> None:
    known = {"text": "hi", "head": (1, bytes(32)), "device_list": (1, bytes(32))}
    entry = _signed_entry_of(msgspec.msgpack.encode({**known, "poll": ["yes", "no"]}))
    assert open_entry(KEY, entry, DEVICE_KEY, CONTEXT).text == "hi"


def test_lengths_fall_into_buckets() -> None:
    assert len({len(_sealed("x" * length)) for length in range(60)}) == 1
    lengths = {len(_sealed("x" * length)) for length in range(1_000, 2_000)}
    assert len(lengths) <= 18, "Padmé: 1/16 steps between 1,024 and 2,048"


def test_the_longest_text_fits_and_more_is_refused_before_it_is_sent() -> None:
    assert len(_sealed("x" * limits.TEXT_BYTES)) <= limits.ENTRY_BYTES
    with pytest.raises(EntryTooLarge):
        _sealed("x" * limits.ENTRY_BYTES)


def test_the_content_key_is_an_mls_exporter_of_the_conversation() -> None:
    class Recorder:
        def export(self, label: bytes, context: bytes, length: int) -> bytes:
            return b"|".join([label, context, str(length).encode()])

    conversation = UUID(int=5)
    assert content_key(Recorder(), conversation) == (
        b"coterie/1 content|" + conversation.bytes + b"|32"
    )


def test_nothing_secret_shows_in_repr() -> None:
    assert "hello" not in repr(_body())


def _refusal(
    entry: bytes, *, key: bytes = KEY, device_key: bytes = DEVICE_KEY, context: bytes = CONTEXT
) -> Problem:
    with pytest.raises(ContentError) as refusal:
        open_entry(key, entry, device_key, context)
    return refusal.value.problem


def _plaintext(body: bytes, signature: bytes = bytes(64)) -> bytes:
    return len(body).to_bytes(4, "big") + signature + body


def _entry_of(plaintext: bytes) -> bytes:
    header, nonce = _header().encode(), secrets.token_bytes(24)
    key = blake2b(b"coterie/1 message key", key=KEY, digest_size=32).digest()
    return header + nonce + encrypt(plaintext, header, nonce, key)


def _signed_entry_of(body: bytes) -> bytes:
    """What a device of the group makes of any body: everything right, but for what it says."""
    header, nonce = _header().encode(), secrets.token_bytes(24)
    commitment = blake2b(b"commit" + nonce, key=KEY, digest_size=32).digest()
    fields = [CONTEXT, commitment, header, nonce, blake2b(body, digest_size=32).digest()]
    framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    signature = DEVICE.sign(b"coterie/1 message\0" + framed).signature
    plaintext = _plaintext(body, signature)
    key = blake2b(b"coterie/1 message key", key=KEY, digest_size=32).digest()
    padded = plaintext.ljust(max(256, _padme(len(plaintext))), b"\0")
    return header + nonce + encrypt(padded, header, nonce, key)


def _padme(length: int) -> int:
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return -(-length // step) * step
