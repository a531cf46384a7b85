"""One JSON and one msgpack codec for both ends; ids are 16 bytes in msgpack."""

from typing import Any, Final

import msgspec

from coterie.protocol.errors import AnyRefusal
from coterie.protocol.events import AnyEvent, Ask, Hello

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for bytes that are not what they should be."""
JSON_ENCODER: Final = msgspec.json.Encoder()
MSGPACK_ENCODER: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
EVENT_DECODER: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(AnyEvent)
ASK_DECODER: Final = msgspec.msgpack.Decoder(Ask)
HELLO_DECODER: Final = msgspec.msgpack.Decoder(Hello)
REFUSAL_DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(AnyRefusal)
