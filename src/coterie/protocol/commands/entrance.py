"""What needs no session."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command, Key, Username

Password = Annotated[
    str, Meta(min_length=limits.PASSWORD_LENGTH[0], max_length=limits.PASSWORD_LENGTH[1])
]


class GetServer(Command, frozen=True, kw_only=True):
    """What a client must know before it has an account."""


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`server_key` is the Ed25519 key that signs the server's statements."""

    version: str
    registration: str
    server_key: bytes


class SignUp(Command, frozen=True, kw_only=True):
    """Make an account with its first device.

    `sealed_identity` is the identity's private key, sealed under the recovery code: nonce 24 ‖
    XChaCha20-Poly1305. `registration_code` is asked for where registration is by invitation.
    """

    username: Username
    password: Password
    user_id: UUID
    device_id: UUID
    certificate: Annotated[bytes, Meta(min_length=137, max_length=137)]
    device_key: Key
    sealed_identity: Annotated[bytes, Meta(min_length=72, max_length=72)]
    device_list: Annotated[bytes, Meta(min_length=1, max_length=limits.DEVICE_LIST_BYTES)]
    registration_code: str | None = None

    def __repr__(self) -> str:
        return f"SignUp(username={self.username!r}, …)"


class LogIn(Command, frozen=True, kw_only=True):
    """A new session for a device the account has already."""

    username: Username
    password: Password
    device_id: UUID

    def __repr__(self) -> str:
        return f"LogIn(username={self.username!r}, …)"
