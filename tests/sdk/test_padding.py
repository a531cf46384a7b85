"""Padmé: what the buckets look like, by the formula of the paper."""

from math import floor, log2

from hypothesis import given
from hypothesis import strategies as st

from coterie.sdk.padding import padded_length


@given(st.integers(0, 2**31))
def test_a_bucket_holds_its_content_and_little_more(length: int) -> None:
    padded = padded_length(length)
    assert padded >= max(length, 256)
    assert padded <= max(256, length * 1.12)
    assert padded_length(padded) == padded, "a full bucket stays as it is"


@given(st.integers(257, 2**31))
def test_it_is_the_formula_of_the_paper(length: int) -> None:
    """PURBs §4: keep the first floor(log2 E) + 1 bits after the leading one, round up."""
    exponent = floor(log2(length))
    last_bits = exponent - (floor(log2(exponent)) + 1)
    assert padded_length(length) == -(-length // 2**last_bits) * 2**last_bits


def test_short_texts_all_look_alike() -> None:
    assert {padded_length(length) for length in range(257)} == {256}
