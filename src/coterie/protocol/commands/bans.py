"""Bans."""

from datetime import datetime
from uuid import UUID

import msgspec

from coterie.protocol import limits
from coterie.protocol.commands.shapes import Command, Commit, Reason, Rows


class BanMember(Command, frozen=True, kw_only=True):
    """The commit takes the keys and shuts the door; also for somebody who is no member."""

    group_id: UUID
    user_id: UUID
    reason: Reason | None = None
    commit: Commit


class UnbanMember(Command, frozen=True, kw_only=True):
    group_id: UUID
    user_id: UUID
    reason: Reason | None = None
    commit: Commit


class ListBans(Command, frozen=True, kw_only=True):
    group_id: UUID
    after: UUID | None = None
    limit: Rows = limits.DEFAULT_PAGE_ROWS


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    user_id: UUID
    username: str
    identity_key: bytes
    banned_by: UUID
    reason: str | None
    banned_at: datetime


class Bans(msgspec.Struct, frozen=True, kw_only=True):
    bans: list[Ban]
    more: bool
