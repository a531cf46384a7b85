"""How long things look: Padmé (Nikitin et al., PURBs, PETS 2019), at least 256 bytes.

The length of what is padded leaks O(log log n) bits; at most 12 % is added.
"""

from typing import Final

SMALLEST_BUCKET: Final = 256


def padded_length(length: int) -> int:
    """The bucket that holds `length` bytes."""
    return max(SMALLEST_BUCKET, _padme(length))


def _padme(length: int) -> int:
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    free_bits = exponent - exponent.bit_length()
    mask = (1 << free_bits) - 1
    return (length + mask) & ~mask
