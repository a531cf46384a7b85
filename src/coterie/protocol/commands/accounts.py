"""Accounts: one's own, and others'."""

from uuid import UUID

import msgspec

from coterie.protocol.commands.shapes import Command, Username


class GetAccount(Command, frozen=True, kw_only=True):
    """One's own account."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    device_id: UUID
    sealed_identity: bytes
    device_list: bytes
    key_packages: int
    used_bytes: int
    quota_bytes: int


class GetUser(Command, frozen=True, kw_only=True):
    """Somebody, by exact name."""

    username: Username


class User(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    identity_key: bytes
    device_list: bytes
