"""Accounts: one's own, and others'."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from coterie.protocol import limits
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


class ListUsers(Command, frozen=True, kw_only=True):
    """Those of these ids who have an account, in no order; of others nothing is said.

    An id is learnt only by having met: it says less than a name, by which anybody is looked up.
    """

    user_ids: Annotated[list[UUID], Meta(min_length=1, max_length=limits.PAGE_ROWS)]


class Users(msgspec.Struct, frozen=True, kw_only=True):
    users: list[User]
