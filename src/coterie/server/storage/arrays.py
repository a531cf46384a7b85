"""PostgreSQL arrays in the binary form of its protocol, each put together in one go.

psycopg dumps an array element by element, in Python: for a batch, much of what its statements cost
this process.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from psycopg.rows import TupleRow

_BYTEA, _INT8, _UUID = 17, 20, 2950
_HEAD: Final = struct.Struct(">iiIii")
_LENGTH: Final = struct.Struct(">i").pack
_NULL: Final = _LENGTH(-1)
_UUID_LENGTH: Final = _LENGTH(16)
_INT8_ELEMENT: Final = struct.Struct(">iq").pack


class Array:
    """An array ready to be sent. The statement names its type: `%b::uuid[]`."""

    __slots__ = ("data",)

    def __init__(self, element_type: int, elements: Sequence[bytes]) -> None:
        self.data = b"".join((_HEAD.pack(1, 1, element_type, len(elements), 1), *elements))


def uuids(ids: Iterable[UUID | None]) -> Array:
    return Array(_UUID, [_NULL if one is None else _UUID_LENGTH + one.bytes for one in ids])


def raw_uuids(ids: Iterable[bytes]) -> Array:
    """Of ids that are bytes already, 16 each."""
    return Array(_UUID, [_UUID_LENGTH + one for one in ids])


def bigints(numbers: Iterable[int | None]) -> Array:
    return Array(_INT8, [_NULL if one is None else _INT8_ELEMENT(8, one) for one in numbers])


def byteas(strings: Iterable[bytes | None]) -> Array:
    return Array(_BYTEA, [_NULL if one is None else _LENGTH(len(one)) + one for one in strings])


def register(connection: AsyncConnection[TupleRow]) -> None:
    """Let the connection take arrays as parameters."""
    connection.adapters.register_dumper(Array, _ArrayDumper)


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> Buffer:
        return obj.data
