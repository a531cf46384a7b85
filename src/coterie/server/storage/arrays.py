"""PostgreSQL arrays in the binary form of its protocol, each put together in one go.

psycopg dumps an array element by element, in Python: for a batch, much of what its statements cost
this process. The statement names the type: `$1::uuid[]`.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

_BYTEA, _INT8, _TEXT, _UUID = 17, 20, 25, 2950
_HEAD: Final = struct.Struct(">iiIii")
_LENGTH: Final = struct.Struct(">i").pack
_NULL: Final = _LENGTH(-1)
_UUID_LENGTH: Final = _LENGTH(16)
_INT8_ELEMENT: Final = struct.Struct(">iq").pack


def uuids(ids: Iterable[UUID | None]) -> bytes:
    return _array(_UUID, [_NULL if one is None else _UUID_LENGTH + one.bytes for one in ids])


def raw_uuids(ids: Iterable[bytes]) -> bytes:
    """Of ids that are bytes already, 16 each."""
    return _array(_UUID, [_UUID_LENGTH + one for one in ids])


def bigints(numbers: Iterable[int | None]) -> bytes:
    return _array(_INT8, [_NULL if one is None else _INT8_ELEMENT(8, one) for one in numbers])


def byteas(strings: Iterable[bytes | None]) -> bytes:
    return _array(_BYTEA, [_NULL if one is None else _LENGTH(len(one)) + one for one in strings])


def texts(strings: Iterable[str]) -> bytes:
    encoded = (one.encode() for one in strings)
    return _array(_TEXT, [_LENGTH(len(one)) + one for one in encoded])


def _array(element_type: int, elements: Sequence[bytes]) -> bytes:
    return b"".join((_HEAD.pack(1, 1, element_type, len(elements), 1), *elements))
