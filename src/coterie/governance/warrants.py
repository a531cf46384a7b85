"""Warrants: what a commit carries in `authenticated_data` to prove that it may do what it does.

`1 ‖ count u8 ‖ [type u8 ‖ length u32 ‖ bytes]…`, or nothing at all when there is no warrant.
Acting by rank needs none.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from coterie.governance.certificates import Certificate
from coterie.governance.device_lists import DeviceList
from coterie.governance.encoding import EncodingError, Reader, check_rising, uint
from coterie.governance.leaves import SEAT_BYTES
from coterie.governance.signatures import (
    HASH_BYTES,
    KEY_BYTES,
    SIGNATURE_BYTES,
    hash_of,
    public_key,
    sign,
    verify,
)

_VERSION: Final = 1


class JoinProof(msgspec.Struct, frozen=True):
    """Who joins holds the secret of an open link: `invite_key 32 ‖ signature 64`."""

    kind: ClassVar[int] = 1
    invite_key: bytes
    signature: bytes

    def encode(self) -> bytes:
        return self.invite_key + self.signature

    @classmethod
    def read(cls, reader: Reader) -> "JoinProof":
        return cls(reader.take(KEY_BYTES), reader.take(SIGNATURE_BYTES))

    def verify(self, context: bytes, certificate: Certificate, device_key: bytes) -> None:
        """`context`: the bytes of GroupContext n. Raises BadSignature."""
        fields = _join_fields(context, certificate, device_key)
        verify(self.invite_key, self.signature, "join", *fields)


class DeviceListItem(msgspec.Struct, frozen=True):
    """The device list of somebody whose device enters or goes."""

    kind: ClassVar[int] = 2
    devices: DeviceList

    def encode(self) -> bytes:
        return self.devices.encode()


class LeaveStatement(msgspec.Struct, frozen=True):
    """A person leaves, with all their seats, by the hand of one of their devices.

    `device_key 32 ‖ count u8 ‖ seats, 16 each, sorted ‖ signature 64`. Holds for any epoch. These
    bytes are an entry of the log too.
    """

    kind: ClassVar[int] = 3
    device_key: bytes
    seats: tuple[bytes, ...]
    signature: bytes

    def encode(self) -> bytes:
        return self.device_key + uint(len(self.seats), 1) + b"".join(self.seats) + self.signature

    @classmethod
    def read(cls, reader: Reader) -> "LeaveStatement":
        device_key = reader.take(KEY_BYTES)
        seats = tuple(reader.take(SEAT_BYTES) for _ in range(reader.uint(1)))
        check_rising(seats, "seats")
        return cls(device_key, seats, reader.take(SIGNATURE_BYTES))

    @classmethod
    def decode(cls, data: bytes) -> "LeaveStatement":
        """Raises EncodingError. The signature is not verified: see `verify`."""
        reader = Reader(data)
        statement = cls.read(reader)
        reader.finish()
        return statement

    def verify(self, group_id: bytes) -> None:
        """Raises BadSignature."""
        verify(self.device_key, self.signature, "leave", group_id, b"".join(self.seats))


class RevokeStatement(msgspec.Struct, frozen=True):
    """An earlier device of the same person revokes one: `device_key ‖ seat 16 ‖ signature`."""

    kind: ClassVar[int] = 4
    device_key: bytes
    seat: bytes
    signature: bytes

    def encode(self) -> bytes:
        return self.device_key + self.seat + self.signature

    @classmethod
    def read(cls, reader: Reader) -> "RevokeStatement":
        return cls(reader.take(KEY_BYTES), reader.take(SEAT_BYTES), reader.take(SIGNATURE_BYTES))

    def verify(self, group_id: bytes) -> None:
        """Raises BadSignature."""
        verify(self.device_key, self.signature, "revoke", group_id, self.seat)


class ServerStatementKind(IntEnum):
    """What the server says has ended, and what `subject` then is."""

    ACCOUNT_ENDED = 5  # identity key
    DEVICE_REVOKED = 6  # seat
    LINK_ENDED = 7  # invite key


_SERVER_LABELS: Final = {
    ServerStatementKind.ACCOUNT_ENDED: "server-account-ended",
    ServerStatementKind.DEVICE_REVOKED: "server-device-revoked",
    ServerStatementKind.LINK_ENDED: "server-link-ended",
}


class ServerStatement(msgspec.Struct, frozen=True):
    """The server, by the key in the state, says what has ended: `subject ‖ signature 64`."""

    kind: ServerStatementKind
    subject: bytes
    signature: bytes

    def encode(self) -> bytes:
        return self.subject + self.signature

    def verify(self, server_key: bytes, group_id: bytes) -> None:
        """Raises BadSignature."""
        verify(server_key, self.signature, _SERVER_LABELS[self.kind], group_id, self.subject)


class Acceptance(msgspec.Struct, frozen=True):
    """Who is added wants to be: `KeyPackageRef 32 ‖ signature 64`."""

    kind: ClassVar[int] = 8
    reference: bytes
    signature: bytes

    def encode(self) -> bytes:
        return self.reference + self.signature

    @classmethod
    def read(cls, reader: Reader) -> "Acceptance":
        return cls(reader.take(HASH_BYTES), reader.take(SIGNATURE_BYTES))

    def verify(self, device_key: bytes, group_id: bytes, genesis: bytes) -> None:
        """Raises BadSignature."""
        verify(device_key, self.signature, "acceptance", group_id, genesis, self.reference)


Warrant = (
    JoinProof | DeviceListItem | LeaveStatement | RevokeStatement | ServerStatement | Acceptance
)


def encode_warrants(warrants: Iterable[Warrant]) -> bytes:
    """The `authenticated_data` of a commit."""
    items = [uint(w.kind, 1) + uint(len(w.encode()), 4) + w.encode() for w in warrants]
    return uint(_VERSION, 1) + uint(len(items), 1) + b"".join(items) if items else b""


def decode_warrants(data: bytes) -> tuple[Warrant, ...]:
    """Raises EncodingError. No signature is verified."""
    if not data:
        return ()
    reader = Reader(data)
    reader.version(_VERSION)
    count = reader.uint(1)
    if count == 0:
        raise EncodingError("no warrants are no bytes")
    warrants = tuple(_read_item(reader) for _ in range(count))
    reader.finish()
    return warrants


def _read_item(reader: Reader) -> Warrant:
    kind, length = reader.uint(1), reader.uint(4)
    return _read_warrant(kind, reader.take(length))


def _read_warrant(kind: int, data: bytes) -> Warrant:
    reader = Reader(data)
    match kind:
        case JoinProof.kind:
            warrant = JoinProof.read(reader)
        case DeviceListItem.kind:
            return DeviceListItem(DeviceList.decode(data))
        case LeaveStatement.kind:
            warrant = LeaveStatement.read(reader)
        case RevokeStatement.kind:
            warrant = RevokeStatement.read(reader)
        case ServerStatementKind.ACCOUNT_ENDED | ServerStatementKind.LINK_ENDED:
            warrant = _read_server_statement(reader, ServerStatementKind(kind), KEY_BYTES)
        case ServerStatementKind.DEVICE_REVOKED:
            warrant = _read_server_statement(reader, ServerStatementKind(kind), SEAT_BYTES)
        case Acceptance.kind:
            warrant = Acceptance.read(reader)
        case _:
            raise EncodingError(f"warrant type {kind} is unknown")
    reader.finish()
    return warrant


def _read_server_statement(
    reader: Reader, kind: ServerStatementKind, subject_bytes: int
) -> ServerStatement:
    return ServerStatement(kind, reader.take(subject_bytes), reader.take(SIGNATURE_BYTES))


def _join_fields(context: bytes, certificate: Certificate, device_key: bytes) -> tuple[bytes, ...]:
    user_id: UUID = certificate.user_id
    return hash_of(context), user_id.bytes, certificate.identity_key, device_key


def sign_join(
    invite_seed: bytes, context: bytes, certificate: Certificate, device_key: bytes
) -> JoinProof:
    """`context`: the bytes of the GroupContext that is joined; a lost race signs again."""
    fields = _join_fields(context, certificate, device_key)
    return JoinProof(public_key(invite_seed), sign(invite_seed, "join", *fields))


def sign_leave(device_seed: bytes, group_id: bytes, seats: Iterable[bytes]) -> LeaveStatement:
    """`seats`: all seats of the person; a statement that leaves one out is worth nothing."""
    ordered = tuple(sorted(set(seats)))
    signature = sign(device_seed, "leave", group_id, b"".join(ordered))
    return LeaveStatement(public_key(device_seed), ordered, signature)


def sign_revoke(device_seed: bytes, group_id: bytes, seat: bytes) -> RevokeStatement:
    signature = sign(device_seed, "revoke", group_id, seat)
    return RevokeStatement(public_key(device_seed), seat, signature)


def sign_server_statement(
    server_seed: bytes, kind: ServerStatementKind, group_id: bytes, subject: bytes
) -> ServerStatement:
    return ServerStatement(
        kind, subject, sign(server_seed, _SERVER_LABELS[kind], group_id, subject)
    )


def sign_acceptance(
    device_seed: bytes, group_id: bytes, genesis: bytes, reference: bytes
) -> Acceptance:
    """`reference`: the KeyPackageRef of the package by which this device may be added."""
    return Acceptance(reference, sign(device_seed, "acceptance", group_id, genesis, reference))
