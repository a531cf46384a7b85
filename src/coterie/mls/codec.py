"""The presentation language of TLS as RFC 9420 §2.1 uses it: big-endian, minimal lengths."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from coterie.mls.errors import DecodeError

T = TypeVar("T")

_SHORT_LENGTHS = tuple(bytes((length,)) for length in range(1 << 6))
_LENGTH_OF_PREFIX = (1, 2, 4)
_SMALLEST_OF_PREFIX = (0, 1 << 6, 1 << 14)


def uint8(value: int) -> bytes:
    return value.to_bytes(1, "big")


def uint16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def uint32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def uint64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def length_prefix(length: int) -> bytes:
    """A variable-size length in its shortest form (RFC 9420 §2.1.2)."""
    if length < 1 << 6:
        return _SHORT_LENGTHS[length]
    if length < 1 << 14:
        return uint16(length | 1 << 14)
    if length < 1 << 30:
        return uint32(length | 1 << 31)
    raise DecodeError("codec.length", "a vector holds at most 2^30 - 1 bytes")


def opaque(data: bytes) -> bytes:
    """`opaque data<V>`."""
    return length_prefix(len(data)) + data


def vector(items: Iterable[bytes]) -> bytes:
    """`Item items<V>` of items that are already encoded."""
    return opaque(b"".join(items))


def optional(item: bytes | None) -> bytes:
    """`optional<Item>`."""
    return b"\x00" if item is None else b"\x01" + item


class Reader:
    """Reads forward through bytes; every refusal is a `DecodeError`."""

    __slots__ = ("_buffer", "_end", "position")

    def __init__(self, buffer: bytes, start: int = 0, end: int | None = None) -> None:
        self._buffer = buffer
        self._end = len(buffer) if end is None else end
        self.position = start

    def take(self, count: int) -> bytes:
        start, stop = self.position, self.position + count
        if stop > self._end:
            raise DecodeError("codec.truncated", "the bytes end too early")
        self.position = stop
        return self._buffer[start:stop]

    def since(self, start: int) -> bytes:
        """The bytes read from `start` (an earlier `position`) until now."""
        return self._buffer[start : self.position]

    def uint8(self) -> int:
        return self.take(1)[0]

    def uint16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def uint64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def length(self) -> int:
        """A variable-size length; only the shortest form is accepted (RFC 9420 §2.1.2)."""
        first = self.uint8()
        prefix = first >> 6
        if prefix == 0:
            return first
        if prefix == 3:
            raise DecodeError("codec.length", "invalid length prefix")
        rest = self.take(_LENGTH_OF_PREFIX[prefix] - 1)
        length = int.from_bytes(bytes((first & 0x3F,)) + rest, "big")
        if length < _SMALLEST_OF_PREFIX[prefix]:
            raise DecodeError("codec.length", "a length is not in its shortest form")
        return length

    def opaque(self) -> bytes:
        return self.take(self.length())

    def inner(self) -> "Reader":
        """A reader of the next vector, which this reader then has passed."""
        length = self.length()
        start = self.position
        self.take(length)
        return Reader(self._buffer, start, start + length)

    def vector(self, read: Callable[["Reader"], T]) -> tuple[T, ...]:
        inner = self.inner()
        items: list[T] = []
        while not inner.at_end:
            items.append(read(inner))
        return tuple(items)

    def optional(self, read: Callable[["Reader"], T]) -> T | None:
        present = self.uint8()
        if present > 1:
            raise DecodeError("codec.optional", "an optional is neither present nor absent")
        return read(self) if present else None

    @property
    def at_end(self) -> bool:
        return self.position == self._end

    def rest(self) -> bytes:
        return self.take(self._end - self.position)

    def finish(self) -> None:
        if not self.at_end:
            raise DecodeError("codec.trailing", "bytes follow the end")


def decode(read: Callable[[Reader], T], data: bytes, limit: int | None = None) -> T:
    """Reads one thing that is all of `data`, which holds at most `limit` bytes."""
    if limit is not None and len(data) > limit:
        raise DecodeError("codec.size", f"{len(data)} bytes exceed the limit of {limit}")
    reader = Reader(data)
    item = read(reader)
    reader.finish()
    return item
