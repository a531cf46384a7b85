"""The codec: what is written is read back, and only the one canonical encoding is read."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.mls import DecodeError
from coterie.mls.codec import (
    Reader,
    decode,
    length_prefix,
    opaque,
    optional,
    uint8,
    uint16,
    uint32,
    uint64,
    vector,
)
from tests.mls.refusals import refused

LENGTHS = st.one_of(
    st.sampled_from([0, 63, 64, 16383, 16384, 2**30 - 1]), st.integers(0, 2**30 - 1)
)


@given(LENGTHS)
def test_lengths_round_trip(length: int) -> None:
    assert decode(Reader.length, length_prefix(length)) == length


@given(LENGTHS, st.sampled_from([(2, 1 << 14), (4, 2 << 30)]))
def test_longer_forms_of_a_length_are_refused(length: int, form: tuple[int, int]) -> None:
    size, prefix = form
    shortest = length_prefix(length)
    if size > len(shortest) and length < 1 << (8 * size - 2):
        longer = (length | prefix if size == 2 else length | 1 << 31).to_bytes(size, "big")
        with refused("codec.length", DecodeError):
            decode(Reader.length, longer)


def test_reserved_prefix_and_excessive_lengths_are_refused() -> None:
    with refused("codec.length", DecodeError):
        decode(Reader.length, b"\xc0\x00\x00\x00\x00\x00\x00\x00")
    with refused("codec.length", DecodeError):
        length_prefix(1 << 30)


@given(
    st.integers(0, 2**8 - 1),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
)
def test_integers_round_trip(one: int, two: int, four: int, eight: int) -> None:
    reader = Reader(uint8(one) + uint16(two) + uint32(four) + uint64(eight))
    assert (reader.uint8(), reader.uint16(), reader.uint32(), reader.uint64()) == (
        one,
        two,
        four,
        eight,
    )
    reader.finish()


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_vectors_round_trip(items: list[bytes]) -> None:
    encoded = vector(map(opaque, items))
    assert decode(lambda reader: reader.vector(Reader.opaque), encoded) == tuple(items)


@given(st.one_of(st.none(), st.binary(max_size=80)))
def test_optionals_round_trip(item: bytes | None) -> None:
    encoded = optional(None if item is None else opaque(item))
    assert decode(lambda reader: reader.optional(Reader.opaque), encoded) == item


@given(st.binary(min_size=1, max_size=80), st.data())
def test_every_truncation_is_refused(data: bytes, draw: st.DataObject) -> None:
    encoded = opaque(data)
    cut = draw.draw(st.integers(0, len(encoded) - 1))
    with refused("codec.truncated", DecodeError):
        decode(Reader.opaque, encoded[:cut])


def test_a_vector_does_not_read_beyond_its_end() -> None:
    encoded = opaque(opaque(b"ab")[:2]) + b"bcdef"
    with refused("codec.truncated", DecodeError):
        Reader(encoded).vector(Reader.opaque)


def test_trailing_bytes_and_half_optionals_are_refused() -> None:
    with refused("codec.trailing", DecodeError):
        decode(Reader.uint8, b"\x00\x00")
    with refused("codec.optional", DecodeError):
        decode(lambda reader: reader.optional(Reader.uint8), b"\x02\x00")


def test_a_limit_is_checked_before_anything_is_parsed() -> None:
    with refused("codec.size", DecodeError):
        decode(Reader.opaque, bytes(11), limit=10)


@pytest.mark.parametrize("read", [Reader.opaque, Reader.length, Reader.uint64])
@given(data=st.binary(max_size=40))
def test_garbage_raises_nothing_but_decode_errors(
    read: Callable[[Reader], object], data: bytes
) -> None:
    with suppress(DecodeError):
        decode(read, data)
