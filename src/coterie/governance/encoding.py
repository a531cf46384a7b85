"""The bytes of our own objects: fixed widths, big-endian, one encoding for each value."""

from collections.abc import Iterable
from itertools import pairwise


class EncodingError(ValueError):
    """The bytes are not the one encoding of what was expected."""


class Reader:
    """Reads forward through bytes; every refusal is an EncodingError."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> bytes:
        start, self._position = self._position, self._position + count
        if self._position > len(self._data):
            raise EncodingError("the bytes end too early")
        return self._data[start : self._position]

    def uint(self, width: int) -> int:
        """An unsigned integer of `width` bytes."""
        return int.from_bytes(self.take(width), "big")

    def version(self, expected: int) -> None:
        """The first byte of every object."""
        found = self.uint(1)
        if found != expected:
            raise EncodingError(f"version {found} is unknown")

    def finish(self) -> None:
        if self._position != len(self._data):
            raise EncodingError("bytes follow the end")


def uint(value: int, width: int) -> bytes:
    """`value` in `width` bytes. Raises EncodingError when it does not fit."""
    try:
        return value.to_bytes(width, "big")
    except OverflowError:
        raise EncodingError(f"{value} does not fit {width} bytes") from None


def check_rising(keys: Iterable[bytes], what: str) -> None:
    """Entries are sorted by key and no key occurs twice."""
    if any(one >= following for one, following in pairwise(keys)):
        raise EncodingError(f"the {what} are not sorted by key, each once")
