"""What crosses the wire: frames, commands and results in msgpack and JSON, links, headers."""

from typing import Any
from uuid import UUID

import msgspec

from coterie.protocol.api import API
from coterie.protocol.codec import (
    ASK_DECODER,
    EVENT_DECODER,
    HELLO_DECODER,
    JSON_ENCODER,
    MSGPACK_ENCODER,
    REFUSAL_DECODER,
    UNREADABLE,
)
from coterie.protocol.errors import NotFound
from coterie.protocol.events import Answered, Ask, EntryAdded, Hello, Ready
from coterie.protocol.header import EntryKind, Header, HeaderError, ReactionOp, ReactionTail
from coterie.protocol.links import InviteLink, LinkError, new_code
from tests.fuzz.examples import example_of
from tests.fuzz.target import Parse, Target

DECLARED = [declared for row in API for declared in (row.command, row.result)]
ENCODERS = (JSON_ENCODER, MSGPACK_ENCODER)


def frames() -> Target:
    ask = Ask(1, "GetGroup", msgspec.Raw(MSGPACK_ENCODER.encode({"group_id": bytes(16)})))
    events = [example_of(EntryAdded), example_of(Ready), Answered(1, msgspec.Raw(b"\xc0"))]
    decoders = (ASK_DECODER, HELLO_DECODER, EVENT_DECODER)
    samples = [MSGPACK_ENCODER.encode(frame) for frame in (ask, Hello("token"), *events)]
    return Target([(decoder.decode, UNREADABLE) for decoder in decoders], samples)


def commands() -> Target:
    """Bodies for every command and every result, whichever was meant."""
    shapes = [dict[str, Any], *DECLARED]
    decoders = [*map(json_decoder, shapes), *map(msgpack_decoder, shapes), REFUSAL_DECODER.decode]
    examples = [example_of(declared) for declared in DECLARED]
    return Target(
        [(decode, UNREADABLE) for decode in decoders],
        [encoder.encode(one) for one in (*examples, NotFound("group")) for encoder in ENCODERS],
    )


def json_decoder(shape: type) -> Parse:
    return msgspec.json.Decoder[Any](shape).decode


def msgpack_decoder(shape: type) -> Parse:
    return msgspec.msgpack.Decoder[Any](shape).decode


def headers() -> Target:
    header = Header(UUID(int=1), 2, UUID(int=3), UUID(int=4), EntryKind.REACTION)
    tail = ReactionTail(b"t" * 32, ReactionOp.ADD, 5, bytes(64))
    samples = [header.encode(), header.encode() + tail.encode()]
    return Target(
        [(parse, (HeaderError,)) for parse in (Header.decode, ReactionTail.decode)], samples
    )


def links() -> Target:
    link = InviteLink("https://chat.example:8440", new_code(), bytes(range(32)))
    samples = [str(link).encode(), str(link).replace("https", "http").encode()]
    return Target([(lambda data: InviteLink.parse(text_of(data)), (LinkError,))], samples)


def text_of(data: bytes) -> str:
    """Anything that may be pasted, with the lone surrogates that Python makes of stray bytes."""
    return data.decode(errors="surrogateescape")
