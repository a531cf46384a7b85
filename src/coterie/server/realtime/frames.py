"""WebSocket frames as a server sends them: whole, unmasked, uncompressed (RFC 6455 §5.2).

A pushed event is framed once, and the bytes are written to every socket that is to have it.
"""

import struct
from enum import IntEnum

from coterie.protocol.codec import MSGPACK_ENCODER
from coterie.protocol.events import Event

_BINARY, _CLOSE = 0x82, 0x88
_TINY = struct.Struct(">BB").pack
_SHORT = struct.Struct(">BBH").pack
_LONG = struct.Struct(">BBQ").pack


class CloseCode(IntEnum):
    """Why the server closes a socket (RFC 6455 §7.4.1 and its registry)."""

    RESTARTING = 1012
    UNSUPPORTED = 1003
    REFUSED = 1008
    TRY_AGAIN_LATER = 1013


def event_frame(event: Event) -> bytes:
    payload = MSGPACK_ENCODER.encode(event)
    return _header(_BINARY, len(payload)) + payload


def close_frame(code: CloseCode) -> bytes:
    return _header(_CLOSE, 2) + code.to_bytes(2, "big")


def _header(opcode: int, length: int) -> bytes:
    if length < 126:
        return _TINY(opcode, length)
    if length < 65536:
        return _SHORT(opcode, 126, length)
    return _LONG(opcode, 127, length)
