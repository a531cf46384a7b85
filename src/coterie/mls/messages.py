"""MLSMessage: the envelope of everything on the wire (RFC 9420 §6)."""

from coterie.mls.codec import Reader, decode
from coterie.mls.errors import DecodeError
from coterie.mls.framing import PublicMessage, WireFormat
from coterie.mls.group_info import GroupInfo
from coterie.mls.key_packages import KeyPackage
from coterie.mls.limits import MAX_COMMIT_BYTES
from coterie.mls.private_message import PrivateMessage
from coterie.mls.suites import PROTOCOL_VERSION
from coterie.mls.welcome import Welcome

Message = PublicMessage | PrivateMessage | Welcome | GroupInfo | KeyPackage

_READERS = {
    WireFormat.PUBLIC_MESSAGE: PublicMessage.read,
    WireFormat.PRIVATE_MESSAGE: PrivateMessage.read,
    WireFormat.WELCOME: Welcome.read,
    WireFormat.GROUP_INFO: GroupInfo.read,
    WireFormat.KEY_PACKAGE: KeyPackage.read,
}


def read_message(reader: Reader) -> Message:
    if reader.uint16() != PROTOCOL_VERSION:
        raise DecodeError("framing.version", "the protocol version is unknown")
    wire_format = reader.uint16()
    read = _READERS.get(WireFormat(wire_format)) if wire_format in set(WireFormat) else None
    if read is None:
        raise DecodeError("framing.wire-format", f"wire format {wire_format} is unknown")
    return read(reader)


def decode_message(data: bytes, limit: int | None = None) -> Message:
    return decode(read_message, data, limit)


def decode_public_message(data: bytes) -> PublicMessage:
    message = decode_message(data, MAX_COMMIT_BYTES)
    if not isinstance(message, PublicMessage):
        raise DecodeError("framing.wire-format", "this is no PublicMessage")
    return message
